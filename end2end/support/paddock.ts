// A Paddock of its own: the executable that `scripts/build.sh test` made, an empty data directory, a free port.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync, rmdirSync, existsSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
export const target = process.env.CARGO_TARGET_DIR ?? join(root, "target");
export const versions = process.env.PADDOCK_TEST_VERSIONS ?? join(target, "versions");

/// Another one may hold the lock of the system's users for a moment.
async function removeUser(name: string) {
  for (let tries = 0; ; tries++) {
    try {
      return execFileSync("userdel", [name], { stdio: "ignore" });
    } catch (error) {
      if (tries === 50) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

export class Paddock {
  readonly url: string;
  readonly setupLink: string;
  readonly data: string;
  private readonly child: ChildProcess;

  private constructor(url: string, setupLink: string, data: string, child: ChildProcess) {
    this.url = url;
    this.setupLink = setupLink;
    this.data = data;
    this.child = child;
  }

  /** With settings of its own, as the environment has them. */
  static async start(settings: Record<string, string> = {}): Promise<Paddock> {
    // Short: the path of a Unix socket has 107 bytes.
    const data = mkdtempSync("/tmp/pdk-");
    chmodSync(data, 0o711);
    const [port, first] = [await freePort(), 40_000 + Math.floor(Math.random() * 20_000)];
    const url = `http://127.0.0.1:${port}`;
    const child = spawn(join(target, "debug/paddock"), ["serve"], {
      env: {
        ...process.env,
        PADDOCK_DATA_ROOT: data,
        PADDOCK_HTTP_LISTEN: `127.0.0.1:${port}`,
        PADDOCK_HTTP_PUBLIC_URL: url,
        PADDOCK_ENGINE_FIRST_PORT: String(first),
        PADDOCK_ENGINE_LAST_PORT: String(first + 50),
        PADDOCK_ENGINE_POOL: "1",
        // What it puts into the kernel would outlive the test.
        PADDOCK_ENGINE_FIREWALL: "false",
        PADDOCK_ENGINE_VERSION_DIRS: versions,
        // Tests run beside each other: a dump would rest for most of the time.
        PADDOCK_BACKUPS_MAKE_WAY_MINUTES: "0",
        ...settings,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const output: string[] = [];
    const link = await new Promise<string>((resolve, reject) => {
      const read = (chunk: Buffer) => {
        output.push(chunk.toString());
        const found = /(http:\/\/\S+\/setup\?token=\S+)/.exec(output.join(""));
        if (found) resolve(found[1]);
      };
      child.stdout.on("data", read);
      child.stderr.on("data", read);
      child.on("exit", (code) => reject(new Error(`paddock ended with ${code}:\n${output.join("")}`)));
      setTimeout(() => reject(new Error(`no set-up link in 180 s:\n${output.join("")}`)), 180_000);
    });
    return new Paddock(url, link, data, child);
  }

  /// Runs the executable beside the server, as an operator would; answers what it says.
  command(args: string[]): string {
    const env = { ...process.env, PADDOCK_DATA_ROOT: this.data };
    return execFileSync(join(target, "debug/paddock"), args, { env, encoding: "utf8" });
  }

  /// Ends the control plane and every PostgreSQL that it started, then removes what it wrote.
  async stop() {
    const gone = new Promise((resolve) => this.child.on("exit", resolve));
    this.child.kill("SIGTERM");
    await gone;
    for (const pid of this.postmasters()) {
      try {
        process.kill(pid, "SIGQUIT");
        while (existsSync(`/proc/${pid}`) && !zombie(pid)) await new Promise((r) => setTimeout(r, 50));
      } catch {
        // It ended by itself.
      }
    }
    this.removeGroups();
    for (const user of this.systemUsers()) await removeUser(user);
    // The last process of a server may still write while its directory is emptied.
    rmSync(this.data, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }

  /// Process ids of the servers whose data directory lies below ours, proven by their working directory.
  postmasters(): number[] {
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((pid) => {
        try {
          const command = readFileSync(`/proc/${pid}/cmdline`, "utf8");
          return command.includes("postgres") && command.includes(`-D\0${this.data}/`);
        } catch {
          return false;
        }
      });
  }

  /// The empty control groups of our databases, below our own group: their names carry the databases' ids.
  private removeGroups() {
    const ids = ["nodes", "trash"].map((place) => join(this.data, place)).filter((dir) => existsSync(dir));
    const ours = ids.flatMap((dir) => readdirSync(dir)).map((id) => `paddock-${id}-`);
    for (const line of readFileSync("/proc/self/cgroup", "utf8").trim().split("\n")) {
      const [, controller, group] = line.split(":");
      const parent = join("/sys/fs/cgroup", controller, group);
      if (!existsSync(parent)) continue;
      for (const name of readdirSync(parent).filter((name) => ours.some((prefix) => name.startsWith(prefix)))) {
        try {
          rmdirSync(join(parent, name));
        } catch {
          // A process of it has not been reaped yet: the group is empty and harmless.
        }
      }
    }
  }

  /// The system users that Paddock made for its clusters: each identity file names one.
  private systemUsers(): string[] {
    if (process.getuid?.() !== 0) return [];
    const files = (readdirSync(this.data, { recursive: true }) as string[]).filter((f) => f.endsWith("/identity.json"));
    const users = files.map((file) => JSON.parse(readFileSync(join(this.data, file), "utf8")).os_user?.name);
    return users.filter((user): user is string => typeof user === "string");
  }
}

function zombie(pid: number): boolean {
  try {
    return /\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return true;
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => (typeof address === "object" && address ? resolve(address.port) : reject(new Error("no port"))));
    });
  });
}

/// Runs psql of the newest installed version with a URL, answers what it printed.
export function psql(url: string, sql: string, env: Record<string, string> = {}): string {
  return execFileSync(tool("psql"), ["-XAtq", url, "-c", sql], { encoding: "utf8", env: { ...process.env, ...env } }).trim();
}

/// A tool of the newest installed version.
export function tool(name: string): string {
  return join(versions, installed()[0], "bin", name);
}

/// The versions that tests use, newest first.
function installed(): string[] {
  return readdirSync(versions).filter((name) => /^\d+\.\d+$/.test(name)).sort((a, b) => Number(b) - Number(a));
}
