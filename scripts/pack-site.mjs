// Gives pkg/NAME.{js,wasm,css} content hashes in their names and compresses every file that gains from it.
// Prints leptos' hash.txt ("js: H" per line). Usage: node pack-site.mjs SITE NAME
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const [site, name] = process.argv.slice(2);

for (const kind of ["js", "wasm", "css"]) {
  const path = join(site, "pkg", `${name}.${kind}`);
  const hash = createHash("sha256").update(readFileSync(path)).digest("hex").slice(0, 16);
  renameSync(path, join(site, "pkg", `${name}.${hash}.${kind}`));
  console.log(`${kind}: ${hash}`);
}

for (const file of readdirSync(site, { recursive: true })) {
  if (!/\.(js|wasm|css|svg|txt)$/.test(file)) continue;
  const path = join(site, file);
  const data = readFileSync(path);
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: data.length };
  writeFileSync(`${path}.br`, brotliCompressSync(data, { params }));
  writeFileSync(`${path}.gz`, gzipSync(data, { level: 9 }));
}
