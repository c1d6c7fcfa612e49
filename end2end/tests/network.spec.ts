// The network page: force TLS and see plain connections refused, open and close a network, be told what is wrong at its
// field; with JavaScript and without.
import { expectAccessible } from "../support/accessible.ts";
import { psql } from "../support/paddock.ts";
import { ready, soon, untilTold } from "../support/pages.ts";
import { firstDatabase, talk, urlOf } from "../support/steps.ts";
import { expect, type Page, test, withAndWithoutJavaScript } from "../support/test.ts";

withAndWithoutJavaScript((javaScriptEnabled) => {
  test("the network of a database", async ({ page, paddock, console }) => {
    const { address: database } = await firstDatabase(page, paddock);
    const url = await urlOf(page, paddock);
    const plain = `${url.replace(/\?.*/, "")}?sslmode=disable`;
    expect(psql(plain, "SELECT 1")).toBe("1");

    await page.goto(database);
    await page.getByRole("link", { name: "Network" }).click();
    await expect(page.getByRole("heading", { name: "Force TLS" })).toBeVisible();
    await expect(page.getByText(/listen on 127\.0\.0\.1.* only/)).toBeVisible();
    if (javaScriptEnabled) await expectAccessible(page, "network");

    // Somebody is connected in the clear: shown before, ended by the switch, and the server is the same one after it.
    const clear = talk(plain, "SELECT 'in the clear'");
    const told = () => psql(url, "SET ROLE NONE; SELECT count(*), pg_postmaster_start_time() FROM pg_stat_ssl " +
      "JOIN pg_stat_activity USING (pid) WHERE NOT ssl AND usename = session_user");
    await expect(() => expect(told()).toMatch(/^1\|/)).toPass({ timeout: 30_000 });
    const before = told();
    await page.reload();
    const sessions = page.getByRole("table", { name: "Sessions without TLS" });
    await untilTold(page, () => expect(sessions.getByRole("row", { name: /psql 127\.0\.0\.1 no/ })).toHaveCount(1, soon));

    // Of the same look as the table.
    await page.locator("summary", { hasText: "Force TLS" }).click();
    await expect(page.getByText("1 session without TLS is ended at once.")).toBeVisible();
    await page.getByRole("button", { name: "Force TLS now" }).click();
    await expect(page.getByText(/without TLS are refused since/)).toBeVisible();
    await expect(() => expect(told()).toBe(before.replace(/^1/, "0"))).toPass({ timeout: 30_000 });
    await expect(sessions).toHaveCount(0);
    clear.kill();
    expect(() => psql(plain, "SELECT 1")).toThrow();
    expect(psql(url, "SELECT 1")).toBe("1");

    await page.getByLabel("Open a network").fill("10.0.0.1/8");
    await page.getByRole("button", { name: "Open network" }).click();
    await expect(page.getByRole("alert").first()).toContainText("10.0.0.0/8");
    await ready(page);
    await page.getByLabel("Open a network").fill("10.0.0.0/8");
    await page.getByLabel("Note").fill("<b>the office</b>");
    await page.getByRole("button", { name: "Open network" }).click();
    await expect(page.getByRole("cell", { name: "<b>the office</b>" })).toBeVisible();
    await page.getByRole("button", { name: "Close 10.0.0.0/8" }).click();
    await expect(page.getByRole("cell", { name: "10.0.0.0/8" })).toHaveCount(0);

    // One that closes itself; the command under the form is what stands in it.
    const day = (from: number) => new Date(Date.now() + from * 86_400_000).toISOString().slice(0, 16);
    const later = day(2);
    const command = page.locator("#open .command");
    await expect(command).toContainText("10.0.0.0/8");
    await page.getByLabel("Open a network").fill("192.0.2.0/24");
    await page.getByLabel("Until, UTC").fill(day(-1));
    await page.getByRole("button", { name: "Open network" }).click();
    await expect(page.getByRole("alert").first()).toContainText("This time is over already.");
    await ready(page);
    await page.getByLabel("Open a network").fill("192.0.2.0/24");
    await page.getByLabel("Until, UTC").fill(later);
    if (javaScriptEnabled) {
      await expect(command).toContainText(`"cidr":"192.0.2.0/24","expires_at":"${later.slice(0, 10)}`);
    }
    await page.getByRole("button", { name: "Open network" }).click();
    const ending = page.getByRole("row", { name: /^192\.0\.2\.0\/24/ });
    await expect(ending.locator("time")).toHaveAttribute("datetime", new RegExp(`^${later.slice(0, 10)}`));
    await ending.getByRole("button", { name: "Close 192.0.2.0/24" }).click();
    await expect(ending).toHaveCount(0);

    await page.locator("summary", { hasText: "From everywhere" }).click();
    await page.getByRole("button", { name: "Make it reachable from everywhere" }).click();
    await expect(page.getByText(/Everywhere, since/)).toBeVisible();
    if (javaScriptEnabled) await expectAccessible(page, "reachable from everywhere");
    await page.getByRole("button", { name: "Close everywhere" }).click();
    await page.locator("summary", { hasText: "Allow connections without TLS" }).click();
    await page.getByRole("button", { name: "Allow them" }).click();
    await expect(page.getByText(/offered to all and forced on nobody/)).toBeVisible();
    expect(psql(plain, "SELECT 1")).toBe("1");
    console.expectSilent();
  });
});
