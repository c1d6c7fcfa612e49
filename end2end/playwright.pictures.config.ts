// Pictures for the documents; no test.
import config from "./playwright.config.ts";

export default { ...config, testDir: "pictures" };
