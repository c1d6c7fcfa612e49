// From the set-up link to `select 1` through the copied URL: once with JavaScript, once without.
import { expectAccessible } from "../support/accessible.ts";
import { psql } from "../support/paddock.ts";
import { ready, soon, untilTold } from "../support/pages.ts";
import { addDatabase, createApp, createFirstAccount, expectDone, firstDatabase } from "../support/steps.ts";
import { expect, type Page, test, withAndWithoutJavaScript } from "../support/test.ts";
import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";

withAndWithoutJavaScript((javaScriptEnabled) => {
  test.use({ permissions: ["clipboard-read", "clipboard-write"] });

  test("a newcomer gets from the set-up link to select 1", async ({ page, paddock, console, request }) => {
    const { name } = await firstDatabase(page, paddock);
    expect(name).toMatch(/^my_app_\d{4}$/);
    await untilTold(page, () => expect(page.getByText("Running").first()).toBeVisible(soon));

    // The connection string, as people take it.
    await page.getByRole("link", { name: "Connect", exact: true }).click();
    const url = await takeUrl(page, javaScriptEnabled);
    expect(psql(url, "SELECT session_user || ' ' || current_database()")).toBe(`${name} ${name}`);
    expect(psql(url, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user")).toBe("f");

    // The CA from the same dialog proves which server answers.
    const ca = join(mkdtempSync("/tmp/pdk-ca-"), "ca.pem");
    writeFileSync(ca, await (await request.get(`${paddock.url}/api/ca_certificate`)).text());
    const verified = url.replace(/sslmode=[a-z-]+/, "sslmode=verify-full");
    // What PostgreSQL tells of a session it tells to who logged in, not to the owner that the session acts as.
    const tls = psql(verified, "SET ROLE NONE; SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()", { PGSSLROOTCERT: ca });
    expect(tls).toBe("TLSv1.3");

    // The app has it as variables.
    await page.goto(`${paddock.url}/apps/my-app/environment`);
    await expect(page.getByText("SCALINGO_POSTGRESQL_URL").first()).toBeVisible();
    await expect(page.getByText("DATABASE_URL").first()).toBeVisible();
    console.expectSilent();
  });

  test("a deleted database can be brought back with its data", async ({ page, paddock }) => {
    const { name, address } = await firstDatabase(page, paddock);
    await page.getByRole("link", { name: "Connect", exact: true }).click();
    const url = await takeUrl(page, javaScriptEnabled);
    psql(url, "CREATE TABLE kept AS SELECT 42 AS answer");

    await page.goto(`${address}/settings`);
    await page.getByLabel(`Type ${name} to confirm`).fill("something else");
    await page.getByRole("button", { name: "Delete database" }).click();
    await expect(page.getByText(name).first()).toBeVisible();
    await expect(page.locator("[aria-invalid=true]")).toHaveCount(1);
    await ready(page);
    await page.getByLabel(`Type ${name} to confirm`).fill(name);
    await page.getByRole("button", { name: "Delete database" }).click();
    await expect(page).toHaveURL(/\/operations\/op-/);
    await expectDone(page);
    expect(() => psql(url, "SELECT 1")).toThrow();
    await page.goto(`${address}/backups`);
    await expect(page.getByText("There are no backups.")).toBeVisible();

    await page.goto(address);
    await page.getByRole("button", { name: /Bring back|Undo|Restore/ }).click();
    await expect(page).toHaveURL(/\/operations\/op-/);
    await expectDone(page);
    expect(psql(url, "SELECT answer FROM kept")).toBe("42");
  });
});

/// The URL with its password: copied where a browser can, revealed where it cannot.
async function takeUrl(page: Page, javaScript: boolean): Promise<string> {
  if (javaScript) {
    await expect(page.getByRole("dialog")).toBeVisible();
    await ready(page);
    // The server is asked for it, and "Copied" stands for four seconds only.
    await expect(async () => {
      await page.getByRole("button", { name: /^Copy/ }).first().click();
      await expect(page.getByText("Copied")).toBeVisible({ timeout: 10_000 });
    }).toPass({ timeout: 90_000 });
    return page.evaluate(() => navigator.clipboard.readText());
  }
  await page.getByRole("button", { name: "Reveal password" }).click();
  return (await page.locator(".code pre").first().innerText()).trim();
}

test("every page is accessible, light and dark, 320 and 1280 px", async ({ page, paddock, console }) => {
  await page.goto(paddock.setupLink);
  await expectAccessible(page, "set-up");
  await createFirstAccount(page, paddock);
  await expectAccessible(page, "no apps yet");
  await createApp(page, paddock, "my-app");
  await expectAccessible(page, "an app without add-ons");
  await page.goto(`${paddock.url}/apps/my-app/addons/new`);
  await expectAccessible(page, "choose a plan");
  await page.goto(`${paddock.url}/apps/my-app`);
  await addDatabase(page, "my-app", "Sandbox");
  const database = page.url();
  const pages: [string, string][] = [
    ["overview", database],
    ["connect", `${database}?dialog=connect`],
    ["the database's activity", `${database}/activity`],
    ["the database's settings", `${database}/settings`],
    ["apps", `${paddock.url}/apps`],
    ["an app", `${paddock.url}/apps/my-app`],
    ["environment", `${paddock.url}/apps/my-app/environment`],
    ["the app's activity", `${paddock.url}/apps/my-app/activity`],
    ["the app's settings", `${paddock.url}/apps/my-app/settings`],
    ["create app", `${paddock.url}/apps/new`],
    ["databases", `${paddock.url}/databases`],
    ["operations", `${paddock.url}/operations`],
    ["account", `${paddock.url}/account`],
  ];
  for (const [what, url] of pages) {
    await page.goto(url);
    await expectAccessible(page, what);
  }
  await page.goto(`${paddock.url}/operations`);
  await page.getByRole("link", { name: /my_app_\d+/ }).first().click();
  await expect(page).toHaveURL(/\/operations\/op-/);
  await expectAccessible(page, "an operation");
  console.expectSilent();
  const missing = await page.goto(`${paddock.url}/apps/nobodys-app`);
  expect(missing?.status()).toBe(404);
  await expectAccessible(page, "not found");
  await page.context().clearCookies();
  await page.goto(`${paddock.url}/login`);
  await expectAccessible(page, "sign in");
});
