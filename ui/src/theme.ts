import type { Theme } from "./generated/Theme";

const dark = "(prefers-color-scheme: dark)";

/** Gives the page the colours of a theme, and follows the system where that is the theme. */
export function showTheme(theme: Theme): () => void {
  const system = window.matchMedia(dark);
  const show = () => {
    const isDark = theme === "system" ? system.matches : theme === "dark";
    document.documentElement.dataset.theme = isDark ? "dark" : "light";
  };
  show();
  system.addEventListener("change", show);
  return () => {
    system.removeEventListener("change", show);
  };
}
