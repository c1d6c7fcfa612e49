// The pictures of docs/screenshots, taken from a Paddock that really runs: `npm run pictures`.
import { expect, test } from "@playwright/test";
import { Paddock, psql } from "../support/paddock.ts";
import { waitForValues } from "../support/metrics.ts";
import { addDatabase, createApp, createFirstAccount, talk } from "../support/steps.ts";

/// With PICTURES, every page, also at 320 px; without, those that the documents show.
const folder = process.env.PICTURES ?? "../docs/screenshots";
const shown = ["overview", "metrics", "connect", "operation", "plan", "users", "queries", "network", "backups", "recovery"];

test("pictures", async ({ page }) => {
  const paddock = await Paddock.start();
  try {
    const shot = async (name: string) => {
      if (!process.env.PICTURES && !shown.includes(name)) return;
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
        // Colours change over a moment.
        await page.waitForTimeout(300);
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
    await page.goto(`${paddock.url}/apps/my-app/environment?view=resolved&reveal=1`);
    const url = /postgresql:\/\/\S+/.exec(await page.getByRole("main").innerText())![0];
    psql(url, "CREATE TABLE stock (sku text PRIMARY KEY, qty int); INSERT INTO stock VALUES ('a', 1)");
    const sessions = [
      talk(url, "SET application_name = 'worker'; BEGIN; UPDATE stock SET qty = qty - 1 WHERE sku = 'a'"),
      talk(url, "SET application_name = 'report'; SELECT count(*), pg_sleep(600) FROM stock"),
    ];
    await page.waitForTimeout(1500);
    sessions.push(talk(url, "SET application_name = 'web'; UPDATE stock SET qty = qty - 3 WHERE sku = 'a'"));
    await page.waitForTimeout(1500);
    await page.goto(`${database}/queries?refresh=0`);
    await shot("queries");
    await page.goto(`${database}/insights`);
    await page.getByRole("button", { name: "Count statements" }).click();
    for (let n = 0; n < 20; n++) psql(url, `SELECT count(*) FROM stock WHERE qty > ${n}`);
    await page.goto(`${database}/insights`);
    await shot("insights");
    await page.goto(`${database}/users`);
    await page.getByLabel("User name").fill("reporting");
    await page.getByLabel("Read-only").check();
    await page.getByRole("button", { name: "Create user" }).click();
    await page.goto(`${database}/users`);
    await shot("users");
    await page.goto(`${database}/users/reporting`);
    await shot("user");
    for (const name of ["extensions", "network", "logs", "activity"]) {
      await page.goto(`${database}/${name}`);
      await shot(name);
    }
    for (const session of sessions) session.kill();
    await page.goto(`${database}/backups`);
    await page.getByRole("button", { name: "Back up now" }).click();
    await expect(page.locator("tbody tr").first().getByRole("button", { name: /^Download/ })).toBeVisible({ timeout: 60_000 });
    await expect(page.locator("tbody tr").first()).toContainText(/restored in \d/, { timeout: 120_000 });
    await shot("backups");
    await page.locator("tbody tr").first().getByRole("link").first().click();
    await page.waitForURL(/\/backups\/bk-/);
    await shot("backup");
    const soon = () => psql(url, "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')");
    await page.goto(`${database}/recovery?at=${soon()}`);
    await page.getByRole("button", { name: "Restore beside it" }).click();
    await page.getByRole("link", { name: "See what stands there" }).click({ timeout: 60_000 });
    await expect(page.locator("tr", { hasText: "public.stock" })).toBeVisible();
    await page.goto(`${database}/recovery?at=${soon()}`);
    await shot("recovery");
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
