// What a newcomer does, in words that tests read as sentences. Everything works with and without JavaScript.
import { spawn, type ChildProcess } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, type Page } from "@playwright/test";
import { versions, type Paddock } from "./paddock.ts";

export const password = "a long enough password";

export async function createFirstAccount(page: Page, paddock: Paddock) {
  await page.goto(paddock.setupLink);
  await page.getByLabel("E-mail").fill("ada@example.org");
  await page.getByLabel("User name").fill("ada");
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page).toHaveURL(/\/apps$/);
}

export async function signIn(page: Page, paddock: Paddock, name = "ada") {
  await page.goto(`${paddock.url}/login`);
  await page.getByLabel("User name or e-mail").fill(name);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page).toHaveURL(/\/apps$/);
}

export async function createApp(page: Page, paddock: Paddock, name: string) {
  await page.goto(`${paddock.url}/apps/new`);
  await page.getByLabel("Name").fill(name);
  await page.getByRole("button", { name: "Create app" }).click();
  await expect(page).toHaveURL(new RegExp(`/apps/${name}$`));
}

/// Adds PostgreSQL by clicking a plan, waits on the operation's page, and ends on the database's page.
export async function addDatabase(page: Page, app: string, plan: string): Promise<string> {
  await page.getByRole("link", { name: "Add a database" }).first().click();
  await expect(page).toHaveURL(new RegExp(`/apps/${app}/addons/new`));
  await page.getByRole("radio", { name: new RegExp(plan) }).check();
  await page.getByRole("button", { name: "Create database" }).click();
  await expect(page).toHaveURL(/\/operations\/op-/);
  await expectDone(page);
  await page.getByRole("main").getByRole("link", { name: new RegExp(`${app.replaceAll("-", "_")}_\\d+`) }).first().click();
  await expect(page).toHaveURL(/\/databases\/ad-/);
  const name = await page.getByRole("heading", { level: 1 }).innerText();
  return name.trim();
}

/// From a fresh installation to the page of a database: the first account, the app `my-app`, its database.
export async function firstDatabase(page: Page, paddock: Paddock, plan = "Starter 512M") {
  await createFirstAccount(page, paddock);
  await createApp(page, paddock, "my-app");
  const name = await addDatabase(page, "my-app", plan);
  return { name, address: page.url().replace(/[?#].*/, "") };
}

/// Waits on an operation's page until it says that it is done; without JavaScript the page refreshes itself.
export async function expectDone(page: Page) {
  await expect(page.getByRole("main").getByText("Done", { exact: true }).first()).toBeVisible({ timeout: 180_000 });
}

/// The URL with its password, from the app's environment.
export async function urlOf(page: Page, paddock: Paddock, app = "my-app"): Promise<string> {
  await page.goto(`${paddock.url}/apps/${app}/environment?view=resolved&reveal=1`);
  const text = await page.getByRole("main").innerText();
  const url = /postgresql:\/\/\S+/.exec(text)?.[0];
  expect(url, text).toBeTruthy();
  return url!;
}

/// A session that says one thing and stays until it is ended.
export function talk(url: string, sql: string): ChildProcess {
  const psql = spawn(join(versions, newest(), "bin/psql"), ["-XAtq", url], { stdio: ["pipe", "ignore", "ignore"] });
  psql.stdin!.write(`${sql};\n`);
  return psql;
}

/// Says the same again and again until it is cut off; answers how many rows came back.
export async function write(url: string, sql: string): Promise<number> {
  const psql = spawn(join(versions, newest(), "bin/psql"), ["-XAtq", url], { stdio: ["pipe", "pipe", "ignore"] });
  let said = "";
  psql.stdout!.on("data", (chunk: Buffer) => (said += chunk.toString()));
  psql.stdin!.end(`${sql} \\watch 0.02\n`);
  await new Promise((resolve) => psql.on("exit", resolve));
  return said.split("\n").filter((line) => /^\d+$/.test(line)).length;
}

function newest(): string {
  return readdirSync(versions).filter((name) => /^\d+\.\d+$/.test(name)).sort((a, b) => Number(b) - Number(a))[0];
}
