/** The three tools: how each is installed, and the command that brings the hosts to what is desired. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { operatorEnvironment } from "../../lab/commands/run";
import { operatorArgv } from "../../lab/lab-process";
import { cacheDir, type InstancePaths, projectRoot } from "../../lab/paths";
import { run } from "../../lab/process";
import { quietHome } from "./home";
import type { Command } from "./measure";
import { ansibleFiles, type Files, pyinfraFiles } from "./peers";
import type { Desired } from "./workload";

/**
 * A tool as the benchmark runs it. `ours` verifies every host and then runs the program (`up --refresh`),
 * `ours-one-pass` verifies each role when the program comes to it (`up --refresh --run-program`), `ours-trusting`
 * believes its state (`up`).
 */
export type ToolName = "ours" | "ours-one-pass" | "ours-trusting" | "ansible" | "pyinfra";
/** What the tables call them. */
export const TITLES: Record<ToolName, string> = {
  ours: "pulumi up --refresh",
  "ours-one-pass": "up --refresh --run-program",
  "ours-trusting": "pulumi up",
  ansible: "ansible-core 2.19",
  pyinfra: "pyinfra 3.10",
};

/** What `pulumi up` is told beside, on hosts that it knows. */
const FLAGS: Partial<Record<ToolName, string[]>> = {
  ours: ["--refresh"],
  "ours-one-pass": ["--refresh", "--run-program"],
};

/** Node.js for this library: the oldest release that is still supported, whatever the machine has. */
const NODE = "node@22";
const PEERS = { ansible: "ansible-core==2.19.*", pyinfra: "pyinfra==3.10.*" };
/** pulumi reads 8 resources at a time on two cores; the others are told to take all hosts at once as well. */
const PARALLEL = "256";

/** The tools, with a working directory of their own. `close` takes it away. */
export class Tools {
  private readonly dir = mkdtempSync(path.join(tmpdir(), "intranet-bench-"));
  private readonly knownHosts = path.join(this.dir, "known_hosts");
  private readonly env: NodeJS.ProcessEnv;

  private constructor(
    private readonly paths: InstancePaths,
    private readonly whole: boolean,
    toolchain: Record<string, string>,
  ) {
    this.env = {
      ...process.env,
      ...toolchain,
      PATH: `${path.join(cacheDir(), "bench/node/node_modules/.bin")}:${toolchain["PATH"] ?? process.env["PATH"]}`,
      ...operatorEnvironment(paths),
      PULUMI_BACKEND_URL: `file://${this.dir}/state`,
    };
    this.env["PULUMI_HOME"] = quietHome(path.join(this.dir, "home"), this.env);
  }

  /**
   * Installs Node.js from npm and the peers from PyPI unless they are there, and makes the working directory. `whole`:
   * this library has one role for all services of a host.
   */
  static async make(paths: InstancePaths, progress: (text: string) => void, whole = false): Promise<Tools> {
    const node = path.join(cacheDir(), "bench/node");
    if (!existsSync(path.join(node, "node_modules/.bin/node"))) {
      progress(`installing ${NODE}`);
      mkdirSync(node, { recursive: true });
      await run(["npm", "install", "--prefix", node, "--no-save", "--silent", NODE]);
    }
    for (const [name, wanted] of Object.entries(PEERS)) {
      const environment = path.join(cacheDir(), "bench", name);
      if (existsSync(path.join(environment, ".installed"))) continue;
      progress(`installing ${wanted}`);
      mkdirSync(environment, { recursive: true });
      await run(["python3", "-m", "venv", environment]);
      await run([path.join(environment, "bin/pip"), "install", "--quiet", wanted]);
      writeFileSync(path.join(environment, ".installed"), wanted);
    }
    const toolchain = path.join(projectRoot(), "toolchain/bin/toolchain");
    return new Tools(paths, whole, JSON.parse(await run([toolchain, "env", "--json"])) as Record<string, string>);
  }

  /** Writes what a tool is told, and gives the command; not measured. `first`: the tool has never seen these hosts. */
  async command(tool: ToolName, desired: Desired, first = false): Promise<Command> {
    const known = desired.hosts.map(({ ipv4, hostKey }) => `${ipv4} ${hostKey}\n`).join("");
    writeFileSync(this.knownHosts, known);
    const own = tool.startsWith("ours") ? "ours" : tool;
    const cwd = path.join(this.dir, own);
    if (first) rmSync(cwd, { recursive: true, force: true });
    mkdirSync(cwd, { recursive: true });
    const operator = (argv: string[], more: NodeJS.ProcessEnv = {}): Command => ({
      argv: operatorArgv(this.paths, argv),
      cwd,
      env: { ...this.env, ...more },
    });
    const binary = (name: string) => path.join(cacheDir(), "bench", own, "bin", name);
    if (tool === "ansible") {
      const sockets = path.join(this.dir, "cm");
      mkdirSync(sockets, { recursive: true });
      write(cwd, ansibleFiles(desired, this.knownHosts, sockets));
      return operator([binary("ansible-playbook"), "play.yaml"]);
    }
    if (tool === "pyinfra") {
      write(cwd, pyinfraFiles(desired, this.knownHosts));
      return operator([binary("pyinfra"), "-y", "--parallel", PARALLEL, "inventory.py", "deploy.py"]);
    }
    const file = path.join(cwd, "desired.json");
    writeFileSync(file, JSON.stringify(desired));
    const pulumi = (...argv: string[]) =>
      operator(["pulumi", ...argv, "--cwd", path.join(projectRoot(), "test/bench/program"), "--non-interactive"], {
        BENCH_DESIRED: file,
        ...(this.whole ? { BENCH_WHOLE: "1" } : {}),
      });
    if (first) await this.newStack(pulumi("stack", "init", "bench", "--secrets-provider", "passphrase"));
    const refresh = first ? [] : (FLAGS[tool] ?? []);
    return pulumi("up", "--yes", "--skip-preview", "--parallel", PARALLEL, "--stack", "bench", ...refresh);
  }

  /** Ends the connections that ansible keeps for its next run: each run here is the first of the day. */
  async afterwards(): Promise<void> {
    const sockets = path.join(this.dir, "cm");
    for (const name of existsSync(sockets) ? readdirSync(sockets) : [])
      await run(["ssh", "-O", "exit", "-S", path.join(sockets, name), "none"]).catch(() => undefined);
  }

  /** Removes the working directory, the state of the stack with it. */
  close(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }

  private async newStack({ argv, env }: Command): Promise<void> {
    const state = path.join(this.dir, "state");
    rmSync(state, { recursive: true, force: true });
    mkdirSync(state);
    await run(argv, { env });
  }
}

function write(directory: string, files: Files): void {
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(directory, name), text);
}
