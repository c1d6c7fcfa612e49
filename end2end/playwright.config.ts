// A real Chromium against a server that really runs PostgreSQL. Each test has a Paddock of its own
// (support/test.ts), so that it begins with the set-up link of a fresh installation.
import { defineConfig } from "@playwright/test";

export default defineConfig({
  testDir: "tests",
  // Waits end when what they wait for is there: long ones cost only a machine that is busy. A test stays below the
  // fifteen minutes for which a session need not show its password again.
  timeout: 600_000,
  expect: { timeout: 30_000 },
  reporter: "list",
  // Two files at a time: they mostly wait for PostgreSQL.
  workers: 2,
  forbidOnly: true,
  use: {
    // A press waits for the page that it leads to, and some acts answer when they are done.
    actionTimeout: 35_000,
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
