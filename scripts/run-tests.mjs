// Builds every test and runs the executables two at a time: most of them wait for PostgreSQL. Those that take longest begin
// first. The wasm has no tests of its own, and its features would change the server: it is not built here.
//   node scripts/run-tests.mjs [cargo arguments, such as --features x]
// Ends after a failure: what runs beside it may finish, nothing else begins.
import { spawn } from "node:child_process";
import { basename, dirname } from "node:path";
import { createInterface } from "node:readline";

/** So many at a time: as many as CI has cores. */
const LANES = 2;
/** Minutes, each of them; the others follow as they were built. */
const LONG = ["paddock crash", "engine pitr", "engine grants", "engine attacks", "engine dumps"];
/** Minutes. Nobody waits longer for one: it hangs. A slow machine may take several times as long as a quick one. */
const limit = (name) => (LONG.includes(name) ? 45 : 25);

const cargo = ["test", "-q", "--locked", ...process.argv.slice(2)];

/** The test executables: `{ path, dir, name }`, in the order in which they were built. */
async function built() {
  const args = [...cargo, "--no-run", "--message-format=json-render-diagnostics"];
  const child = spawn("cargo", args, { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise((resolve) => child.on("close", resolve));
  const all = [];
  for await (const line of createInterface({ input: child.stdout })) {
    const told = JSON.parse(line);
    if (told.reason !== "compiler-artifact" || !told.executable || !told.profile.test) continue;
    const dir = dirname(told.manifest_path);
    const room = dir === process.cwd() ? "paddock" : basename(dir);
    all.push({ path: told.executable, dir, name: `${room} ${told.target.name}` });
  }
  if ((await ended) !== 0) process.exit(1);
  return all;
}

/** Runs one to its end; answers its exit status. What it says is told at the end, so that two do not mix. */
function run({ path, dir, name }) {
  const begun = Date.now();
  return new Promise((resolve) => {
    const child = spawn(path, ["-q"], {
      cwd: dir,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, CARGO_MANIFEST_DIR: dir },
    });
    const said = [];
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (piece) => said.push(piece));
    const hangs = setTimeout(() => {
      said.push(Buffer.from(`${name} did not end in ${limit(name)} minutes\n`));
      child.kill("SIGKILL");
    }, limit(name) * 60_000);
    let ended = false;
    const end = (status, signal) => {
      if (ended) return;
      ended = true;
      clearTimeout(hangs);
      const text = Buffer.concat(said).toString();
      const seconds = ((Date.now() - begun) / 1000).toFixed(1);
      // The line as cargo prints it: whoever counts tests looks for that.
      const result = text.match(/^test result: .*$/m)?.[0] ?? `ended with ${status ?? signal}`;
      process.stdout.write(`    ${name} (${seconds} s)\n${result}\n`);
      if (status !== 0) process.stdout.write(text);
      resolve(status === 0);
    };
    child.on("close", end);
    // A server that it left behind may hold the streams open.
    child.on("exit", (...how) => setTimeout(end, 2000, ...how));
  });
}

const all = await built();
const rank = ({ name }) => (LONG.includes(name) ? LONG.indexOf(name) : LONG.length);
all.sort((a, b) => rank(a) - rank(b));
let failed = false;
async function lane() {
  while (all.length > 0 && !failed) {
    if (!(await run(all.shift()))) failed = true;
  }
}
await Promise.all(Array.from({ length: LANES }, lane));
process.exit(failed ? 1 : 0);
