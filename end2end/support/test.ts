// `test` as the specs use it: each has a Paddock of its own, begun with the set-up link, and a console that is listened to.
import { test as base } from "@playwright/test";
import { Console } from "./accessible.ts";
import { Paddock } from "./paddock.ts";
import { withoutScripts } from "./pages.ts";

export { expect, type Page } from "@playwright/test";

interface Given {
  /** Settings of the Paddock, as its environment has them. */
  settings: Record<string, string>;
  paddock: Paddock;
  /** What the page complains of. */
  console: Console;
}

export const test = base.extend<Given>({
  settings: [{}, { option: true }],
  paddock: [
    async ({ settings }, use) => {
      const paddock = await Paddock.start(settings);
      try {
        await use(paddock);
      } finally {
        await paddock.stop();
      }
    },
    { timeout: 300_000 },
  ],
  page: async ({ page, javaScriptEnabled }, use) => {
    if (!javaScriptEnabled) withoutScripts.add(page);
    await use(page);
  },
  console: async ({ page, javaScriptEnabled }, use) => use(new Console(page, javaScriptEnabled)),
});

/** The same in a browser with JavaScript and in one without. */
export function withAndWithoutJavaScript(tests: (javaScriptEnabled: boolean) => void) {
  for (const javaScriptEnabled of [true, false]) {
    test.describe(javaScriptEnabled ? "with JavaScript" : "without JavaScript", () => {
      test.use({ javaScriptEnabled });
      tests(javaScriptEnabled);
    });
  }
}
