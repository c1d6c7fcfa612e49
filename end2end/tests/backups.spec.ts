// Backups: scheduled, made, seen running, cancelled, proven, downloaded, restored in place and beside; with JavaScript and
// without.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expectAccessible } from "../support/accessible.ts";
import { psql, tool } from "../support/paddock.ts";
import { ready, soon } from "../support/pages.ts";
import { addDatabase, expectDone, firstDatabase, talk, urlOf } from "../support/steps.ts";
import { expect, type Page, test, withAndWithoutJavaScript } from "../support/test.ts";

/// A backup takes long where much else happens, and its trial, too.
const inTime = { timeout: 180_000 };

withAndWithoutJavaScript((javaScriptEnabled) => {
  test("a backup is made, proven, downloaded and restored", async ({ page, paddock, console }) => {
    const { name, address: database } = await firstDatabase(page, paddock);
    const url = await urlOf(page, paddock);
    const count = (of = url) => psql(of, "SELECT count(*) FROM kept");
    psql(url, "CREATE TABLE kept AS SELECT n, md5(n::text) AS text FROM generate_series(1, 1000) n");

    await test.step("the schedule", async () => {
      await page.goto(database);
      await page.getByRole("link", { name: "Backups", exact: true }).click();
      await expect(page).toHaveURL(`${database}/backups`);
      await expect(page.getByText("No backups yet.")).toBeVisible();
      if (javaScriptEnabled) await expectAccessible(page, "no backups yet");
      await page.getByLabel("Time zone").fill("Europe/Atlantis");
      await page.getByRole("button", { name: "Update" }).click();
      await expect(page.locator("#schedule-zone-error")).toContainText("There is no time zone of this name.");
      await page.goto(`${database}/backups`);
      // Half a day from now, so that no backup is made by itself meanwhile.
      const utc = (new Date().getUTCHours() + 12) % 24;
      const [there, then] = [(utc + 9) % 24, utc].map((hour) => `${String(hour).padStart(2, "0")}:00`);
      await page.getByLabel("Hour").selectOption(there);
      await page.getByLabel("Time zone").fill("Asia/Tokyo");
      await page.getByRole("button", { name: "Update" }).click();
      await expect(page.getByText("The schedule is updated.")).toBeVisible();
      await expect(page.getByText(`Every day at ${there} Asia/Tokyo (${then} UTC today)`)).toBeVisible();
      await page.getByLabel("I want to enable scheduled backups").uncheck();
      await page.getByRole("button", { name: "Update" }).click();
      await expect(page.getByText("No backup is made by itself.")).toBeVisible();
      await page.getByLabel("I want to enable scheduled backups").check();
      await page.getByRole("button", { name: "Update" }).click();
      await expect(page.getByText(new RegExp(`^Every day at ${there} Asia/Tokyo`))).toBeVisible();
    });

    await test.step("one that is seen while it runs, and after a reload", async () => {
      psql(
        url,
        "CREATE UNLOGGED TABLE bulk AS SELECT n, (SELECT string_agg(md5(n::text || m::text), '') FROM generate_series(1, 30) m) AS text FROM generate_series(1, 300000) n",
      );
      await page.goto(`${database}/backups`);
      await page.getByRole("button", { name: "Back up now" }).click();
      await expect(page).toHaveURL(`${database}/backups`);
      await expect(page.getByText("The backup has begun.")).toBeVisible();
      const first = page.locator("tbody tr").first();
      await expect(first).toContainText(/running, \d+(\.\d)? .B\/s/);
      await page.reload();
      await expect(first).toContainText(/\d+ MB.*running, \d+(\.\d)? .B\/s/s);
      await expect(first.getByRole("button", { name: /^Cancel/ })).toBeVisible();
      await expect(first.getByRole("button", { name: /^Download/ })).toBeVisible(inTime);
      psql(url, "DROP TABLE bulk");
    });

    await test.step("one that is cancelled", async () => {
      // The dump waits for this lock.
      const holder = talk(url, "BEGIN; LOCK TABLE kept IN ACCESS EXCLUSIVE MODE");
      try {
        await expect(() => {
          expect(psql(url, "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted")).not.toBe("0");
        }).toPass();
        await page.goto(`${database}/backups`);
        await page.getByRole("button", { name: "Trigger manual backup" }).click();
        const first = page.locator("tbody tr").first();
        await expect(first).toContainText(/running|waiting/);
        await first.getByRole("button", { name: /^Cancel/ }).click();
        await expect(page.getByText("The backup is being cancelled.")).toBeVisible();
      } finally {
        holder.kill("SIGTERM");
      }
      await expect(page.locator("tbody tr", { hasText: "cancelled" })).toHaveCount(1, inTime);
      await expect(page.getByText("1 of 10 manual kept")).toBeVisible();
    });

    const backup = await test.step("one that is proven", async () => {
      await page.getByRole("button", { name: "Trigger manual backup" }).click();
      const first = page.locator("tbody tr").first();
      await expect(first.getByRole("button", { name: /^Download/ })).toBeVisible(inTime);
      await expect(page.getByText("2 of 10 manual kept")).toBeVisible();
      await first.getByRole("link").first().click();
      await expect(page).toHaveURL(/\/backups\/bk-/);
      const backup = page.url();
      // By itself it is tried when the machine is idle; nobody waits for that here. While the one before is tried by
      // itself, this one is refused.
      await expect(async () => {
        await page.goto(backup);
        await expect(page.getByRole("region", { name: "Proof" })).toBeVisible(soon);
        const tryIt = page.getByRole("button", { name: "Try it now" });
        if (!(await tryIt.isVisible())) return;
        await tryIt.click({ timeout: 5_000 });
        await expect(page).toHaveURL(/\/operations\/op-/, soon);
      }).toPass(inTime);
      if (page.url() !== backup) {
        await expectDone(page);
        await page.getByRole("link", { name: "See the backups" }).click();
        await expect(page).toHaveURL(`${database}/backups`);
      }
      await page.goto(backup);
      await expect(page.getByText(/^restored in .*, 1 table, 0 differences$/)).toBeVisible(inTime);
      if (javaScriptEnabled) await expectAccessible(page, "one backup");
      await page.goto(`${database}/backups`);
      await expect(page.locator("tbody tr").first()).toContainText(/restored in \d/);
      if (javaScriptEnabled) await expectAccessible(page, "backups");
      return backup;
    });

    await test.step("the archive is what the documents say", async () => {
      const first = page.locator("tbody tr").first();
      const folder = mkdtempSync("/tmp/pdk-archive-");
      try {
        // Twice: a download leaves the page as it was.
        for (let n = 0; n < 2; n++) {
          const coming = page.waitForEvent("download");
          await first.getByRole("button", { name: /^Download/ }).click();
          const download = await coming;
          expect(download.suggestedFilename()).toMatch(new RegExp(`^\\d{14}_${name}\\.tar\\.gz$`));
          await download.saveAs(join(folder, "archive.tar.gz"));
        }
        execFileSync("tar", ["-xzf", "archive.tar.gz"], { cwd: folder });
        const dump = readdirSync(folder).find((file) => file.endsWith(".pgsql"))!;
        const list = execFileSync(tool("pg_restore"), ["--list", join(folder, dump)], { encoding: "utf8" });
        expect(list).toMatch(/TABLE DATA public kept/);
        // The master key alone opens it, without the store.
        const id = /bk-[0-9a-f-]{36}/.exec(backup)![0];
        expect(paddock.command(["backups", "list"])).toContain(id);
        paddock.command(["backups", "extract", id, join(folder, "plain")]);
        execFileSync("cmp", [join(folder, "plain"), join(folder, dump)]);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    });

    await test.step("coming backups have a new key", async () => {
      await page.goto(`${database}/backups`);
      await page.getByRole("button", { name: "Take a new key" }).click();
      await expect(page.getByText("Coming backups have a new key.")).toBeVisible();
    });

    await test.step("restored in place", async () => {
      psql(url, "DELETE FROM kept");
      await page.goto(backup);
      await page.getByLabel(`Type ${name} to confirm`).fill("something else");
      await page.getByRole("button", { name: "Restore in place" }).click();
      await expect(page.locator("#in-place-name-error")).toContainText(`Type ${name} to confirm.`);
      expect(count()).toBe("0");
      await ready(page);
      await page.getByLabel(`Type ${name} to confirm`).fill(name);
      await page.getByRole("button", { name: "Restore in place" }).click();
      await expect(page).toHaveURL(/\/operations\/op-/);
      await expectDone(page);
      expect(count()).toBe("1000");
      await page.goto(`${database}/backups`);
      await expect(page.locator("tbody tr", { hasText: "Before a restore" })).toHaveCount(1);
    });

    await test.step("what was replaced comes back, and goes", async () => {
      const panel = page.getByRole("region", { name: "What was there before the restore" });
      if (javaScriptEnabled) await expectAccessible(page, "backups after a restore");
      const again = async (rows: string) => {
        await panel.locator("summary", { hasText: "Bring it back" }).click();
        await page.getByRole("button", { name: "Bring it back now" }).click();
        await expect(page.getByText(/^It is back\./)).toBeVisible();
        expect(count()).toBe(rows);
      };
      await again("0");
      await again("1000");
      await panel.locator("summary", { hasText: "Drop it" }).click();
      await page.getByRole("button", { name: "Drop it now" }).click();
      await expect(page.getByText(/^What was there before the restore is gone/)).toBeVisible();
      await expect(panel).toHaveCount(0);
      expect(count()).toBe("1000");
    });

    await test.step("restored beside", async () => {
      psql(url, "DELETE FROM kept");
      await page.goto(backup);
      await expect(page.getByLabel("Plan of the new database")).toHaveValue("postgresql-starter-512");
      await page.getByRole("button", { name: "Restore beside it" }).click();
      await expect(page).toHaveURL(/\/operations\/op-/);
      await expectDone(page);
      await page.goto(`${paddock.url}/apps/my-app/environment?view=resolved&reveal=1`);
      const urls = (await page.getByRole("main").innerText()).match(/postgresql:\/\/\S+/g) ?? [];
      const other = urls.find((other) => !other.includes(name));
      expect(other, urls.join("\n")).toBeTruthy();
      expect(count(other)).toBe("1000");
      expect(count()).toBe("0");
    });

    await test.step("the overview and the activity tell of it", async () => {
      await page.goto(database);
      const next = page.getByRole("region", { name: "Next" });
      await expect(next.getByRole("listitem").filter({ hasText: "Last backup" })).toBeVisible();
      await expect(next.getByText("Next backup")).toBeVisible();
      await page.goto(`${database}/activity`);
      for (const told of ["Backup made", "Backup cancelled", "Backup restored", "Backup schedule changed"]) {
        await expect(page.getByText(told, { exact: true }).first()).toBeVisible();
      }
    });
    // A trial that was refused because another one ran.
    console.expectSilent(/status of 409/);
  });
});

test("a plan without backups says so, and a backup can be made with keys alone", async ({ page, paddock }) => {
  const { address: sandbox } = await firstDatabase(page, paddock, "Sandbox");
  await page.goto(`${sandbox}/backups`);
  await expect(page.getByText("The plan Sandbox has no backups.")).toBeVisible();
  await expectAccessible(page, "a plan without backups");
  await press(page, "link", "Change plan");
  await expect(page).toHaveURL(`${sandbox}/plan`);

  await page.goto(`${paddock.url}/apps/my-app`);
  await addDatabase(page, "my-app", "Starter 512M");
  const database = page.url().replace(/[?#].*/, "");
  await page.goto(`${database}/backups`);
  await press(page, "button", "Back up now");
  const first = page.locator("tbody tr").first();
  await expect(first.getByRole("button", { name: /^Download/ })).toBeVisible(inTime);
  await first.locator("summary").focus();
  await page.keyboard.press("Enter");
  await first.getByRole("link", { name: "Restore …" }).focus();
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/backups\/bk-.*#restore$/);
  await expect(page.getByRole("button", { name: "Restore beside it" })).toBeVisible();
});

test.describe("without a trash", () => {
  test.use({ settings: { PADDOCK_DATA_TRASH_HOURS: "0" } });

  test("backups of a database that is gone for good are found, downloaded and restored", async ({ page, paddock }) => {
    const { name, address: database } = await firstDatabase(page, paddock);
    psql(await urlOf(page, paddock), "CREATE TABLE kept AS SELECT n FROM generate_series(1, 1000) n");
    await page.goto(`${database}/backups`);
    await press(page, "button", "Back up now");
    const made = page.locator("tbody tr").first().getByRole("button", { name: /^Download/ });
    await expect(made).toBeVisible(inTime);
    const link = page.getByRole("link", { name: "Backups of deleted databases" });
    await page.goto(`${paddock.url}/apps/my-app`);
    await expect(link).toHaveCount(0);

    await page.goto(`${database}/settings`);
    await page.getByLabel(`Type ${name} to confirm`).fill(name);
    await page.getByRole("button", { name: "Delete database" }).click();
    await expect(async () => {
      await page.goto(`${paddock.url}/apps/my-app`);
      await expect(link).toBeVisible(soon);
    }).toPass(inTime);
    await link.click();
    await expect(page).toHaveURL(`${paddock.url}/apps/my-app/deleted-backups`);
    const table = page.getByRole("table", { name: `Backups of ${name}, newest first` });
    await expectAccessible(page, "backups of deleted databases");
    const coming = page.waitForEvent("download");
    await table.getByRole("button", { name: /^Download/ }).click();
    expect((await coming).suggestedFilename()).toMatch(new RegExp(`^\\d{14}_${name}\\.tar\\.gz$`));
    await table.getByRole("button", { name: /^Restore as new/ }).click();
    await expect(page).toHaveURL(/\/operations\/op-/);
    await expectDone(page);
    expect(psql(await urlOf(page, paddock), "SELECT count(*) FROM kept")).toBe("1000");
  });
});

async function press(page: Page, role: "link" | "button", name: string) {
  await page.getByRole("main").getByRole(role, { name }).first().focus();
  await page.keyboard.press("Enter");
}
