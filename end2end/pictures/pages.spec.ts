// The pictures of docs/screenshots, taken from a Paddock that really runs: `npm run pictures`.
import { test } from "@playwright/test";
import { Paddock } from "../support/paddock.ts";
import { waitForValues } from "../support/metrics.ts";
import { addDatabase, createApp, createFirstAccount } from "../support/steps.ts";

/// With PICTURES, every page, also at 320 px; without, those that the documents show.
const folder = process.env.PICTURES ?? "../docs/screenshots";
const shown = ["overview", "metrics", "connect", "operation", "plan"];

test("pictures", async ({ page }) => {
  const paddock = await Paddock.start();
  try {
    const shot = async (name: string) => {
      if (!process.env.PICTURES && !shown.includes(name)) return;
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
        await page.screenshot({ path: `${folder}/${name}${colorScheme === "dark" ? "-dark" : ""}.png` });
      }
      if (process.env.PICTURES) {
        await page.setViewportSize({ width: 320, height: 800 });
        await page.screenshot({ path: `${folder}/${name}-320.png`, fullPage: true });
        await page.setViewportSize({ width: 1280, height: 900 });
      }
    };
    await page.goto(paddock.setupLink);
    await shot("setup");
    await createFirstAccount(page, paddock);
    await shot("empty");
    await createApp(page, paddock, "my-app");
    await page.goto(`${paddock.url}/apps/my-app/addons/new`);
    await shot("plan");
    await page.goto(`${paddock.url}/apps/my-app`);
    await addDatabase(page, "my-app", "Starter 512M");
    const database = page.url();
    await waitForValues(page, `${database}/metrics?range=1h`);
    await shot("metrics");
    await page.goto(database);
    await shot("overview");
    await page.goto(`${database}/plan?to=postgresql-starter-1024`);
    await shot("change-plan");
    await page.goto(`${database}?dialog=connect`);
    await shot("connect");
    await page.goto(`${database}/settings`);
    await shot("settings");
    await page.goto(`${paddock.url}/operations`);
    await shot("operations");
    await page.getByRole("link", { name: /my_app_\d+/ }).first().click();
    await page.waitForURL(/\/operations\/op-/);
    await shot("operation");
    for (const [name, path] of [["apps", "/apps"], ["app", "/apps/my-app"], ["environment", "/apps/my-app/environment"], ["app-settings", "/apps/my-app/settings"], ["account", "/account"], ["databases", "/databases"], ["missing", "/apps/none"]]) {
      await page.goto(`${paddock.url}${path}`);
      await shot(name);
    }
  } finally {
    await paddock.stop();
  }
});
