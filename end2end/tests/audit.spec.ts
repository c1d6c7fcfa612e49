// The audit log as an operator reads it, what others see of it, and finding by name; with JavaScript and without.
import { expectAccessible } from "../support/accessible.ts";
import { ready } from "../support/pages.ts";
import { createApp, createFirstAccount, password } from "../support/steps.ts";
import { expect, type Page, test, withAndWithoutJavaScript } from "../support/test.ts";

withAndWithoutJavaScript((javaScriptEnabled) => {
  test("an operator reads the log in parts, and finds apps by name", async ({ page, paddock, console, browser }) => {
    await createFirstAccount(page, paddock);
    for (const app of ["my-shop", "my-blog"]) await createApp(page, paddock, app);

    await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Audit log" }).click();
    await expect(page).toHaveURL(`${paddock.url}/audit`);
    await expect(page.getByRole("heading", { level: 1, name: "Audit log" })).toBeVisible();
    await expect(rows(page).first()).toContainText("app.create");
    if (javaScriptEnabled) await expectAccessible(page, "the audit log");

    await page.getByLabel("Action begins with").fill("account.");
    await page.getByRole("button", { name: "Show" }).click();
    await expect(page).toHaveURL(/action=account\./);
    await expect(rows(page).first()).toContainText("account.create");
    await expect(page.getByText("app.create")).toHaveCount(0);
    await page.goto(`${paddock.url}/audit?user=nobody`);
    await expect(page.getByText("No record fits.")).toBeVisible();

    // Older parts: as many tries as make two; each is looked for twice, by the frame and by the page.
    for (let n = 0; n < 30; n++) {
      await page.request.get(`${paddock.url}/apps/no-such-app`, { headers: { accept: "text/html" } });
    }
    await page.goto(`${paddock.url}/audit`);
    await expect(rows(page)).toHaveCount(50);
    await page.getByRole("link", { name: "Older" }).click();
    await expect(page).toHaveURL(/before=\d+/);
    await expect(page.getByText("app.create").first()).toBeVisible();
    await page.getByRole("link", { name: "Newest" }).click();
    await expect(page).toHaveURL(`${paddock.url}/audit`);

    await test.step("by name", async () => {
      if (javaScriptEnabled) {
        await ready(page);
        await page.keyboard.press("Control+k");
        await expect(page.getByLabel("Find an app or a database")).toBeFocused();
      }
      await page.getByLabel("Find an app or a database").fill("SHOP");
      await page.keyboard.press("Enter");
      await expect(page).toHaveURL(/\/find\?q=SHOP/);
      const main = page.getByRole("main");
      await expect(main.getByRole("link", { name: "my-shop" })).toBeVisible();
      await expect(main.getByRole("link", { name: "my-blog" })).toHaveCount(0);
      if (javaScriptEnabled) await expectAccessible(page, "what was found");
      await main.getByRole("link", { name: "my-shop" }).click();
      await expect(page).toHaveURL(`${paddock.url}/apps/my-shop`);
    });

    await test.step("a collaborator is refused", async () => {
      await page.goto(`${paddock.url}/apps/my-shop/settings`);
      await page.getByLabel("E-mail of somebody to invite").fill("grace@example.org");
      await page.getByRole("button", { name: "Make invitation" }).click();
      const link = await page.getByRole("textbox", { name: "Invitation link" }).inputValue();
      const grace = await (await browser.newContext({ javaScriptEnabled })).newPage();
      await grace.goto(link);
      await grace.getByLabel("User name").fill("grace");
      await grace.getByLabel("Password").fill(password);
      await grace.getByRole("button", { name: "Create account and join" }).click();
      await expect(grace.getByRole("link", { name: "Audit log" })).toHaveCount(0);
      const answer = await grace.goto(`${paddock.url}/audit`);
      expect(answer?.status()).toBe(403);
      await grace.context().close();
      await page.goto(`${paddock.url}/audit?action=audit.read`);
      await expect(rows(page).first()).toContainText("refused");
    });
    console.expectSilent();
  });
});

/// The records of the page.
function rows(page: Page) {
  return page.getByRole("main").locator("tbody tr");
}
