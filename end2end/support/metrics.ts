// The metrics page, in words that tests read as sentences.
import { expect, type Locator, type Page } from "@playwright/test";
import { soon } from "./pages.ts";

/// The panel of a chart.
export function panel(page: Page, title: string): Locator {
  return page.getByRole("region", { name: title, exact: true });
}

/// Loads the page until something was recorded: the first values come within ten seconds, and a line needs two of them.
export async function waitForValues(page: Page, url: string) {
  await expect(async () => {
    await page.goto(url);
    await expect(panel(page, "Connections").locator(".plot .line").first()).toBeAttached(soon);
  }).toPass({ timeout: 180_000, intervals: [2_000] });
}

/// What a chart was drawn from: for each series the value of each step, `null` where nothing was seen.
export async function values(chart: Locator): Promise<(number | null)[][]> {
  return unpacked(await chart.locator(".chart-plot").getAttribute("data-values"));
}

/// What a chart was drawn from, and each row of its table: the step, and what its cells say. Both are read at once: the
/// open page draws its charts anew every few seconds, and moves their steps.
export async function valuesAndRows(chart: Locator) {
  const { packed, rows } = await chart.evaluate((panel) => ({
    packed: panel.querySelector(".chart-plot")?.getAttribute("data-values") ?? null,
    rows: [...panel.querySelectorAll("table.figures tbody tr")].map((row) => ({
      step: Number(row.getAttribute("data-step")),
      cells: [...row.querySelectorAll("td")].map((cell) => cell.innerText),
    })),
  }));
  return { drawn: unpacked(packed), rows };
}

/// Unfolds the table of a chart; without scripts the page may have been loaded anew since, and be folded again.
export async function unfoldTable(chart: Locator) {
  await expect(async () => {
    const table = chart.locator("table.figures");
    if (!(await table.isVisible())) await chart.locator("summary", { hasText: "Table" }).click();
    await expect(table).toBeVisible(soon);
  }).toPass({ timeout: 60_000 });
}

function unpacked(packed: string | null): (number | null)[][] {
  return (packed ?? "").split(";").map((series) => series.split(",").map((value) => (value === "" ? null : Number(value))));
}

/// A number as the table writes it: three digits that matter.
export function told(value: number | null): string {
  if (value === null) return "—";
  if (Math.abs(value) < 0.005) return "0";
  const text = value < 1 ? value.toFixed(2) : value < 10 ? value.toFixed(1) : value.toFixed(0);
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}
