// Users of a database and its extensions: made, used by real clients, changed, deleted; with JavaScript and without.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Client } from "pg";
import { expectAccessible } from "../support/accessible.ts";
import { psql } from "../support/paddock.ts";
import { ready } from "../support/pages.ts";
import { python } from "../support/python.ts";
import { firstDatabase, urlOf } from "../support/steps.ts";
import { expect, type Page, test, withAndWithoutJavaScript } from "../support/test.ts";

withAndWithoutJavaScript((javaScriptEnabled) => {
  test("a user is made, reads and writes, and goes; the password of the URL changes", async ({ page, paddock, console }) => {
    const { name, address: database } = await firstDatabase(page, paddock);
    const url = new URL(await urlOf(page, paddock));
    const ca = await (await fetch(`${paddock.url}/api/ca_certificate`)).text();

    await page.goto(database);
    await page.getByRole("link", { name: "Users", exact: true }).click();
    await expect(page).toHaveURL(`${database}/users`);
    await expect(page.getByRole("row", { name: new RegExp(`^${name} protected read-write scram-sha-256`) })).toBeVisible();
    if (javaScriptEnabled) await expectAccessible(page, "users");

    await test.step("what cannot be a user is told at its field", async () => {
      await page.getByLabel("User name").fill("x");
      await page.getByRole("button", { name: "Create user" }).click();
      await expect(page.getByText("The user name needs at least 6 characters; this has 1.").first()).toBeVisible();
    });

    const password = await test.step("one that only reads, with a password that is made up", async () => {
      await page.goto(`${database}/users`);
      await page.getByLabel("User name").fill("reporting");
      await page.getByLabel("Read-only").check();
      const command = page.locator("#new-user .command");
      await expect(command).toContainText("\\password");
      if (javaScriptEnabled) {
        await expect(command).toContainText('"name":"reporting","read_only":true');
        await expect(command).toContainText(`GRANT "${name}_ro" TO "reporting"`);
      }
      await page.getByRole("button", { name: "Create user" }).click();
      const told = await page.getByLabel("Password of reporting").inputValue();
      expect(told).toHaveLength(64);
      await page.reload();
      await expect(page.getByLabel("Password of reporting")).toHaveCount(0);
      await expect(page.getByRole("row", { name: /^reporting read-only scram-sha-256/ })).toBeVisible();
      return told;
    });
    await test.step("one that writes, with a password that is typed", async () => {
      await page.getByLabel("User name").fill("migrator");
      await page.getByLabel("Password", { exact: true }).fill("a typed password 1");
      await page.getByLabel("Password again").fill("a typed password 1");
      // That there is one is in the command, and it is not.
      const command = page.locator("#new-user .command");
      if (javaScriptEnabled) await expect(command).toContainText("read -rsp");
      await expect(command).not.toContainText("a typed password");
      await page.getByRole("button", { name: "Create user" }).click();
      await expect(page.getByLabel("Password of migrator")).toHaveValue("a typed password 1");
    });

    await test.step("Node's pg migrates and reads with a checked certificate", async () => {
      const as = (user: string, secret: string) =>
        new Client({
          host: url.hostname, port: Number(url.port), database: name, user, password: secret,
          ssl: { ca, rejectUnauthorized: true },
        });
      const owner = as(url.username, decodeURIComponent(url.password));
      await owner.connect();
      await owner.query("CREATE TABLE orders (id serial PRIMARY KEY, tags text); INSERT INTO orders (tags) VALUES ('a')");
      await owner.end();
      const migrator = as("migrator", "a typed password 1");
      await migrator.connect();
      await migrator.query("ALTER TABLE orders ADD COLUMN note text; CREATE TABLE later AS SELECT 1 AS n");
      await migrator.end();
      const reader = as("reporting", password);
      await reader.connect();
      expect((await reader.query("SELECT count(*)::int AS n FROM orders, later")).rows[0].n).toBe(1);
      await expect(reader.query("BEGIN READ WRITE; INSERT INTO later VALUES (2)")).rejects.toThrow("permission denied");
      await reader.end();
    });

    await test.step("Python's psycopg migrates and reads with a checked certificate", async () => {
      const file = join(paddock.data, "trusted.pem");
      writeFileSync(file, ca);
      const told = python("psycopg_client.py", {
        host: url.hostname, port: Number(url.port), database: name, ca: file,
        owner: { user: url.username, password: decodeURIComponent(url.password) },
        reader: { user: "reporting", password },
      });
      expect(told).toEqual({ tls: true, version: "TLSv1.3", rows: 11, heaviest: 10 });
    });

    await test.step("rights, and a gap that is closed", async () => {
      psql(`postgresql://migrator:a%20typed%20password%201@${url.host}/${name}`, "SET ROLE NONE; CREATE TABLE mine (n int)");
      await page.goto(`${database}/users/reporting`);
      await expect(page.getByText("No gaps: it may do with everything what it should.")).toBeVisible();
      if (javaScriptEnabled) await expectAccessible(page, "one user");
      await page.goto(`${database}/users`);
      await page.getByRole("link", { name, exact: true }).last().click();
      await expect(page.getByText(/^One object has a gap/)).toBeVisible();
      await page.getByRole("button", { name: "Close the gaps" }).click();
      await expect(page.getByText(/^The gaps are closed/)).toBeVisible();
      await expect(page.getByText("No gaps: it may do with everything what it should.")).toBeVisible();
    });

    await test.step("another password, and the way out", async () => {
      await page.goto(`${database}/users/reporting`);
      await page.getByRole("button", { name: "Change password" }).click();
      const next = await page.getByLabel("Password of reporting").inputValue();
      expect(next).not.toBe(password);
      await page.getByLabel("Type reporting to confirm").fill("somebody");
      await page.getByRole("button", { name: "Delete user" }).click();
      await expect(page.getByText("Type reporting to confirm.").first()).toBeVisible();
      await ready(page);
      await page.getByLabel("Type reporting to confirm").fill("reporting");
      await page.getByRole("button", { name: "Delete user" }).click();
      await expect(page.getByText(/^The user reporting is deleted/)).toBeVisible();
      await expect(page.getByRole("row", { name: /^reporting/ })).toHaveCount(0);
    });

    await test.step("the published password changes, and the old one works until everybody had time", async () => {
      await page.goto(`${database}/users/${name}`);
      await page.getByRole("button", { name: "Change password" }).click();
      await expect(page.getByRole("heading", { name: `Change the password of ${name}` })).toBeVisible();
      await expect(async () => {
        const now = new URL(await urlOf(page, paddock));
        expect(now.username).toBe(`${name}_b`);
        expect(psql(now.href, "SELECT session_user")).toBe(`${name}_b`);
      }).toPass({ timeout: 90_000 });
      expect(psql(url.href, "SELECT 1")).toBe("1");
    });

    await test.step("extensions are enabled and disabled, unless something depends on them", async () => {
      const now = await urlOf(page, paddock);
      await page.goto(`${database}/extensions`);
      await page.getByRole("button", { name: "Enable hstore" }).click();
      await expect(page.getByText(/^hstore 1\.\d is enabled\.$/)).toBeVisible();
      if (javaScriptEnabled) await expectAccessible(page, "extensions");
      psql(now, "CREATE EXTENSION IF NOT EXISTS hstore; CREATE EXTENSION IF NOT EXISTS citext; CREATE TABLE tagged (tags hstore)");
      await page.goto(`${database}/extensions`);
      await expect(page.getByRole("row", { name: /^hstore public/ })).toContainText("in use");
      await expect(page.getByRole("row", { name: /^citext public/ })).toBeVisible();
      psql(now, "DROP TABLE tagged");
      await page.reload();
      await page.getByRole("row", { name: /^hstore public/ }).locator("summary", { hasText: "Disable" }).click();
      await page.getByRole("button", { name: "Disable now" }).click();
      await expect(page.getByText("hstore is disabled.")).toBeVisible();
    });
    console.expectSilent();
  });
});
