// Accounts in a real browser: tokens shown once, invitations used once, sessions ended from elsewhere, and what a
// collaborator may see; with JavaScript and without. And the power switches of a database, pressed as people press them.
import { expectAccessible } from "../support/accessible.ts";
import { ready, soon } from "../support/pages.ts";
import { addDatabase, createApp, createFirstAccount, expectDone, password, signIn } from "../support/steps.ts";
import { expect, test, withAndWithoutJavaScript } from "../support/test.ts";

withAndWithoutJavaScript((javaScriptEnabled) => {
  test("an account's tokens, people and password", async ({ page, paddock, console, browser, request }) => {
    await createFirstAccount(page, paddock);

    await test.step("a refused form says why at the field, and scripts keep what was typed", async () => {
      await page.goto(`${paddock.url}/apps/new`);
      await ready(page);
      await page.getByLabel("Name").fill("My App");
      await page.getByRole("button", { name: "Create app" }).click();
      await expect(page.getByRole("alert")).toBeVisible();
      await expect(page.getByLabel("Name")).toHaveAttribute("aria-invalid", "true");
      if (!javaScriptEnabled) return;
      await expect(page.getByRole("alert")).toBeFocused();
      await expect(page.getByLabel("Name")).toHaveValue("My App");
    });

    await test.step("a token is shown once and opens the API", async () => {
      await page.goto(`${paddock.url}/account`);
      await page.getByLabel("Name of a new token").fill("deploy");
      await page.getByRole("button", { name: "Create token" }).click();
      const token = await page.getByRole("textbox", { name: "API token" }).inputValue();
      expect(token).toMatch(/^tk-us-/);
      const basic = `Basic ${Buffer.from(`:${token}`).toString("base64")}`;
      const exchange = () =>
        request.post(`${paddock.url}/v1/tokens/exchange`, { headers: { Authorization: basic }, data: {} });
      expect((await exchange()).status()).toBe(200);
      await page.reload();
      await expect(page.getByRole("textbox", { name: "API token" })).toHaveCount(0);
      expect(await page.content()).not.toContain(token);
      await page.getByText("Revoke").first().click();
      await page.getByRole("button", { name: "Revoke token" }).click();
      await expect(page.getByText("deploy")).toHaveCount(0);
      expect((await exchange()).status()).toBe(401);
    });

    await createApp(page, paddock, "shared");
    const grace = await (await browser.newContext({ javaScriptEnabled })).newPage();
    await test.step("an invitation makes a collaborator, once", async () => {
      await page.goto(`${paddock.url}/apps/shared/settings`);
      await page.getByLabel("E-mail of somebody to invite").fill("grace@example.org");
      await page.getByRole("button", { name: "Make invitation" }).click();
      const link = await page.getByRole("textbox", { name: "Invitation link" }).inputValue();
      await grace.goto(link);
      await grace.getByLabel("User name").fill("grace");
      await grace.getByLabel("Password").fill(password);
      await grace.getByRole("button", { name: "Create account and join" }).click();
      await grace.goto(`${paddock.url}/apps`);
      await expect(grace.getByRole("main").getByRole("link", { name: "shared" })).toBeVisible();
      const again = await (await browser.newContext({ javaScriptEnabled })).newPage();
      await again.goto(link);
      await expect(again.getByRole("button", { name: "Create account and join" })).toHaveCount(0);
    });

    await test.step("a collaborator does not see other apps, nor that they exist", async () => {
      await createApp(page, paddock, "private");
      expect((await grace.goto(`${paddock.url}/apps/private`))?.status()).toBe(404);
      const theirs = await grace.locator("main").innerText();
      expect((await grace.goto(`${paddock.url}/apps/nobodys`))?.status()).toBe(404);
      expect(await grace.locator("main").innerText()).toBe(theirs);
    });

    await test.step("a changed password ends other sessions", async () => {
      const elsewhere = await (await browser.newContext({ javaScriptEnabled })).newPage();
      await signIn(elsewhere, paddock);
      await page.goto(`${paddock.url}/account`);
      await page.getByLabel("Current password").fill(password);
      await page.getByLabel("New password").fill("another long password");
      await page.getByRole("button", { name: "Change password" }).click();
      await expect(page).toHaveURL(/\/account/);
      await elsewhere.goto(`${paddock.url}/apps`);
      await expect(elsewhere).toHaveURL(/\/login/);
    });
    console.expectSilent();
  });

  test("an account's sessions: listed, ended from elsewhere, and signed out", async ({ page, paddock, console, browser }) => {
    await createFirstAccount(page, paddock);
    const userAgent = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";
    const elsewhere = await (await browser.newContext({ javaScriptEnabled, userAgent })).newPage();
    await signIn(elsewhere, paddock);
    const sessions = page.getByRole("table", { name: "Sessions" }).locator("tbody tr");
    const other = sessions.filter({ has: page.getByRole("rowheader", { name: "Firefox on Linux" }) });

    await test.step("each browser is listed, and which one this is", async () => {
      await page.goto(`${paddock.url}/account`);
      await expect(sessions).toHaveCount(2);
      await expect(sessions.filter({ hasText: "this one" })).toHaveCount(1);
      await expect(other).toHaveCount(1);
      await expect(other).toContainText("127.0.0.1");
      await expect(other).not.toContainText("this one");
      if (javaScriptEnabled) await expectAccessible(page, "an account with two sessions");
    });

    await test.step("the other one is signed out from here", async () => {
      await ready(page);
      await other.getByRole("button", { name: "Sign out Firefox on Linux" }).click();
      await expect(page.getByText("That browser is signed out.")).toBeVisible();
      await expect(sessions).toHaveCount(1);
      await expect(sessions).toContainText("this one");
      await elsewhere.goto(`${paddock.url}/account`);
      await expect(elsewhere).toHaveURL(/\/login\?next=/);
      await elsewhere.context().close();
    });

    await test.step("signed out, the cookie of before opens nothing", async () => {
      const before = await page.context().cookies();
      await page.getByRole("button", { name: "Sign out", exact: true }).click();
      await expect(page).toHaveURL(`${paddock.url}/login`);
      await page.goto(`${paddock.url}/account`);
      await expect(page).toHaveURL(/\/login\?next=/);
      await page.context().clearCookies();
      await page.context().addCookies(before);
      await page.goto(`${paddock.url}/account`);
      await expect(page).toHaveURL(/\/login\?next=/);
    });

    await test.step("signing in leads back to where one wanted to go", async () => {
      await ready(page);
      await page.getByLabel("User name or e-mail").fill("ada");
      await page.getByLabel("Password").fill(password);
      await page.getByRole("button", { name: "Sign in" }).click();
      await expect(page).toHaveURL(`${paddock.url}/account`);
      await expect(sessions).toHaveCount(1);
    });
    console.expectSilent();
  });
});

