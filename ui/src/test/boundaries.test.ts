// @vitest-environment node
import { ESLint } from "eslint";
import { describe, expect, it } from "vitest";

const eslint = new ESLint();

/** The messages of the boundary rules for a file that imports something. */
async function complaints(path: string, text: string): Promise<string[]> {
  const code = path.endsWith(".svelte") ? `<script lang="ts">\n${text}\n</script>` : text;
  const [result] = await eslint.lintText(code, { filePath: `src/${path}` });
  const rules = ["no-restricted-imports", "no-restricted-globals"];
  return (result?.messages ?? [])
    .filter(({ ruleId }) => ruleId !== null && rules.includes(ruleId))
    .map(({ message }) => message);
}

describe("imports that point the wrong way are found", () => {
  it.each([
    ["App.svelte", "@tauri-apps/api/core"],
    ["platform/fake.ts", "@tauri-apps/api/core"],
    ["features/roster/Roster.svelte", "@tauri-apps/api/core"],
    ["platform/tauri.ts", "../state/apply"],
    ["state/apply.ts", "../components/Icon.svelte"],
    ["state/apply.ts", "../i18n/messages"],
    ["state/parlour.svelte.ts", "../platform/tauri"],
    ["state/parlour.svelte.ts", "../platform/fake"],
    ["components/Button.svelte", "../state/parlour.svelte"],
    ["components/Button.svelte", "../i18n/messages"],
    ["i18n/messages.ts", "../state/parlour.svelte"],
    ["features/roster/Roster.svelte", "../composer/Composer.svelte"],
    ["features/connect/SignIn.svelte", "../../features/roster/Roster.svelte"],
    ["features/connect/SignIn.svelte", "../../platform/types"],
  ])("%s ← %s", async (path, imported) => {
    expect(await complaints(path, `import * as it from "${imported}"; it;`)).not.toEqual([]);
  });

  it("state ← the DOM", async () => {
    expect(await complaints("state/apply.ts", "document.title = 'x';")).not.toEqual([]);
  });
});

describe("imports that point downward are fine", () => {
  it.each([
    ["platform/tauri.ts", "@tauri-apps/api/core"],
    ["state/parlour.svelte.ts", "../platform/types"],
    ["features/roster/Roster.svelte", "../../components/Badge.svelte"],
    ["features/roster/Roster.svelte", "./RosterRow.svelte"],
    ["features/roster/Roster.svelte", "../../state/parlour.svelte"],
    ["components/PresenceDot.svelte", "../generated/Presence"],
    ["App.svelte", "./features/roster/Roster.svelte"],
  ])("%s ← %s", async (path, imported) => {
    expect(await complaints(path, `import * as it from "${imported}"; it;`)).toEqual([]);
  });
});
