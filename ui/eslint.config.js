import js from "@eslint/js";
import svelte from "eslint-plugin-svelte";
import globals from "globals";
import tseslint from "typescript-eslint";

import svelteConfig from "./svelte.config.js";

/**
 * Who may import whom. The arrows point downward only:
 *
 *   App → features → components, state, i18n → generated
 *                    state → platform        → generated
 *
 * Features never know each other, components hold no state and no words, and
 * `@tauri-apps/*` is known in one file alone.
 */
const TAURI = {
  regex: "^@tauri-apps/",
  message: "Only platform/tauri.ts knows Tauri.",
};

/** A pattern for a folder of `src`, however it is reached. */
function folder(names, message) {
  return { regex: `^(?:\\.\\.?/)+(?:${names})(?:/|$)`, message };
}

function boundary(files, patterns, ignores = []) {
  return {
    files,
    ignores: [...ignores, "**/*.test.ts"],
    rules: { "no-restricted-imports": ["error", { patterns }] },
  };
}

export default tseslint.config(
  { ignores: ["dist/", "src/generated/"] },
  js.configs.recommended,
  ...tseslint.configs.strict,
  ...svelte.configs.recommended,
  {
    languageOptions: { globals: { ...globals.browser } },
    rules: {
      eqeqeq: ["error", "always", { null: "ignore" }],
      "no-console": "error",
      "svelte/no-at-html-tags": "error",
      // The content security policy blocks the attribute; the directive `style:` is fine.
      "no-restricted-syntax": [
        "error",
        { selector: "SvelteAttribute[key.name='style']", message: "Use the style: directive." },
      ],
      "@typescript-eslint/consistent-type-imports": "error",
    },
  },
  {
    files: ["**/*.svelte", "**/*.svelte.ts"],
    languageOptions: { parserOptions: { parser: tseslint.parser, svelteConfig } },
  },
  {
    files: ["**/*.ts", "**/*.svelte"],
    // The type checker knows the globals better.
    rules: { "no-undef": "off" },
  },
  boundary(
    ["src/**/*.{ts,svelte}"],
    [TAURI],
    ["src/platform/tauri.ts", "src/{platform,state,components,features,i18n}/**"],
  ),
  boundary(
    ["src/platform/**"],
    [TAURI, folder("state|components|features|i18n", "The platform knows only the contract.")],
    ["src/platform/tauri.ts"],
  ),
  boundary(
    ["src/platform/tauri.ts"],
    [folder("state|components|features|i18n", "The platform knows only the contract.")],
  ),
  boundary(
    ["src/state/**"],
    [
      TAURI,
      folder("components|features|i18n", "State knows only the platform and the contract."),
      {
        regex: "^(?:\\.\\.?/)+platform/(?!types$)",
        message: "State knows the platform's interface, not its makers.",
      },
    ],
  ),
  {
    files: ["src/state/**"],
    ignores: ["**/*.test.ts"],
    rules: {
      "no-restricted-globals": [
        "error",
        ...["document", "window", "navigator", "localStorage"].map((name) => ({
          name,
          message: "State has no DOM.",
        })),
      ],
    },
  },
  boundary(
    ["src/components/**"],
    [
      TAURI,
      folder("platform|state|features|i18n", "A component gets what it shows from its props."),
    ],
  ),
  boundary(
    ["src/i18n/**"],
    [TAURI, folder("platform|state|components|features", "Words know only the contract.")],
  ),
  boundary(
    ["src/features/**"],
    [
      TAURI,
      folder("platform", "Features reach the engine through state."),
      folder("features|connect|roster|conversation|composer", "Features do not know each other."),
    ],
  ),
);
