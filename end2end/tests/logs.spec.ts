// The logs page: what a server says, by level and words, live, as a file; slow queries with their plans; and text of a
// log that stays text. With JavaScript and without.
import { expectAccessible } from "../support/accessible.ts";
import { psql } from "../support/paddock.ts";
import { soon, untilTold } from "../support/pages.ts";
import { firstDatabase, urlOf } from "../support/steps.ts";
import { expect, type Page, test, withAndWithoutJavaScript } from "../support/test.ts";

withAndWithoutJavaScript((javaScriptEnabled) => {
  test("the logs of a database", async ({ page, paddock, console }) => {
    const { address: database } = await firstDatabase(page, paddock);
    const url = await urlOf(page, paddock);
    const fail = (text: string) => expect(() => psql(url, `SELECT '${text}'::int`)).toThrow();
    fail("<img src=x onerror=alert(1)>");

    await page.goto(`${database}/logs?level=errors`);
    // The server's log has a writer of its own, which may be a little late.
    const hostile = page.locator(".log-text").filter({ hasText: "<img src=x onerror=alert(1)>" });
    await untilTold(page, () => expect(hostile).toBeVisible(soon));
    await expect(page.locator(".log img")).toHaveCount(0);
    const later = page.locator(".log-text").filter({ hasText: "it came later" });
    if (javaScriptEnabled) {
      await expect(page.getByText("Live", { exact: true })).toBeVisible();
      fail("it came later");
      await expect(later).toBeVisible();
      await expectAccessible(page, "logs");
    } else {
      fail("it came later");
      await expect(async () => {
        await page.getByRole("link", { name: "Refresh" }).click();
        await expect(later).toBeVisible(soon);
      }).toPass({ timeout: 120_000 });
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
    // On a busy machine others of this user may be slow, too.
    const slow = page.locator(".slow", { hasText: "slow_one" });
    await untilTold(page, () => expect(slow.locator(".slow-query")).toHaveText("SELECT pg_sleep(0.2) AS slow_one", soon));
    await expect(page.locator(".slow-head", { hasText: "paddock" }), "the platform's own are left out").toHaveCount(0);
    await slow.locator("summary", { hasText: "Plan" }).click();
    await expect(slow.locator(".slow-plan")).toContainText("Result  (cost=");
    if (javaScriptEnabled) await expectAccessible(page, "slow queries");
    console.expectSilent();
  });
});
