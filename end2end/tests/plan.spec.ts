// Changing a plan as the pages tell it: Resources → … → Change plan → choose → Finish → Confirm plan change. Up, down,
// and a downscale that is refused; with JavaScript and without.
import { expectAccessible } from "../support/accessible.ts";
import { psql } from "../support/paddock.ts";
import { soon, untilTold } from "../support/pages.ts";
import { expectDone, firstDatabase, urlOf } from "../support/steps.ts";
import { expect, type Page, test, withAndWithoutJavaScript } from "../support/test.ts";

withAndWithoutJavaScript((javaScriptEnabled) => {
  test("up and down, with the same URL and data, and a refused downscale", async ({ page, paddock, console }) => {
    const { name, address: database } = await firstDatabase(page, paddock);
    const url = await urlOf(page, paddock);
    psql(url, "CREATE TABLE kept AS SELECT 42 AS answer");
    const shared = () => psql(url, "SHOW shared_buffers");
    expect(shared()).toBe("128MB");

    // Up, from Resources.
    await page.goto(`${paddock.url}/apps/my-app`);
    await page.locator("summary", { hasText: `More for ${name}` }).click();
    await page.getByRole("link", { name: "Change plan" }).click();
    await expect(page).toHaveURL(`${database}/plan`);
    await choose(page, "Starter 1G");
    await untilTold(page, async () => {
      await expect(page.getByText("Safe", { exact: true }).first()).toBeVisible(soon);
      await expect(page.getByText(/One restart: nobody can connect for/).first()).toBeVisible(soon);
    });
    await page.locator("summary", { hasText: "With the restart" }).click();
    await expect(page.getByRole("row", { name: /shared_buffers 128\s?MB 256\s?MB/ })).toBeVisible();
    if (javaScriptEnabled) await expectAccessible(page, "a change of plan");
    await confirm(page);
    await expect(page.getByText(/Nobody could connect for/i).first()).toBeVisible();
    expect(shared()).toBe("256MB");
    expect(psql(url, "SELECT answer FROM kept")).toBe("42");
    await page.goto(database);
    await expect(page.getByText("Starter 1G").first()).toBeVisible();

    // Down again; now the last interruption is known.
    await page.goto(`${database}/plan`);
    await choose(page, "Starter 512M");
    await untilTold(page, async () => {
      await expect(page.getByText(/nobody can connect for about \d/).first()).toBeVisible(soon);
      await expect(page.getByText(/The last ones of this database: \d/)).toBeVisible(soon);
    });
    await confirm(page);
    expect(shared()).toBe("128MB");
    expect(psql(url, "SELECT answer FROM kept")).toBe("42");

    // 600 MB do not fit into the 512 MB of Sandbox.
    psql(url, "CREATE UNLOGGED TABLE filler AS SELECT repeat(md5(n::text), 30) AS text FROM generate_series(1, 600000) n");
    await page.goto(`${database}/plan`);
    await choose(page, "Sandbox");
    await untilTold(page, () => expect(page.getByText("Refused", { exact: true }).first()).toBeVisible(soon));
    await expect(page.getByText(/does not fit into Sandbox/)).toBeVisible();
    await expect(page.getByRole("button", { name: "Confirm plan change" })).toHaveCount(0);

    // 512 MB are enough again, but tight: the name is asked for, and a wrong one is told at its field.
    psql(url, "DROP TABLE filler");
    psql(url, "CREATE UNLOGGED TABLE filler AS SELECT repeat(md5(n::text), 30) AS text FROM generate_series(1, 380000) n");
    await page.goto(`${database}/plan`);
    await choose(page, "Sandbox");
    await untilTold(page, () => expect(page.getByText("Tight", { exact: true }).first()).toBeVisible(soon));
    await page.getByLabel(`Type ${name} to confirm`).fill("something else");
    await page.getByRole("button", { name: "Confirm plan change" }).click();
    await expect(page.getByRole("alert").first()).toContainText(`Type ${name} to confirm`);
    expect(shared()).toBe("128MB");
    console.expectSilent();
  });
});

test("a change of plan is accessible, and can be done with keys alone", async ({ page, paddock }) => {
  const { address: database } = await firstDatabase(page, paddock);
  await page.goto(`${database}/plan`);
  await expectAccessible(page, "choose another plan");
  await page.getByRole("radio", { name: /Starter 1G/ }).focus();
  await page.keyboard.press("Space");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\?to=postgresql-starter-1024/);
  await page.getByRole("button", { name: "Confirm plan change" }).focus();
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/operations\/op-/);
  await expectDone(page);
});

async function choose(page: Page, plan: string) {
  await page.getByRole("radio", { name: new RegExp(plan) }).check();
  await page.getByRole("button", { name: "Finish" }).click();
  await expect(page).toHaveURL(/\?to=/);
}

async function confirm(page: Page) {
  await page.getByRole("button", { name: "Confirm plan change" }).click();
  await expect(page).toHaveURL(/\/operations\/op-/);
  await expectDone(page);
}
