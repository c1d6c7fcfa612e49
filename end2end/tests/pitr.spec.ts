// Point-in-time recovery: the window, a moment chosen and read back, looked at beside the database, moved, put in its
// place, and the state before brought back; with JavaScript and without.
import { expectAccessible } from "../support/accessible.ts";
import { psql } from "../support/paddock.ts";
import { ready, soon } from "../support/pages.ts";
import { expectDone, firstDatabase, urlOf, write } from "../support/steps.ts";
import { expect, type Page, test, withAndWithoutJavaScript } from "../support/test.ts";

withAndWithoutJavaScript((javaScriptEnabled) => {
  test.use({ timezoneId: "Asia/Tokyo" });

  test("a moment is looked at, switched to, and left again", async ({ page, paddock, console }) => {
    const { name, address: database } = await firstDatabase(page, paddock);
    const url = await urlOf(page, paddock);
    const rows = () => psql(url, "SELECT count(*) FROM kept");
    const accessible = async (what: string) => {
      if (javaScriptEnabled) await expectAccessible(page, what);
    };

    await test.step("the first base backup comes by itself", async () => {
      await page.goto(database);
      await page.getByRole("link", { name: "Recovery", exact: true }).click();
      await expect(page).toHaveURL(`${database}/recovery`);
      await expect(async () => {
        await page.reload();
        await expect(page.getByRole("heading", { name: "Restore to …" })).toBeVisible(soon);
      }).toPass({ timeout: 180_000 });
      await expect(page.getByText("Every change reaches the archive.")).toBeVisible();
      await expect(page.locator("tbody tr", { hasText: "full" })).toHaveCount(1);
      await accessible("the window");
      if (javaScriptEnabled) await expect(page.getByLabel("Time zone")).toHaveValue("Asia/Tokyo");
      else await expect(page.getByLabel("Time zone")).toHaveValue("UTC");
    });

    psql(url, "CREATE TABLE kept AS SELECT n FROM generate_series(1, 1000) n");
    // Whole seconds are asked for: the moment lies between two that differ.
    await page.waitForTimeout(1_500);
    const moment = psql(url, "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')");
    await page.waitForTimeout(1_500);
    psql(url, "DELETE FROM kept WHERE n > 10");
    const [day, time] = moment.split(" ");

    await test.step("what cannot be had is said at its field", async () => {
      // The form itself goes no further than the window; an address can.
      await page.goto(`${database}/recovery?at=2020-01-01T10:00:00Z`);
      await expect(page.getByText("Choose a moment from")).toBeVisible();
      await choose(page, day, time, "Mars/Olympus");
      await expect(page.locator("#moment-zone-error")).toContainText("Europe/Paris");
      await expect(page.getByLabel("Time zone")).toHaveValue("Mars/Olympus");
      await accessible("a zone that is none");
    });

    await test.step("the moment is read back and restored beside", async () => {
      const tokyo = psql(url, `SELECT to_char(timestamp '${moment}' AT TIME ZONE 'UTC' AT TIME ZONE 'Asia/Tokyo', 'YYYY-MM-DD HH24:MI:SS')`);
      const [there, then] = tokyo.split(" ");
      await choose(page, there, then, "Asia/Tokyo");
      await expect(page.locator(".read-back-moment")).toHaveText(`${tokyo} JST = ${moment} UTC`);
      await accessible("a moment read back");
      await page.getByRole("button", { name: "Restore beside it" }).click();
      await expect(page).toHaveURL(/\/operations\/op-/);
      await expectDone(page);
      await page.getByRole("link", { name: "See what stands there" }).click();
      await expect(page).toHaveURL(`${database}/recovery`);
      await expect(page.locator("tr", { hasText: "public.kept" })).toContainText("1000");
      expect(rows(), "the database is as it was").toBe("10");
      await accessible("what stands beside");
    });

    await test.step("moved to after the deletion, and back", async () => {
      const beside = (seconds: number) => page.getByRole("heading", { name: `Beside ${name}, as of ${shown(moment, seconds)}`, exact: true });
      await expect(beside(0)).toBeVisible();
      await page.getByRole("button", { name: "+1 s", exact: true }).click();
      await expectDone(page);
      await page.getByRole("link", { name: "See what stands there" }).click();
      await expect(beside(1)).toBeVisible();
      await expect(page.locator("tr", { hasText: "public.kept" })).toContainText("1000");
      await page.getByRole("button", { name: "−1 s", exact: true }).click();
      await expectDone(page);
      await page.getByRole("link", { name: "See what stands there" }).click();
      await expect(beside(0)).toBeVisible();
      await expect(page.locator("tr", { hasText: "public.kept" })).toContainText("1000");
    });

    // Rows are written all the while; each that PostgreSQL acknowledged has to be in the state that is left.
    psql(url, "CREATE TABLE written (n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY)");
    const writer = write(url, "INSERT INTO written DEFAULT VALUES RETURNING n");
    await test.step("switched to: the same URL has the rows again", async () => {
      await page.getByText("Switch to it", { exact: true }).click();
      await page.getByLabel(`Type ${name} to confirm`).fill("nonsense");
      await page.getByRole("button", { name: "Switch to it now" }).click();
      await expect(page.getByText(`Type ${name} to confirm.`).first()).toBeVisible();
      await page.goto(`${database}/recovery`);
      await page.getByText("Switch to it", { exact: true }).click();
      await page.getByLabel(`Type ${name} to confirm`).fill(name);
      await page.getByRole("button", { name: "Switch to it now" }).click();
      await expect(page).toHaveURL(/\/operations\/op-/);
      await expectDone(page);
      expect(rows()).toBe("1000");
      psql(url, "INSERT INTO kept VALUES (5000)");
      expect(psql(url, "SELECT to_regclass('written') IS NULL"), "it did not exist at that moment").toBe("t");
    });

    await test.step("the state before is a moment, too, and an earlier one still works", async () => {
      await expect(async () => {
        await page.goto(`${database}/recovery`);
        await expect(page.getByRole("link", { name: "Choose it" })).toBeVisible(soon);
      }).toPass({ timeout: 180_000 });
      await accessible("what a restore has left");
      await choosesOnTheRibbon(page);
      await page.goto(`${database}/recovery`);
      await page.getByRole("link", { name: "Choose it" }).click();
      await page.getByRole("button", { name: "Restore beside it" }).click();
      await expectDone(page);
      await page.getByRole("link", { name: "See what stands there" }).click();
      await expect(page.locator("tr", { hasText: "public.kept" })).toHaveText(/kept10$/);
      const left = await page.locator("tr", { hasText: "public.written" }).locator("td").innerText();
      const acknowledged = await writer;
      expect(acknowledged, "the writer wrote until the doors closed").toBeGreaterThan(10);
      // One more may have been committed, its answer cut off.
      expect([acknowledged, acknowledged + 1]).toContain(Number(left.replace(/\D/g, "")));
      await page.locator("summary", { hasText: "Discard it" }).click();
      await page.getByRole("button", { name: "Discard it now" }).click();
      await expect(page.getByText("What stood beside the database is gone.")).toBeVisible();
      expect(rows()).toBe("1001");
    });

    await test.step("the overview says what would be lost", async () => {
      await page.goto(database);
      await expect(page.getByText(/If its data were lost now, you would lose at most .* and be back in about/)).toBeVisible();
      await expect(page.getByText(/If this machine burned now, everything would be lost: no copy is off this machine/)).toBeVisible();
      await accessible("the overview");
    });
    console.expectSilent();
  });
});