test("a database stops, starts and restarts", async ({ page, paddock, console }) => {
  await createFirstAccount(page, paddock);
  await createApp(page, paddock, "shared");
  await page.goto(`${paddock.url}/apps/shared`);
  await addDatabase(page, "shared", "Sandbox");
  const address = page.url();
  for (const [verb, button, after] of [
    ["Stop", /^Stop now/, "Stopped"],
    [null, /^Start/, "Running"],
    ["Restart", /^Restart now/, "Running"],
  ] as const) {
    await page.goto(`${address}/settings`);
    if (verb) await page.locator("summary", { hasText: verb }).first().click();
    await page.getByRole("button", { name: button }).click();
    await expect(page).toHaveURL(/\/operations\/op-/);
    await expectDone(page);
    // A server that does not answer at once is not called running.
    await expect(async () => {
      await page.goto(address);
      await expect(page.getByRole("main").getByText(after, { exact: true }).first()).toBeVisible(soon);
    }).toPass({ timeout: 60_000 });
  }
  console.expectSilent();
});

test.describe("a session that is a minute old", () => {
  test.use({ settings: { PADDOCK_SESSION_FRESH_MINUTES: "1" } });

  test("shows its password again before it deletes", async ({ page, paddock, console }) => {
    await createFirstAccount(page, paddock);
    await createApp(page, paddock, "shop");
    const settings = `${paddock.url}/apps/shop/settings`;
    // What is typed survives where the scripts have kept it.
    const remove = async (typed?: string) => {
      await ready(page);
      if (typed) await page.getByLabel("Type shop to confirm").fill(typed);
      await page.getByRole("button", { name: "Delete app" }).click();
    };
    await expect(async () => {
      await page.goto(settings);
      await remove("not the name");
      await expect(page).toHaveURL(/\/account\/confirm\?next=/, soon);
    }).toPass({ timeout: 150_000, intervals: [5_000] });
    await expectAccessible(page, "the password again");

    await page.getByRole("textbox", { name: "Password" }).fill("not the password");
    await page.getByRole("button", { name: "Confirm" }).click();
    await expect(page.getByRole("alert")).toContainText("This is not your password.");
    await ready(page);
    await page.getByRole("textbox", { name: "Password" }).fill(password);
    await page.getByRole("button", { name: "Confirm" }).click();

    await expect(page).toHaveURL(/\/apps\/shop\/settings/);
    await expect(page.getByRole("alert")).toContainText("press the button once more");
    await expect(page.getByLabel("Type shop to confirm")).toHaveValue("not the name");
    await remove();
    await expect(page.getByRole("alert")).toContainText("Type shop");
    await remove("shop");
    await expect(page).toHaveURL(/\/apps$/);
    await expect(page.getByText("shop is deleted.")).toBeVisible();
    console.expectSilent();
  });
});
