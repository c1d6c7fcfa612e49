// The network page: force TLS and see plain connections refused, open and close a network, be told what is wrong at its
// field; with JavaScript and without.
import { expect, test, type Page } from "@playwright/test";
import { Console, expectAccessible } from "../support/accessible.ts";
import { Paddock, psql } from "../support/paddock.ts";
import { addDatabase, createApp, createFirstAccount, urlOf } from "../support/steps.ts";

for (const javaScriptEnabled of [true, false]) {
  test(`the network of a database, ${javaScriptEnabled ? "with" : "without"} JavaScript`, async ({ browser }) => {
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
      const plain = `${url.replace(/\?.*/, "")}?sslmode=disable`;
      expect(psql(plain, "SELECT 1")).toBe("1");

      await page.goto(database);
      await page.getByRole("link", { name: "Network" }).click();
      await expect(page.getByRole("heading", { name: "Force TLS" })).toBeVisible();
      await expect(page.getByText(/listen on 127\.0\.0\.1.* only/)).toBeVisible();
      if (javaScriptEnabled) await expectAccessible(page, "network");

      await page.locator("summary", { hasText: "Force TLS" }).click();
      await page.getByRole("button", { name: "Force TLS now" }).click();
      await expect(page.getByText(/without TLS are refused since/)).toBeVisible();
      expect(() => psql(plain, "SELECT 1")).toThrow();
      expect(psql(url, "SELECT 1")).toBe("1");

      await page.getByLabel("Open a network").fill("10.0.0.1/8");
      await page.getByRole("button", { name: "Open network" }).click();
      await expect(page.getByRole("alert").first()).toContainText("10.0.0.0/8");
      await page.getByLabel("Open a network").fill("10.0.0.0/8");
      await page.getByLabel("Note").fill("<b>the office</b>");
      await page.getByRole("button", { name: "Open network" }).click();
      await expect(page.getByRole("cell", { name: "<b>the office</b>" })).toBeVisible();
      await page.getByRole("button", { name: "Close 10.0.0.0/8" }).click();
      await expect(page.getByRole("cell", { name: "10.0.0.0/8" })).toHaveCount(0);

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
    } finally {
      await paddock.stop();
    }
  });
}
