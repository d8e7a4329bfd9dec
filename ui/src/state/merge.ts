import type { ItemId } from "../generated/ItemId";
import type { TimelineItem } from "../generated/TimelineItem";

/** What an event said about a conversation. */
export type TimelineChange = {
  readonly items: readonly TimelineItem[];
  readonly removed: readonly ItemId[];
};

/**
 * Puts changes into a run of items, ordered by position. An item known by its
 * id is replaced, wherever it stands now. What stands before `floor` is left
 * out: it belongs to a page that has not been asked for, and would stand next
 * to a hole.
 */
export function merge(
  items: readonly TimelineItem[],
  change: TimelineChange,
  floor: number,
): readonly TimelineItem[] {
  const byId = new Map(items.map((item) => [item.id, item]));
  for (const id of change.removed) byId.delete(id);
  for (const item of change.items) {
    if (item.position < floor) byId.delete(item.id);
    else byId.set(item.id, item);
  }
  return [...byId.values()].sort((a, b) => a.position - b.position);
}