/// So many seconds after a moment in UTC, as the page writes it: `5 Nov 2026, 10:00:00 UTC`.
function shown(moment: string, seconds: number): string {
  const at = new Date(Date.parse(`${moment.replace(" ", "T")}Z`) + seconds * 1000);
  const [, day, month, year, time] = at.toUTCString().split(" ");
  return `${Number(day)} ${month} ${year}, ${time} UTC`;
}

/// The ribbon has what happened, and each part of it is a link to its moment.
async function choosesOnTheRibbon(page: Page) {
  const marks = (kind: string) => page.locator(`.ribbon-mark[data-kind=${kind}]`);
  await expect(marks("base").first()).toBeAttached();
  await expect(marks("restore")).toHaveCount(1);
  await expect(page.locator(".ribbon-gap")).toHaveCount(0);
  await expect(page.locator(".ribbon-chosen")).toHaveCount(0);
  const part = page.locator(".ribbon a").nth(41);
  const at = new URLSearchParams((await part.getAttribute("href"))!.replace(/#.*/, "")).get("at")!;
  await part.click();
  await expect(page).toHaveURL(/[?]at=.*#chosen$/);
  await expect(page.locator(".ribbon-chosen")).toHaveCount(1);
  await expect(page.locator(".read-back-moment")).toContainText(`${at.slice(0, 10)} ${at.slice(11, 19)} UTC`);
}

/// Types a moment and has it read back.
async function choose(page: Page, day: string, time: string, zone: string) {
  await ready(page);
  await page.getByLabel("Day", { exact: true }).fill(day);
  await page.getByLabel("Time", { exact: true }).fill(time);
  await page.getByLabel("Time zone").fill(zone);
  await page.getByRole("button", { name: "Read it back" }).click();
  await expect(page).toHaveURL(/zone=/);
}
