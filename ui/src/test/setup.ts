import "@testing-library/jest-dom/vitest";
import { beforeEach } from "vitest";

// What jsdom has not: sizes, colours of the system, and dialogs that open.
if (typeof window !== "undefined") {
  class NoSizes implements ResizeObserver {
    observe(): void {
      // Nothing ever has a size here.
    }
    unobserve(): void {
      // As above.
    }
    disconnect(): void {
      // As above.
    }
  }
  window.ResizeObserver = NoSizes;

  HTMLDialogElement.prototype.showModal = function showModal() {
    this.setAttribute("open", "");
    this.querySelector("button")?.focus();
  };
  HTMLDialogElement.prototype.close = function close() {
    this.removeAttribute("open");
    this.dispatchEvent(new Event("close"));
  };

  beforeEach(() => {
    window.matchMedia = (media) =>
      Object.assign(new EventTarget(), {
        media,
        matches: false,
        onchange: null,
        addListener: () => undefined,
        removeListener: () => undefined,
      });
  });
}
