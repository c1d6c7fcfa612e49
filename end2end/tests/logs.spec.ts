// The logs page: what a server says, by level and words, live, as a file; slow queries with their plans; and text of a
// log that stays text. With JavaScript and without.
import { expectAccessible } from "../support/accessible.ts";
import { psql } from "../support/paddock.ts";
import { firstDatabase, urlOf } from "../support/steps.ts";
import { expect, type Page, test, withAndWithoutJavaScript } from "../support/test.ts";

withAndWithoutJavaScript((javaScriptEnabled) => {
  test("the logs of a database", async ({ page, paddock, console }) => {
    test.setTimeout(180_000);
    const { address: database } = await firstDatabase(page, paddock);
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
  });
});
