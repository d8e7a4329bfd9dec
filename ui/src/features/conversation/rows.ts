import type { ItemId } from "../../generated/ItemId";
import type { TimelineItem } from "../../generated/TimelineItem";
import { dayOf } from "../../i18n/time";

/** One line of the timeline as it is shown. */
export type Row =
  | { readonly kind: "day"; readonly key: string; readonly at: number }
  | { readonly kind: "unread"; readonly key: string }
  | {
      readonly kind: "message";
      readonly key: ItemId;
      readonly item: TimelineItem;
      /** The first of a run of one sender: it carries the name. */
      readonly opens: boolean;
      /** The last of such a run. */
      readonly closes: boolean;
    };

/**
 * Lays out items, oldest first, with a line where a day begins and one before
 * the first that had not been seen. What came out of a server's history has no
 * time, and so no day.
 */
export function rowsOf(items: readonly TimelineItem[], firstUnread: ItemId | null): Row[] {
  const rows: Row[] = [];
  let day: number | null = null;
  let previous: TimelineItem | null = null;
  items.forEach((item, index) => {
    let opens = previous === null || !sameSender(previous, item);
    if (item.at !== null && dayOf(item.at) !== day) {
      day = dayOf(item.at);
      // A clock that was set back may bring a day twice.
      rows.push({ kind: "day", key: `day-${item.id}`, at: item.at });
      opens = true;
    }
    if (item.id === firstUnread) {
      rows.push({ kind: "unread", key: "unread" });
      opens = true;
    }
    const next = items[index + 1];
    const closes =
      next === undefined ||
      !sameSender(item, next) ||
      next.id === firstUnread ||
      (next.at !== null && dayOf(next.at) !== day);
    rows.push({ kind: "message", key: item.id, item, opens, closes });
    previous = item;
  });
  return rows;
}

function sameSender(a: TimelineItem, b: TimelineItem): boolean {
  return a.isMine === b.isMine && a.from === b.from;
}
