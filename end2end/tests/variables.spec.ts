// What an app reads: its variables, set, resolved, hidden and deleted; and its restart hook, called by what happens to
// its database, with the result shown where people look for it. With JavaScript and without.
import { createHmac } from "node:crypto";
import { createServer, type IncomingHttpHeaders } from "node:http";
import { expectAccessible } from "../support/accessible.ts";
import { ready } from "../support/pages.ts";
import { addDatabase, createApp, createFirstAccount, expectDone } from "../support/steps.ts";
import { expect, type Page, test, withAndWithoutJavaScript } from "../support/test.ts";

withAndWithoutJavaScript((javaScriptEnabled) => {
  test("variables are set, changed, resolved, hidden and deleted", async ({ page, paddock, console }) => {
    await createFirstAccount(page, paddock);
    await createApp(page, paddock, "my-app");
    const environment = `${paddock.url}/apps/my-app/environment`;
    await page.getByRole("link", { name: "Environment", exact: true }).click();
    await expect(page).toHaveURL(environment);
    await expect(page.getByText("No variables yet.")).toBeVisible();

    await test.step("a bad name is refused at its field", async () => {
      await ready(page);
      const name = page.getByLabel("Name", { exact: true });
      await name.fill("MY-REGION");
      await page.getByLabel("Value", { exact: true }).fill("eu-west");
      await page.getByRole("button", { name: "Set variable" }).click();
      await expect(page.getByRole("alert")).toContainText("only letters, digits and underscores");
      await expect(page.locator("#add-name-error")).toHaveText("A variable's name has only letters, digits and underscores.");
      await expect(name).toHaveAttribute("aria-invalid", "true");
      await expect(name).toHaveAttribute("aria-describedby", /add-name-error/);
      await expect(page.getByText("No variables yet.")).toBeVisible();
      if (!javaScriptEnabled) return;
      await expect(page.getByRole("alert")).toBeFocused();
      await expect(name).toHaveValue("MY-REGION");
      await expectAccessible(page, "a variable that is refused");
    });

    await test.step("set", async () => {
      await set(page, "REGION", "eu-west");
      await expect(page.locator("[aria-invalid=true]")).toHaveCount(0);
      await set(page, "BUCKET_REGION", "$REGION");
      await set(page, "NOTE", "in $REGION");
      for (const [name, value] of [["REGION", "eu-west"], ["BUCKET_REGION", "$REGION"], ["NOTE", "in $REGION"]]) {
        await expect(valueOf(page, name)).toHaveText(value);
        await expect(row(page, name)).toContainText("people");
      }
    });

    await test.step("resolved, and as written again", async () => {
      const switches = page.getByRole("navigation", { name: "Show values" });
      await switches.getByRole("link", { name: "Resolved" }).click();
      await expect(page).toHaveURL(`${environment}?view=resolved`);
      await expect(switches.locator("[aria-current]")).toHaveText("Resolved");
      await expect(valueOf(page, "BUCKET_REGION")).toHaveText("eu-west");
      // A reference is the whole value; in the middle of text it is text.
      await expect(valueOf(page, "NOTE")).toHaveText("in $REGION");
      await switches.getByRole("link", { name: "As written" }).click();
      await expect(valueOf(page, "BUCKET_REGION")).toHaveText("$REGION");
    });

    await test.step("changed: what refers to it follows", async () => {
      await row(page, "REGION").getByRole("link", { name: "Change REGION" }).click();
      await expect(page.getByRole("heading", { name: "Change REGION" })).toBeVisible();
      await ready(page);
      const value = page.locator("#change").getByLabel("Value");
      await expect(value).toHaveValue("eu-west");
      if (javaScriptEnabled) await expectAccessible(page, "a variable that is changed");
      await value.fill("eu-north");
      await page.getByRole("button", { name: "Change value" }).click();
      await expect(page.getByText("The value is changed. The app reads it at its next start.")).toBeVisible();
      await expect(page.locator("#change")).toHaveCount(0);
      await expect(valueOf(page, "REGION")).toHaveText("eu-north");
      await page.goto(`${environment}?view=resolved`);
      await expect(valueOf(page, "BUCKET_REGION")).toHaveText("eu-north");
      // A name that exists gets the new value.
      await set(page, "REGION", "eu-south");
      await expect(valueOf(page, "REGION")).toHaveText("eu-south");
      await expect(rows(page)).toHaveCount(3);
    });

    await test.step("a secret is not on the page until it is asked for", async () => {
      await set(page, "API_TOKEN", "swordfish");
      await set(page, "REDIS_AUTH", "$API_TOKEN");
      await expect(valueOf(page, "API_TOKEN")).toHaveText("••••••••");
      expect(await page.content()).not.toContain("swordfish");
      // Nor where another one stands for it.
      await page.goto(`${environment}?view=resolved`);
      await expect(valueOf(page, "REDIS_AUTH")).toHaveText("••••••••");
      expect(await page.content()).not.toContain("swordfish");
      await page.goto(environment);
      await page.getByRole("link", { name: "Show secrets" }).click();
      await expect(page).toHaveURL(`${environment}?reveal=1`);
      await expect(valueOf(page, "API_TOKEN")).toHaveText("swordfish");
      await page.getByRole("link", { name: "Hide secrets" }).click();
      await expect(valueOf(page, "API_TOKEN")).toHaveText("••••••••");
    });

    await test.step("deleted: what referred to it is as it was written", async () => {
      await row(page, "REGION").locator("summary", { hasText: "Delete" }).click();
      await expect(page.getByText("Delete REGION? Its value is not kept.")).toBeVisible();
      await row(page, "REGION").getByRole("button", { name: "Delete variable" }).click();
      await expect(page.getByText("The variable is deleted. The app notices at its next start.")).toBeVisible();
      await expect(row(page, "REGION")).toHaveCount(0);
      await page.goto(`${environment}?view=resolved`);
      await expect(rows(page)).toHaveCount(4);
      await expect(valueOf(page, "BUCKET_REGION")).toHaveText("$REGION");
    });
    console.expectSilent();
  });

  test("a restart hook is set, called, and tells how it went", async ({ page, paddock, console }) => {
    const app = await receiver();
    await createFirstAccount(page, paddock);
    await createApp(page, paddock, "my-app");
    const settings = `${paddock.url}/apps/my-app/settings`;

    await test.step("what cannot be called is refused at its field", async () => {
      await page.goto(settings);
      await ready(page);
      await page.getByLabel("URL", { exact: true }).fill("http://169.254.169.254/latest");
      await page.getByRole("button", { name: "Save hook" }).click();
      await expect(page.locator("#hook-url-error")).toHaveText("This address is not called: use the address of your app.");
      if (javaScriptEnabled) await expect(page.getByLabel("URL", { exact: true })).toHaveValue("http://169.254.169.254/latest");
      await ready(page);
      await page.getByLabel("URL", { exact: true }).fill(app.url);
      await page.getByLabel("Or run on this host").fill("true");
      await page.getByRole("button", { name: "Save hook" }).click();
      await expect(page.locator("#hook-command-error")).toContainText("The command begins with the full path of a program");
      if (!javaScriptEnabled) return;
      await expect(page.getByLabel("Or run on this host")).toHaveValue("true");
      await expect(page.getByLabel("URL", { exact: true })).toHaveValue(app.url);
    });

    const secret = await test.step("a webhook and a command of the operator's; the signing secret is shown once", async () => {
      await save(page, app.url, "/bin/true");
      const told = await page.getByRole("textbox", { name: "Signing secret" }).inputValue();
      expect(told).toMatch(/^whsec_/);
      if (javaScriptEnabled) await expectAccessible(page, "a hook's secret");
      await page.goto(settings);
      await expect(page.getByRole("textbox", { name: "Signing secret" })).toHaveCount(0);
      expect(await page.content()).not.toContain(told);
      await expect(page.getByLabel("URL", { exact: true })).toHaveValue(app.url);
      await expect(page.getByLabel("Or run on this host")).toHaveValue("/bin/true");
      await expect(calls(page)).toHaveCount(0);
      return told;
    });

    const database = await test.step("a database that is created calls both", async () => {
      await page.goto(`${paddock.url}/apps/my-app`);
      const name = await addDatabase(page, "my-app", "Sandbox");
      const address = page.url().replace(/[?#].*/, "");
      expect(app.calls).toHaveLength(1);
      const [{ headers, body }] = app.calls;
      const operation = headers["webhook-id"];
      const signed = createHmac("sha256", Buffer.from(secret.replace("whsec_", ""), "base64"));
      signed.update(`${operation}.${headers["webhook-timestamp"]}.${body}`);
      expect(headers["webhook-signature"]).toBe(`v1,${signed.digest("base64")}`);
      expect(JSON.parse(body)).toMatchObject({
        type: "database.created",
        data: { app: "my-app", database: name, addon_id: address.split("/").at(-1), operation_id: operation },
      });
      await page.goto(`${paddock.url}/operations/${operation}`);
      await expect(told(page)).toContainText("webhook taken: 200 OK; command taken: exit status 0");
      return address;
    });

    await test.step("the hook's panel has the calls, and leads to the operation", async () => {
      await page.goto(settings);
      await expect(calls(page)).toHaveCount(2);
      await expect(call(page, "webhook")).toContainText(/200 OK in \d/);
      await expect(call(page, "command")).toContainText(/exit status 0 in \d/);
      if (javaScriptEnabled) await expectAccessible(page, "a hook's calls");
      await call(page, "command").getByRole("link", { name: "Operation" }).click();
      await expect(page).toHaveURL(`${paddock.url}/operations/${app.calls[0].headers["webhook-id"]}`);
    });

    await test.step("one that is not taken is called again, and a restart does not fail for it", async () => {
      await page.goto(settings);
      await save(page, app.url, "/bin/false");
      await expect(page.getByText("The restart hook is saved.")).toBeVisible();
      await expect(page.getByRole("textbox", { name: "Signing secret" }), "the URL is the same").toHaveCount(0);
      app.refuseNext();
      await page.goto(`${database}/settings`);
      await page.locator("summary", { hasText: "Restart" }).click();
      await page.getByRole("button", { name: "Restart now" }).click();
      await expect(page).toHaveURL(/\/operations\/op-/);
      await expectDone(page);
      await expect(told(page)).toContainText("webhook taken: 200 OK; command not taken: exit status 1");
      expect(app.calls.map(({ body }) => JSON.parse(body).type).slice(1)).toEqual(["database.restarted", "database.restarted"]);
      const [first, second] = app.calls.slice(1).map(({ headers }) => headers["webhook-id"]);
      expect(second).toBe(first);
      expect(page.url()).toBe(`${paddock.url}/operations/${first}`);
      await page.goto(settings);
      await expect(calls(page)).toHaveCount(4);
      await expect(call(page, "command").first()).toContainText("exit status 1");
      await expect(call(page, "command").first().locator(".state")).toHaveAttribute("data-tone", "err");
      await expect(call(page, "webhook").first().locator(".state")).toHaveAttribute("data-tone", "ok");
    });

    await test.step("switched off", async () => {
      await save(page, "", "");
      await expect(page.getByText("The restart hook is saved.")).toBeVisible();
      await expect(page.getByLabel("URL", { exact: true })).toHaveValue("");
      await expect(page.getByLabel("Or run on this host")).toHaveValue("");
    });
    await app.close();
    console.expectSilent();
  });
});

/// Fills the form below the table, and waits for the page that says that it is done.
async function set(page: Page, name: string, value: string) {
  await ready(page);
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.locator("#add").getByLabel("Value").fill(value);
  await page.getByRole("button", { name: "Set variable" }).click();
  await expect(page.getByText(`${name} is set. The app reads it at its next start.`)).toBeVisible();
}

function rows(page: Page) {
  return page.getByRole("table", { name: "Environment variables" }).locator("tbody tr");
}

function row(page: Page, name: string) {
  return rows(page).filter({ has: page.getByRole("rowheader", { name, exact: true }) });
}

function valueOf(page: Page, name: string) {
  return row(page, name).locator("td.value");
}

/// Saves the hook on the app's settings page.
async function save(page: Page, url: string, command: string) {
  await ready(page);
  await page.getByLabel("URL", { exact: true }).fill(url);
  await page.getByLabel("Or run on this host").fill(command);
  await page.getByRole("button", { name: "Save hook" }).click();
}

/// The hook's step on an operation's page.
function told(page: Page) {
  return page.locator(".steps li", { hasText: "Tell my-app through its hook" });
}

/// The last calls on the app's settings page, newest first.
function calls(page: Page) {
  return page.getByRole("table", { name: "Last calls of the hook" }).locator("tbody tr");
}

function call(page: Page, how: "webhook" | "command") {
  return calls(page).filter({ has: page.getByRole("cell", { name: how, exact: true }) });
}

/// An app that listens for the hook, and takes each call unless it was told to refuse the next one.
async function receiver() {
  const calls: { headers: IncomingHttpHeaders; body: string }[] = [];
  let refused = 0;
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      calls.push({ headers: request.headers, body });
      response.writeHead(refused-- > 0 ? 503 : 200, { connection: "close" }).end();
    });
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  if (typeof address !== "object" || !address) throw new Error("no port");
  return {
    calls,
    url: `http://127.0.0.1:${address.port}/restart`,
    refuseNext: () => (refused = 1),
    close: () => new Promise((closed) => server.close(closed)),
  };
}
