/** Runs the real agent, as it is sent to a host, on a scratch root. */
import { spawnSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { dirname, join } from "node:path";
import { agentCommand, agentInput } from "../../../host/agent";

export const OWNER = userInfo().username;

export interface Answer {
  ok: boolean;
  [field: string]: unknown;
}

export interface Run {
  answer: Answer | undefined;
  steps: string[];
  output: string;
  signal: NodeJS.Signals | null;
  code: number | null;
}

/** A scratch root with the agent's requests in it. */
export class Scratch {
  readonly root = mkdtempSync(join(tmpdir(), "intranet-agent-"));
  /** Variables that programs find beside those that every one has. */
  variables: Record<string, string> = {};
  private count = 0;
  private path = process.env.PATH ?? "";

  write(path: string, content: string, mode = 0o644): void {
    mkdirSync(dirname(this.at(path)), { recursive: true });
    writeFileSync(this.at(path), content, { mode });
  }

  read(path: string): string | undefined {
    return existsSync(this.at(path)) ? readFileSync(this.at(path), "utf8") : undefined;
  }

  at(path: string): string {
    return this.root + path;
  }

  /** Sends one request; `killAt` names the step at which the agent dies. */
  run(request: object, killAt?: string): Run {
    const input = agentInput({
      tx: (this.count += 1).toString(16).padStart(16, "0"),
      owner: "p/s/r",
      id: "r-1",
      role: "r",
      ...request,
    });
    return this.start(["sh", "-c", `exec ${agentCommand("root")}`], input, killAt);
  }

  /** Reads one role, as a refresh does. */
  look(request: object = {}): Answer {
    const { answer, output } = this.run({ action: "read", requests: [{ id: "r-1", role: "r", ...request }] });
    if (answer?.ok !== true) throw new Error(`read: ${JSON.stringify(answer)} ${output}`);
    return (answer.answers as Answer[])[0]!;
  }

  /** Runs the agent that the host keeps, as its timers and its boot do. */
  own(word: string, killAt?: string): Run {
    return this.start(["python3", "-B", this.at("/var/lib/intranet/agent.pyz"), word], Buffer.alloc(0), killAt);
  }

  /** Runs a program on the scratch root: a script that holds the agent, or the agent itself. */
  start([program = "", ...args]: string[], input: Buffer, killAt?: string): Run {
    const steps = `${this.root}.steps`;
    rmSync(steps, { recursive: true, force: true });
    mkdirSync(steps);
    if (killAt) writeFileSync(`${steps}/kill`, killAt);
    const done = spawnSync(program, args, {
      input,
      env: { PATH: this.path, INTRANET_ROOT: this.root, INTRANET_STEPS: steps, ...this.variables },
      encoding: "utf8",
    });
    const seen = existsSync(`${steps}/seen`) ? readFileSync(`${steps}/seen`, "utf8").trim().split("\n") : [];
    const events = done.stdout
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line) as { event: string } & Answer);
    return {
      answer: events.find((event) => event.event === "result"),
      steps: seen,
      output: done.stdout + done.stderr,
      signal: done.signal,
      code: done.status,
    };
  }

  /**
   * Puts a program in front of the machine's own that notes how it is called, says something, and succeeds. Returns
   * what it has noted.
   */
  pretend(program: string, says = ""): () => string[] {
    const folder = `${this.root}.bin`;
    const log = `${folder}/${program}.log`;
    mkdirSync(folder, { recursive: true });
    writeFileSync(`${folder}/${program}`, `#!/bin/sh\necho "$*" >>${log}\n${says === "" ? "" : `echo "${says}"\n`}`, {
      mode: 0o755,
    });
    if (!this.path.startsWith(folder)) this.path = `${folder}:${this.path}`;
    return () => (existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : []);
  }

  /** Every path below a folder with what it is: mode and content, or the link's target. */
  tree(folder = "/etc"): Record<string, string> {
    const found: Record<string, string> = {};
    const walk = (path: string) => {
      const entry = lstatSync(this.at(path));
      const mode = (entry.mode & 0o7777).toString(8);
      if (entry.isSymbolicLink()) found[path] = `link ${readlinkSync(this.at(path))}`;
      else if (entry.isDirectory()) {
        found[path] = `directory ${mode}`;
        for (const name of readdirSync(this.at(path))) walk(`${path}/${name}`);
      } else found[path] = `file ${mode} ${readFileSync(this.at(path), "utf8")}`;
    };
    if (existsSync(this.at(folder))) walk(folder);
    return found;
  }

  remove(): void {
    for (const folder of [this.root, `${this.root}.bin`, `${this.root}.steps`])
      rmSync(folder, { recursive: true, force: true });
  }
}
