/** The height of an entry in pixels: the same for all, so that ten thousand need no measuring. */
export const ROW_HEIGHT = 64;

/** Entries kept ready above and below what is seen. */
const SPARE = 8;

/** Taken for the height of the list until it has been measured. */
const USUAL_HEIGHT = 800;

/** Which entries to render: those in sight, some more, and the one with the focus. */
export function visibleRows(
  count: number,
  scrollTop: number,
  height: number,
  focused: number,
): number[] {
  const seen = Math.ceil((height > 0 ? height : USUAL_HEIGHT) / ROW_HEIGHT);
  const top = Math.floor(Math.max(0, scrollTop) / ROW_HEIGHT);
  const from = Math.max(0, Math.min(top, count - seen) - SPARE);
  const to = Math.min(count, top + seen + SPARE);
  const rows = Array.from({ length: Math.max(0, to - from) }, (_, index) => from + index);
  if (focused >= 0 && focused < count) {
    if (focused < from) rows.unshift(focused);
    else if (focused >= to) rows.push(focused);
  }
  return rows;
}
