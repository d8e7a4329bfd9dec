import { expect, it } from "vitest";

import type { TimelineItem } from "../../generated/TimelineItem";
import { rowsOf } from "./rows";

const noon = new Date(2026, 4, 12, 12).getTime();
const DAY = 86_400_000;

function item(id: number, rest: Partial<TimelineItem> = {}): TimelineItem {
  return {
    id,
    position: id,
    from: rest.isMine === true ? "me" : "bob",
    isMine: false,
    content: "text",
    at: null,
    delivery: null,
    ...rest,
  };
}

/** A row in short: `(1` opens a run, `1)` closes it. */
function shape(items: TimelineItem[], firstUnread: number | null = null): string[] {
  return rowsOf(items, firstUnread).map((row) =>
    row.kind === "message"
      ? `${row.opens ? "(" : ""}${row.item.id}${row.closes ? ")" : ""}`
      : row.kind,
  );
}

it("has the name on the first message and on each change of the sender", () => {
  const mine = { isMine: true };
  expect(shape([item(1), item(2), item(3, mine), item(4, mine), item(5)])).toEqual([
    "(1",
    "2)",
    "(3",
    "4)",
    "(5)",
  ]);
});

it("has a line where a day begins, and none where no time is known", () => {
  expect(
    shape([
      item(1),
      item(2),
      item(3, { at: noon }),
      item(4),
      item(5, { at: noon + 60_000 }),
      item(6, { at: noon + DAY }),
    ]),
  ).toEqual(["(1", "2)", "day", "(3", "4", "5)", "day", "(6)"]);
});

it("has a line before what had not been seen", () => {
  expect(shape([item(1), item(2), item(3)], 2)).toEqual(["(1)", "unread", "(2", "3)"]);
});

it("keeps every key apart, also when a clock was set back", () => {
  const rows = rowsOf(
    [item(1, { at: noon }), item(2, { at: noon + DAY }), item(3, { at: noon })],
    null,
  );
  expect(new Set(rows.map(({ key }) => key)).size).toBe(rows.length);
});
