// What was measured of a database, as people see it: charts, their tables, the cursor, ranges, and the figures of now.
import { expectAccessible } from "../support/accessible.ts";
import { panel, told, unfoldTable, values, valuesAndRows, waitForValues } from "../support/metrics.ts";
import { ready, soon, untilTold } from "../support/pages.ts";
import { psql } from "../support/paddock.ts";
import { firstDatabase, talk, urlOf } from "../support/steps.ts";
import { expect, test, withAndWithoutJavaScript } from "../support/test.ts";

const always = ["Connections", "Transactions", "Latency of a probe", "CPU", "Memory", "Disk"];

/// Bytes as pages tell them.
function size(bytes: number): string {
  const [unit, name] = bytes < 1 << 20 ? [1 << 10, "kB"] : [1 << 20, "MB"];
  const whole = Math.floor(bytes / unit), tenth = Math.floor((bytes % unit) * 10 / unit);
  return whole < 10 && tenth > 0 ? `${whole}.${tenth} ${name}` : `${whole} ${name}`;
}

withAndWithoutJavaScript((javaScriptEnabled) => {
  test("charts, tables and ranges", async ({ page, paddock, console }) => {
    const { address: database } = await firstDatabase(page, paddock);

    await test.step("the tab leads to the charts, and the charts fill", async () => {
      await page.getByRole("link", { name: "Metrics", exact: true }).click();
      await expect(page).toHaveURL(/\/databases\/ad-[^/]+\/metrics$/);
      await waitForValues(page, `${database}/metrics?range=1h`);
      // A look that came too late for its ten seconds leaves a gap.
      await untilTold(page, async () => {
        for (const title of always) {
          await expect(panel(page, title).locator("figure")).toBeVisible(soon);
          const image = panel(page, title).locator(".chart-plot");
          await expect(image).toHaveAttribute("aria-label", new RegExp(`^.*${title}.*last 1 h: .*now`), soon);
          await expect(panel(page, title).locator(".legend tbody tr").first()).not.toContainText("—", soon);
        }
      });
    });

    await test.step("the table has the chart's own values", async () => {
      for (const title of ["Connections", "Latency of a probe"]) {
        const chart = panel(page, title);
        await unfoldTable(chart);
        const { drawn, rows } = await valuesAndRows(chart);
        expect(rows.length).toBeGreaterThan(0);
        expect(rows.length).toBeLessThanOrEqual(50);
        const unit = title === "Connections" ? "" : " ms";
        for (const { step, cells } of rows) {
          expect(cells).toEqual(drawn.map((series) => (series[step] === null ? "—" : told(series[step]) + unit)));
        }
      }
    });

    await test.step("a range is in the address, and stays there", async () => {
      await page.getByRole("link", { name: "6 h", exact: true }).click();
      await expect(page).toHaveURL(`${database}/metrics?range=6h`);
      await expect(page.getByRole("link", { name: "6 h", exact: true })).toHaveAttribute("aria-current", "true");
      await expect(page.getByRole("link", { name: "1 h", exact: true })).not.toHaveAttribute("aria-current", /.*/);
      await page.reload();
      await expect(page.getByRole("link", { name: "6 h", exact: true })).toHaveAttribute("aria-current", "true");
      await expect(page.getByRole("link", { name: "CSV" })).toHaveAttribute("href", /\/metrics\.csv\?range=6h$/);
    });

    await test.step("what happened is numbered in the charts, and the plan's limit is a line", async () => {
      const most = psql(await urlOf(page, paddock), "SELECT rolconnlimit FROM pg_roles WHERE rolname = session_user");
      await page.goto(`${database}/metrics?range=1h`);
      const happened = page.locator(".marks li");
      const [first, title] = [happened.first(), happened.first().locator(".mark-title")];
      await expect(first.locator(".mark-number")).toHaveText("1");
      await expect(title.getByRole("link")).toHaveAttribute("href", /^\/operations\/op-/);
      const words = await title.innerText();
      for (const name of ["Connections", "CPU", "Memory", "Disk", "Transactions"]) {
        const sign = panel(page, name).locator(".sign").first();
        await expect(sign.locator("text")).toHaveText(/^1(–\d+)?$/);
        await expect(sign.locator("title")).toContainText(words);
        await expect(panel(page, name).locator(".limit-line")).toHaveCount(name === "Transactions" ? 0 : 1);
      }
      const limit = panel(page, "Connections");
      await expect(limit.locator(".limit-word")).toHaveText(new RegExp(`^(↑ )?limit ${most}$`));
      await expect(limit.locator(".legend-limit")).toContainText(`Starter 512M: ${most} connections`);
      await expect(limit.locator(".limit-line")).toHaveAttribute("y1", /^\d+(\.\d+)?%$/);
    });

    await test.step("a range that ends before it begins is refused at its field", async () => {
      await page.locator("summary", { hasText: "Custom" }).click();
      await page.getByLabel("From, UTC").fill("2026-11-27T14:00");
      await page.getByLabel("To, UTC").fill("2026-11-27T13:00");
      await page.getByRole("button", { name: "Show" }).click();
      await expect(page).toHaveURL(/range=custom&from=2026-11-27T14%3A00&to=2026-11-27T13%3A00/);
      await expect(page.getByLabel("To, UTC")).toHaveAttribute("aria-invalid", "true");
      await expect(page.getByText("The end must be after the beginning.")).toBeVisible();
      await expect(page.getByLabel("From, UTC")).toHaveValue("2026-11-27T14:00");
    });

    await test.step("any other range can be had", async () => {
      const minutes = (back: number) => new Date(Date.now() - back * 60_000).toISOString().slice(0, 16);
      await page.goto(`${database}/metrics`);
      await page.locator("summary", { hasText: "Custom" }).click();
      await page.getByLabel("From, UTC").fill(minutes(30));
      await page.getByLabel("To, UTC").fill(minutes(-1));
      await page.getByRole("button", { name: "Show" }).click();
      await expect(page.getByText("The end must be after the beginning.")).toHaveCount(0);
      await expect(panel(page, "Connections").locator("figure")).toBeVisible();
    });

    await test.step("the overview shows the day and leads to the charts", async () => {
      await page.goto(database);
      const tiles = page.locator(".tile");
      await expect(tiles).toHaveCount(4);
      for (const name of ["CPU", "Memory", "Connections", "Disk"]) {
        await expect(tiles.filter({ has: page.getByRole("link", { name, exact: true }) })).toContainText(/\d/);
      }
      await tiles.getByRole("link", { name: "Memory", exact: true }).click();
      await expect(page).toHaveURL(/\/metrics#panel-memory$/);
    });

    await test.step("its figures are what PostgreSQL tells whoever asks", async () => {
      const url = await urlOf(page, paddock);
      psql(url, "CREATE TABLE big AS SELECT n, repeat(md5(n::text), 20) AS t FROM generate_series(1, 20000) n");
      const open = [1, 2, 3].map((n) => talk(url, `SELECT 'held ${n}'`));
      try {
        const held = "SELECT count(*) FROM pg_stat_activity WHERE usename = session_user AND pid <> pg_backend_pid()";
        await expect(() => expect(psql(url, held)).toBe("3")).toPass({ timeout: 60_000 });
        await page.goto(database);
        const fact = (name: string) => page.locator(".fact", { hasText: name }).locator("dd");
        await untilTold(page, async () => {
          await expect(page.locator(".tile[data-kind=connections] .v")).toHaveText(
            new RegExp(`^${psql(url, held)}\\s+of ${psql(url, "SELECT rolconnlimit FROM pg_roles WHERE rolname = session_user")}$`), soon);
          await expect(fact("Your database")).toHaveText(size(Number(psql(url, "SELECT pg_database_size(current_database())"))), soon);
        });
      } finally {
        for (const one of open) one.kill();
      }
    });
    // The refused range.
    console.expectSilent(/status of 422/);
  });

  if (!javaScriptEnabled) return;

  test("a cursor runs over all charts, and figures move", async ({ page, paddock, console }) => {
    const { address: database } = await firstDatabase(page, paddock);
    await waitForValues(page, `${database}/metrics?range=1h`);

    const now = page.getByRole("region", { name: "Now" });
    const hold = now.getByRole("button", { name: "Pause" });
    // Charts that are drawn anew take the cursor to another step, and a first line of a chart loads the page again. Held at
    // once, before they are for the first time.
    const beHeld = async () => {
      await ready(page);
      await hold.click();
      await expect(hold).toHaveAttribute("aria-pressed", "true");
    };
    await beHeld();

    await test.step("the keyboard moves it, and the legend follows", async () => {
      const chart = panel(page, "Connections");
      const slider = chart.getByRole("slider");
      await slider.focus();
      const drawn = (await values(chart))[0];
      const last = drawn.length - 1;
      const head = chart.locator(".at-head");
      await expect(slider).toHaveAttribute("aria-valuenow", String(last));
      await slider.press("ArrowLeft");
      await expect(slider).toHaveAttribute("aria-valuenow", String(last - 1));
      await expect(head).toHaveText(/^\d\d:\d\d:\d\d$/);
      await expect(chart.locator(".legend .at").first()).toHaveText(told(drawn[last - 1]));
      await expect(slider).toHaveAttribute("aria-valuetext", /UTC: Connections /);
      await slider.press("Home");
      await expect(slider).toHaveAttribute("aria-valuenow", "0");
      await slider.press("End");
      await expect(slider).toHaveAttribute("aria-valuenow", String(last));
      // One time for all charts.
      await expect(panel(page, "CPU").locator(".at-head")).toHaveText(await head.innerText());
      // A line without a width has no box, so its own attribute tells whether it is shown.
      await expect(panel(page, "CPU").locator(".cursor-line")).not.toHaveAttribute("visibility", "hidden");
      await slider.press("Escape");
      await expect(head).toHaveText("Now");
      await expect(chart.locator(".cursor-line")).toHaveAttribute("visibility", "hidden");
      // A chart that has the focus would keep its cursor when the pointer leaves.
      await slider.blur();
    });

    await test.step("the pointer moves it", async () => {
      const chart = panel(page, "Connections");
      await chart.locator(".chart-plot").hover();
      await expect(chart.locator(".at-head")).toHaveText(/^\d\d:\d\d:\d\d$/);
      await page.getByRole("heading", { level: 1 }).hover();
      await expect(chart.locator(".at-head")).toHaveText("Now");
    });

    await test.step("the figures of now are live, and can be held", async () => {
      await hold.click();
      await expect(now.getByText("Live", { exact: true })).toBeVisible();
      await hold.click();
      await expect(hold).toHaveAttribute("aria-pressed", "true");
      await expect(now.getByText("Held", { exact: true })).toBeVisible();
      await hold.click();
      await expect(now.getByText("Live", { exact: true })).toBeVisible();
    });

    await test.step("a menu unfolds, and Escape folds it", async () => {
      await page.goto(`${paddock.url}/apps/my-app`);
      await ready(page);
      const summary = page.locator("summary", { hasText: "More for" });
      await summary.focus();
      await page.keyboard.press("Enter");
      await expect(page.getByRole("link", { name: "Change plan" })).toBeVisible();
      await page.keyboard.press("Escape");
      await expect(page.getByRole("link", { name: "Change plan" })).toBeHidden();
      await expect(summary).toBeFocused();
    });

    await test.step("the pages are accessible", async () => {
      await page.goto(`${database}/metrics?range=1h`);
      await beHeld();
      await panel(page, "CPU").locator("summary", { hasText: "Table" }).click();
      await expectAccessible(page, "metrics");
      await page.goto(`${database}/metrics?range=custom&from=2026-11-27T14:00&to=soon`);
      await expectAccessible(page, "metrics with a wrong range");
      await page.goto(database);
      await expectAccessible(page, "overview");
      await page.goto(`${database}/plan?to=postgresql-starter-1024`);
      await expectAccessible(page, "change of plan");
      await page.goto(`${paddock.url}/apps/my-app`);
      await page.locator("summary", { hasText: "More for" }).click();
      await expectAccessible(page, "a menu");
    });
    console.expectSilent(/status of 422/);
  });
});
