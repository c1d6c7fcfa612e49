// A real Chromium against a server that really runs PostgreSQL. Each test has a Paddock of its own
// (support/test.ts), so that it begins with the set-up link of a fresh installation.
import { defineConfig } from "@playwright/test";

export default defineConfig({
  testDir: "tests",
  timeout: 180_000,
  expect: { timeout: 15_000 },
  reporter: "list",
  // Two files at a time: they mostly wait for PostgreSQL.
  workers: 2,
  forbidOnly: true,
  use: {
    actionTimeout: 10_000,
    viewport: { width: 1280, height: 900 },
    trace: "retain-on-failure",
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
  },
});
