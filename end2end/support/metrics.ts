// The metrics page, in words that tests read as sentences.
import { expect, type Locator, type Page } from "@playwright/test";

/// The panel of a chart.
export function panel(page: Page, title: string): Locator {
  return page.getByRole("region", { name: title, exact: true });
}

/// Loads the page until something was recorded: the first values come within ten seconds, and a line needs two of them.
export async function waitForValues(page: Page, url: string) {
  await expect(async () => {
    await page.goto(url);
    await expect(panel(page, "Connections").locator(".plot .line").first()).toBeAttached({ timeout: 500 });
  }).toPass({ timeout: 60_000, intervals: [2_000] });
}

/// What a chart was drawn from: for each series the value of each step, `null` where nothing was seen.
export async function values(chart: Locator): Promise<(number | null)[][]> {
  const packed = await chart.locator(".chart-plot").getAttribute("data-values");
  return (packed ?? "").split(";").map((series) => series.split(",").map((value) => (value === "" ? null : Number(value))));
}

/// A number as the table writes it: three digits that matter.
export function told(value: number | null): string {
  if (value === null) return "—";
  if (Math.abs(value) < 0.005) return "0";
  const text = value < 1 ? value.toFixed(2) : value < 10 ? value.toFixed(1) : value.toFixed(0);
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}
