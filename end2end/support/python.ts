// Clients in Python, run by the interpreter that scripts/setup.sh made below target/tools.
import { execFileSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { target } from "./paddock.ts";

const here = dirname(fileURLToPath(import.meta.url));

/// Runs a script beside this file: `told` is its input, what it prints its answer, both as JSON.
export function python(script: string, told: unknown): unknown {
  const interpreter = join(target, "tools/python/bin/python3");
  const input = JSON.stringify(told);
  return JSON.parse(execFileSync(interpreter, [join(here, script)], { encoding: "utf8", input, timeout: 60_000 }));
}
