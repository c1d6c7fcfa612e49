// What runs in a database, cancelling and terminating it, and what statements cost; with JavaScript and without.
import type { ChildProcess } from "node:child_process";
import { expectAccessible } from "../support/accessible.ts";
import { psql } from "../support/paddock.ts";
import { soon, untilTold } from "../support/pages.ts";
import { firstDatabase, talk, urlOf } from "../support/steps.ts";
import { expect, type Page, test, withAndWithoutJavaScript } from "../support/test.ts";

const hostile = `'<img src=x onerror=document.title=1>' AS "</script>"`;

/// Others of this user that run a statement with this text.
const others = (text: string) => `FROM pg_stat_activity WHERE query LIKE '%${text}%' AND pid <> pg_backend_pid()`;
/// Waits until one of them is so.
const untilOne = (url: string, text: string, is: string) =>
  expect(() => expect(psql(url, `SET ROLE NONE; SELECT count(*) ${others(text)} AND ${is}`)).toBe("1")).toPass({ timeout: 60_000 });
/// Ends them, and waits until they are gone.
const end = (url: string, text: string) => psql(url, `SET ROLE NONE; SELECT pg_terminate_backend(pid, 30000) ${others(text)}`);

withAndWithoutJavaScript((javaScriptEnabled) => {
  const running: ChildProcess[] = [];
  test.afterAll(async () => {
    for (const child of running) child.kill();
  });

  test("a query is seen, cancelled and terminated; statements are counted", async ({ page, paddock, console }) => {
    const { address: database } = await firstDatabase(page, paddock);
    const url = await urlOf(page, paddock);
    psql(url, "CREATE TABLE stock (sku text, qty int)");

    await test.step("nothing runs", async () => {
      await page.goto(database);
      await page.getByRole("link", { name: "Running queries", exact: true }).click();
      await expect(page).toHaveURL(`${database}/queries`);
      await untilTold(page, () => expect(page.getByText("Nothing runs.")).toBeVisible(soon));
      if (javaScriptEnabled) await expectAccessible(page, "no running queries");
    });

    await test.step("a long query appears, and its text is text", async () => {
      const row = page.getByRole("row", { name: /pg_sleep/ });
      await page.goto(`${database}/queries?refresh=1`);
      await expect(row).toHaveCount(0);
      // After the page is there: with scripts it comes by itself, as nothing else loads it.
      running.push(talk(url, `SELECT pg_sleep(600), ${hostile}`));
      await untilOne(url, "onerror", "state = 'active'");
      if (javaScriptEnabled) {
        // Looks come every second, and one that begins now has it; a server that is busy is asked for a moment only.
        await page.mouse.move(0, 0);
        const looks = () => page.waitForRequest((request) => request.url() === `${database}/queries?refresh=1`);
        let left = 3;
        do await (await looks()).response(); while (--left > 0 && !(await row.isVisible()));
        await expect(row).toBeVisible(soon);
      } else await untilTold(page, () => expect(row).toBeVisible(soon));
      await expect(row).toContainText(hostile);
      expect(await page.locator("img[src=x]").count()).toBe(0);
    });

    await test.step("each session has its commands", async () => {
      await page.goto(`${database}/queries?refresh=0`);
      const row = page.getByRole("row", { name: /onerror/ });
      await untilTold(page, () => expect(row).toBeVisible(soon));
      const link = row.getByRole("link", { name: /show its commands/ });
      const pid = (await link.textContent())!.match(/\d+/)![0];
      await link.click();
      await expect(page).toHaveURL(`${database}/queries?refresh=0&commands=${pid}#commands`);
      await untilTold(page, () => expect(page.getByText(new RegExp(`pg_cancel_backend.*${pid}`, "s")).first()).toBeVisible(soon));
      await page.goto(`${database}/queries?refresh=0&commands=1`);
      await expect(page.getByText("Process 1 is not listed any more.")).toBeVisible();
      await page.goto(`${database}/queries?refresh=1`);
    });

    if (javaScriptEnabled) await test.step("the table stands still while the focus is in it", async () => {
      await page.mouse.move(0, 0);
      await expect(page.getByText("Live", { exact: true })).toBeVisible();
      await page.getByRole("row", { name: /onerror/ }).locator("summary", { hasText: "Terminate" }).focus();
      await expect(page.getByText("Paused while you read")).toBeVisible();
      running.push(talk(url, "SELECT pg_sleep(601)"));
      await untilOne(url, "pg_sleep(601)", "state = 'active'");
      // Two looks would have brought it.
      await page.waitForTimeout(2_500);
      await expect(page.getByRole("row", { name: /pg_sleep\(601\)/ })).toHaveCount(0);
      await page.evaluate(() => (document.activeElement as HTMLElement).blur());
      await expect(page.getByRole("row", { name: /pg_sleep\(601\)/ })).toBeVisible();
      await expect(page.getByText("Live", { exact: true })).toBeVisible();
    });

    await test.step("filter and order stand in the address", async () => {
      running.push(talk(url, "SELECT pg_sleep(600), 'another'"));
      await untilOne(url, "another", "state = 'active'");
      await page.goto(`${database}/queries?refresh=0`);
      await untilTold(page, () => expect(page.getByRole("row", { name: /another/ })).toBeVisible(soon));
      await page.locator("summary", { hasText: "Filter and order" }).click();
      await page.getByLabel("Query contains").fill("ONERROR");
      await page.getByLabel("State", { exact: true }).selectOption("active");
      await page.getByLabel("Order", { exact: true }).selectOption("PID");
      await page.getByRole("button", { name: "Apply" }).click();
      await expect(page).toHaveURL(/refresh=0&q=ONERROR&user=&state=active&sort=pid$/);
      for (const again of [false, true]) {
        if (again) await page.reload();
        await untilTold(page, () => expect(page.getByRole("row", { name: /onerror/ })).toBeVisible(soon));
        await expect(page.getByRole("row", { name: /another/ })).toHaveCount(0);
        await expect(page.getByLabel("Query contains")).toHaveValue("ONERROR");
        await expect(page.getByLabel("Order", { exact: true })).toHaveValue("pid");
      }
      await page.goto(`${database}/queries?refresh=0&sort=pid`);
      const first = (name: string) => page.locator("tbody tr").first().filter({ hasText: name });
      await untilTold(page, () => expect(first("onerror")).toHaveCount(1, soon));
    });

    await test.step("a session that ended meanwhile is told, and nobody else is ended", async () => {
      await page.goto(`${database}/queries?refresh=0`);
      const row = page.getByRole("row", { name: /'another'/ });
      await untilTold(page, () => expect(row).toBeVisible(soon));
      await row.locator("summary", { hasText: "Terminate" }).click();
      expect(end(url, "another")).toBe("t");
      await row.getByRole("button", { name: /^Terminate \d+ now$/ }).click();
      await expect(page.getByRole("status").first()).toContainText(/ended meanwhile\. Nothing was done\./);
      await untilTold(page, async () => {
        await expect(page.getByRole("row", { name: /onerror/ })).toBeVisible(soon);
        await expect(row).toHaveCount(0, soon);
      });
    });

    await test.step("idle sessions come when they are asked for", async () => {
      running.push(talk(url, "SELECT 'i am idle'"));
      await untilOne(url, "i am idle", "state = 'idle'");
      await page.goto(`${database}/queries?refresh=0`);
      await untilTold(page, () => expect(page.getByRole("row", { name: /onerror/ })).toBeVisible(soon));
      await expect(page.getByRole("row", { name: /i am idle/ })).toHaveCount(0);
      await page.goto(`${database}/queries?refresh=0&idle=1`);
      await untilTold(page, () => expect(page.getByRole("row", { name: /i am idle/ })).toBeVisible(soon));
    });

    await test.step("the blocked stand below their blocker", async () => {
      running.push(talk(url, "BEGIN; LOCK TABLE stock IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(600)"));
      const locks = "SELECT count(*) FROM pg_locks WHERE relation = 'stock'::regclass AND mode = 'AccessExclusiveLock' AND granted";
      await expect(() => expect(psql(url, locks)).toBe("1")).toPass({ timeout: 60_000 });
      running.push(talk(url, "UPDATE stock SET qty = 1"));
      await untilOne(url, "UPDATE stock", "wait_event_type = 'Lock'");
      await page.goto(`${database}/queries?refresh=0`);
      const blocked = page.getByRole("row", { name: /UPDATE stock/ });
      await untilTold(page, async () => {
        await expect(page.getByText("blocks 1")).toBeVisible(soon);
        await expect(page.getByText(/holds .*AccessExclusiveLock on public\.stock/)).toBeVisible(soon);
        await expect(blocked).toContainText("Lock: relation", soon);
        await expect(blocked).toContainText(/blocked by \d+/, soon);
      });
      if (javaScriptEnabled) await expectAccessible(page, "running queries");
    });

    await test.step("cancelled, then terminated", async () => {
      await page.getByRole("row", { name: /onerror/ }).getByRole("button", { name: /^Cancel/ }).click();
      await expect(page.getByRole("status").first()).toContainText("Its statement was cancelled");
      await expect(page).toHaveURL(`${database}/queries?refresh=0`);
      // It was only told to; the page shows how it was just then.
      await untilTold(page, async () => {
        await expect(page.getByText("blocks 1")).toBeVisible(soon);
        await expect(page.getByRole("row", { name: /onerror/ })).toHaveCount(0, soon);
      });
      const row = page.getByRole("row", { name: /blocks 1/ });
      await row.locator("summary", { hasText: "Terminate" }).click();
      await row.getByRole("button", { name: /now$/ }).click();
      await expect(page.getByRole("status").first()).toContainText("It was terminated");
      await untilTold(page, async () => {
        await expect(page.getByText("The server does not answer.")).toHaveCount(0, soon);
        await expect(page.getByText("blocks 1")).toHaveCount(0, soon);
      });
    });

    await test.step("statements are counted", async () => {
      await page.getByRole("link", { name: "Insights", exact: true }).click();
      await expect(page.getByText("Statements are not counted.", { exact: true })).toBeVisible();
      await page.getByRole("button", { name: "Count statements" }).click();
      await expect(page.getByRole("status").first()).toContainText("Statements are counted from now on.");
      psql(url, "SELECT count(*) FROM stock WHERE sku = 'a'");
      await page.reload();
      await untilTold(page, () => expect(page.getByRole("row", { name: /FROM stock WHERE sku = \$1/ })).toBeVisible(soon));
      await page.getByRole("link", { name: "Calls", exact: true }).click();
      await expect(page).toHaveURL(/top=calls/);
      // No hour is kept yet: all since the reset is told, and that it is so.
      await page.getByRole("link", { name: "1 h", exact: true }).click();
      await expect(page).toHaveURL(/range=1h&top=calls/);
      await expect(page.getByRole("link", { name: "1 h", exact: true })).toHaveAttribute("aria-current", "true");
      await untilTold(page, async () => {
        await expect(page.getByText(/Counted since|Nothing older is kept yet/)).toBeVisible(soon);
        await expect(page.getByRole("row", { name: /FROM stock WHERE sku = \$1/ })).toBeVisible(soon);
      });
      if (javaScriptEnabled) await expectAccessible(page, "insights");
      await page.locator("summary", { hasText: "Reset" }).click();
      await page.getByRole("button", { name: "Reset now" }).click();
      await expect(page.getByText("All counters began anew.")).toBeVisible();
      await page.getByRole("button", { name: "Stop counting" }).click();
      await expect(page.getByText("Statements are not counted.", { exact: true })).toBeVisible();
    });
    console.expectSilent();
  });
});
