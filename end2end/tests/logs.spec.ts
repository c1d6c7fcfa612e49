// The logs page: what a server says, by level and words, live, as a file; slow queries with their plans; and text of a
// log that stays text. With JavaScript and without.
import { expect, test, type Page } from "@playwright/test";
import { Console, expectAccessible } from "../support/accessible.ts";
import { Paddock, psql } from "../support/paddock.ts";
import { addDatabase, createApp, createFirstAccount, urlOf } from "../support/steps.ts";

for (const javaScriptEnabled of [true, false]) {
  test(`the logs of a database, ${javaScriptEnabled ? "with" : "without"} JavaScript`, async ({ browser }) => {
    test.setTimeout(180_000);
    const page = await (await browser.newContext({ javaScriptEnabled })).newPage();
    const paddock = await Paddock.start();
    try {
      const console = new Console(page, javaScriptEnabled);
      await createFirstAccount(page, paddock);
      await createApp(page, paddock, "my-app");
      await addDatabase(page, "my-app", "Starter 512M");
      const database = page.url().replace(/[?#].*/, "");
      const url = await urlOf(page, paddock);
      const fail = (text: string) => expect(() => psql(url, `SELECT '${text}'::int`)).toThrow();
      fail("<img src=x onerror=alert(1)>");

      await page.goto(`${database}/logs?level=errors`);
      await expect(page.locator(".log-text").filter({ hasText: "<img src=x onerror=alert(1)>" })).toBeVisible();
      await expect(page.locator(".log img")).toHaveCount(0);
      if (javaScriptEnabled) {
        await expect(page.getByText("Live", { exact: true })).toBeVisible();
        fail("it came later");
        await expect(page.locator(".log-text").filter({ hasText: "it came later" })).toBeVisible({ timeout: 10_000 });
        await expectAccessible(page, "logs");
      } else {
        fail("it came later");
        await page.getByRole("link", { name: "Refresh" }).click();
        await expect(page.locator(".log-text").filter({ hasText: "it came later" })).toBeVisible();
      }
      await page.getByLabel("Search").fill("CAME later");
      await page.getByRole("button", { name: "Search" }).click();
      await expect(page).toHaveURL(/level=errors&q=CAME/);
      await expect(page.locator(".log > li")).toHaveCount(1);
      const file = await page.request.get(`${database}/log.txt`);
      expect(await file.text()).toContain("it came later");

      await page.getByRole("link", { name: "Slow queries" }).click();
      await page.getByLabel("Log statements that take").selectOption("100");
      await page.getByRole("button", { name: "Save" }).click();
      await expect(page.getByLabel("Log statements that take")).toHaveValue("100");
      psql(url, "SELECT pg_sleep(0.2) AS slow_one");
      await page.goto(`${database}/logs?view=slow`);
      await expect(page.locator(".slow-query")).toHaveText("SELECT pg_sleep(0.2) AS slow_one");
      await page.locator("summary", { hasText: "Plan" }).click();
      await expect(page.locator(".slow-plan")).toContainText("Result  (cost=");
      if (javaScriptEnabled) await expectAccessible(page, "slow queries");
      console.expectSilent();
    } finally {
      await paddock.stop();
    }
  });
}
