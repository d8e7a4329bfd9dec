import { svelte } from "@sveltejs/vite-plugin-svelte";
import { svelteTesting } from "@testing-library/svelte/vite";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

/** The made-up worlds of development must never reach the people who use the app. */
function withoutFakes(): Plugin {
  return {
    name: "without-fakes",
    apply: "build",
    generateBundle(_, bundle) {
      for (const chunk of Object.values(bundle)) {
        const fakes =
          chunk.type === "chunk"
            ? chunk.moduleIds.filter((id) => /\/(fake|worlds)\.ts$/.test(id))
            : [];
        if (fakes.length > 0) this.error(`${chunk.fileName} contains ${fakes.join(", ")}`);
      }
    },
  };
}

export default defineConfig({
  plugins: [svelte(), svelteTesting(), withoutFakes()],
  clearScreen: false,
  server: {
    // The shell looks for the page exactly here.
    port: 1420,
    strictPort: true,
  },
  build: {
    target: ["safari16.4", "chrome111"],
    // The content security policy forbids inline scripts, and one bundle has nothing to preload.
    modulePreload: false,
    reportCompressedSize: false,
  },
  test: {
    environment: "jsdom",
    setupFiles: ["src/test/setup.ts"],
    include: ["src/**/*.test.ts"],
    restoreMocks: true,
  },
});
