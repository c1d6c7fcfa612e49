// What every page must be: axe finds nothing, nothing is wider than the window, the console stays silent.
import AxeBuilder from "@axe-core/playwright";
import { expect, type Page } from "@playwright/test";

const rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

/// What axe finds. A page that follows something live may load itself again in the middle: then it is looked at once more.
async function violationsOn(page: Page) {
  for (let tries = 1; ; tries++) {
    try {
      return (await new AxeBuilder({ page }).withTags(rules).analyze()).violations;
    } catch (error) {
      if (tries === 3 || !/Execution context was destroyed/.test(String(error))) throw error;
      await page.waitForLoadState();
    }
  }
}

/// Light and dark, wide and 320 px: axe finds nothing and the page does not scroll sideways.
export async function expectAccessible(page: Page, what: string) {
  for (const colorScheme of ["light", "dark"] as const) {
    for (const width of [1280, 320]) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await page.setViewportSize({ width, height: width === 320 ? 640 : 900 });
      const violations = await violationsOn(page);
      const found = violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(" ")).join(", ")}`);
      expect(found, `${what}, ${colorScheme}, ${width} px`).toEqual([]);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      expect(wide, `${what} is wider than ${width} px`).toBeLessThanOrEqual(0);
    }
  }
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize({ width: 1280, height: 900 });
}

/// Collects what a page complains of; `expectSilent` at the end of the test.
export class Console {
  private readonly said: string[] = [];

  /// `scripts`: whether the browser runs any; without them it reports every script that it leaves out.
  constructor(page: Page, scripts = true) {
    page.on("console", (message) => {
      // A busy machine draws the first letters later than the browser likes: that says nothing about the page.
      if (/was preloaded using link preload but not used within a few seconds/.test(message.text())) return;
      if (["error", "warning"].includes(message.type())) this.said.push(`${message.type()}: ${message.text()}`);
    });
    page.on("pageerror", (error) => this.said.push(`page error: ${error.message}`));
    page.on("requestfailed", (request) => {
      // Leaving a page ends its event stream: that is no failure.
      const aborted = request.failure()?.errorText === "net::ERR_ABORTED";
      const leftOut = !scripts && request.resourceType() === "script";
      if (!aborted && !leftOut) this.said.push(`failed: ${request.url()} ${request.failure()?.errorText}`);
    });
  }

  /// `but`: what the test provoked on purpose, such as an answer with the status of a refusal.
  expectSilent(but?: RegExp) {
    expect(this.said.filter((line) => !but?.test(line))).toEqual([]);
  }
}
