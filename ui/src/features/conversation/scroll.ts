/** Within this many pixels of the end, one is at the end. */
const NEAR_END = 40;

/** Within this many pixels of the beginning, older messages are asked for. */
const NEAR_START = 600;

/** A row and where it stands in the window, so that it can be put there again. */
export type Anchor = { readonly row: HTMLElement; readonly top: number };

export function isAtEnd(scroller: HTMLElement): boolean {
  return scroller.scrollHeight - scroller.clientHeight - scroller.scrollTop <= NEAR_END;
}

export function isNearStart(scroller: HTMLElement): boolean {
  // A list without a height is not on any screen.
  return scroller.clientHeight > 0 && scroller.scrollTop <= NEAR_START;
}

export function toEnd(scroller: HTMLElement): void {
  scroller.scrollTop = scroller.scrollHeight;
}

/**
 * The first row in sight. WebKit does not hold the scroll position by itself
 * when something above it grows, so the timeline does it by hand everywhere.
 */
export function anchorOf(scroller: HTMLElement, rows: HTMLElement): Anchor | null {
  const edge = scroller.getBoundingClientRect().top;
  // The rows are in order, so the first in sight is found by halving.
  let low = 0;
  let high = rows.children.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    const rect = rows.children[middle]?.getBoundingClientRect();
    if (rect !== undefined && rect.bottom <= edge) low = middle + 1;
    else high = middle;
  }
  const row = rows.children[low];
  return row instanceof HTMLElement ? { row, top: row.getBoundingClientRect().top } : null;
}

/** Puts an anchor's row back to where it stood, if it is still there. */
export function restore(scroller: HTMLElement, anchor: Anchor): void {
  if (!anchor.row.isConnected) return;
  scroller.scrollTop += anchor.row.getBoundingClientRect().top - anchor.top;
}
