import { readFileSync } from "node:fs";

import { describe, expect, it } from "vitest";

const css = readFileSync("src/styles/tokens.css", "utf8");

function tokensOf(selector: string): Map<string, string> {
  const block = css.slice(css.indexOf(`${selector} {`));
  const body = block.slice(0, block.indexOf("\n}"));
  return new Map(
    [...body.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map(([, name = "", value = ""]) => [
      name,
      value,
    ]),
  );
}

const light = tokensOf(":root");
const dark = new Map([...light, ...tokensOf(':root[data-theme="dark"]')]);

function luminance(hex: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(theme: Map<string, string>, ink: string, surface: string): number {
  const [a, b] = [ink, surface].map((name) => {
    const hex = theme.get(name);
    if (hex === undefined) throw new Error(`no colour named ${name}`);
    return luminance(hex);
  }) as [number, number];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}

const SURFACES = ["window", "side", "raised", "hover", "chosen", "mine", "theirs"].map(
  (name) => `surface-${name}`,
);
const PEOPLE = Array.from({ length: 8 }, (_, hue) => ["person-ink", `person-${hue}`]);

/** Text on what it is read on: WCAG AA for small text. */
const TEXT = [
  ...SURFACES.flatMap((surface) => [
    ["ink", surface],
    ["ink-soft", surface],
  ]),
  ...["window", "side", "raised", "hover", "chosen"].map((name) => [
    "accent-text",
    `surface-${name}`,
  ]),
  ["accent-ink", "accent"],
  ["accent-ink", "accent-hover"],
  ["warn-ink", "warn-surface"],
  ["bad-ink", "bad-surface"],
  ["bad-ink", "surface-window"],
  ["bad-ink", "surface-raised"],
  ["info-ink", "info-surface"],
  ["ink", "warn-surface"],
  ["ink", "bad-surface"],
  ...PEOPLE,
] as [string, string][];

/** Shapes that tell something, and edges of fields: WCAG AA for parts of an interface. */
const SHAPES: [string, string][] = [
  ["good", "surface-window"],
  ["good", "surface-side"],
  ["good", "surface-chosen"],
  ["line-strong", "surface-window"],
  ["line-strong", "surface-side"],
  ["line-strong", "surface-raised"],
  ["focus", "surface-window"],
  ["focus", "surface-side"],
  ["focus", "surface-chosen"],
  ["bad", "surface-window"],
];

describe.each([
  ["light", light],
  ["dark", dark],
])("in the %s theme", (_, theme) => {
  it.each(TEXT)("%s can be read on %s", (ink, surface) => {
    expect(contrast(theme, ink, surface)).toBeGreaterThanOrEqual(4.5);
  });

  it.each(SHAPES)("%s can be seen on %s", (ink, surface) => {
    expect(contrast(theme, ink, surface)).toBeGreaterThanOrEqual(3);
  });
});
