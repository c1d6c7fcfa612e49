// Pages that are not ready yet, and pages that told something too early.
import { expect, type Page } from "@playwright/test";

/// Pages that run no scripts; the fixture of the page puts them here.
export const withoutScripts = new WeakSet<Page>();

/// Waits until the page's scripts listen. It looks whole before that: a press of what only a script answers would be
/// lost, and the focus may still be moved while somebody types.
export async function ready(page: Page) {
  if (!withoutScripts.has(page)) await expect(page.locator("html[data-ready]")).toBeAttached();
}

/// For one look at a page that is there already, where a later look follows.
export const soon = { timeout: 2_000 };

/// Looks at a page, and loads it again until it tells what is expected: the server asks a busy database for a moment
/// only, an act may take effect a little after its answer, and not every page renews itself.
export async function untilTold(page: Page, look: () => Promise<void>) {
  let loaded = true;
  await expect(async () => {
    if (!loaded) await page.reload();
    loaded = false;
    await look();
  }).toPass({ timeout: 120_000 });
}
