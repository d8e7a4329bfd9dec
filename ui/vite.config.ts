import { svelte } from "@sveltejs/vite-plugin-svelte";
import { svelteTesting } from "@testing-library/svelte/vite";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [svelte(), svelteTesting()],
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
