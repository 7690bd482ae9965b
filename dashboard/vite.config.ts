import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const CENTRAL = "http://127.0.0.1:8000";

export default defineConfig({
  plugins: [react()],
  resolve: { alias: { "@": new URL("./src", import.meta.url).pathname } },
  server: { proxy: { "/api": CENTRAL } },
  build: {
    outDir: "../src/wardline/central/static",
    emptyOutDir: true,
    // The content security policy allows nothing inline but styles.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
  },
  test: {
    environment: "jsdom",
    include: ["src/**/*.test.{ts,tsx}"],
    setupFiles: ["./src/app/test-setup.ts"],
    css: { modules: { classNameStrategy: "non-scoped" } },
  },
});
