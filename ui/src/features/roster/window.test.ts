import { expect, it } from "vitest";

import { ROW_HEIGHT, visibleRows } from "./window";

it("renders a short list whole", () => {
  expect(visibleRows(5, 0, 600, 0)).toEqual([0, 1, 2, 3, 4]);
  expect(visibleRows(0, 0, 600, -1)).toEqual([]);
});

it("renders what is in sight, and some more", () => {
  const rows = visibleRows(1_000, 500 * ROW_HEIGHT, 640, -1);
  expect(rows[0]).toBe(492);
  expect(rows.at(-1)).toBe(517);
});

it("keeps the one with the focus, wherever it is", () => {
  expect(visibleRows(1_000, 500 * ROW_HEIGHT, 640, 3)[0]).toBe(3);
  expect(visibleRows(1_000, 0, 640, 900).at(-1)).toBe(900);
});

it("shows the end when the list got shorter than it was scrolled", () => {
  expect(visibleRows(30, 900 * ROW_HEIGHT, 640, -1)).toContain(29);
});
