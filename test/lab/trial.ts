/**
 * A stack of raw roles on lab hosts, which a test describes in JSON (test/lab/host-program), with a state of its own.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Trial } from "./host-program/trial";
import { ROOT, until } from "./intranet";
import { type Result, run } from "./support";

/** The command of an `up` without questions. */
export const UP = ["up", "--yes", "--skip-preview"];

/**
 * Pulumi's own log, and that of its plugins, on stderr, at the highest level at which it shows no output of a resource.
 */
export const LOGGED = ["--logtostderr", "--logflow", "-v=2"];

const PROGRAM = join(ROOT, "test/lab/host-program");

/** The stack; `init` first, `remove` at the end. */
export class TrialStack {
  private readonly backend = mkdtempSync(join(tmpdir(), "intranet-trial-"));

  /**
   * @param name another name for a second stack that a test runs beside the first
   * @param program folder of another program, which takes no roles
   * @param environment more variables for pulumi, such as another backend
   */
  constructor(
    readonly name = "trial",
    private readonly program = PROGRAM,
    private readonly environment: Record<string, string> = {},
  ) {}

  /** Makes the stack in an empty state. */
  init = async (): Promise<void> => {
    const result = await this.stack(["stack", "init", this.name], {});
    if (result.code !== 0) throw new Error(`stack init: ${result.stderr}`);
  };

  /** Destroys what the stack made, and its state. */
  remove = async (): Promise<void> => {
    await this.stack(["destroy", "--yes", "--skip-preview"], {});
    rmSync(this.backend, { recursive: true, force: true });
    if (this.name !== "trial") rmSync(join(PROGRAM, `Pulumi.${this.name}.yaml`), { force: true });
  };

  /** Ends everything that runs of pulumi for this stack at once, as when its machine dies: engine, plugins, program. */
  kill = (): void => {
    const mine = `PULUMI_BACKEND_URL=file://${this.backend}`;
    const runs = (pid: string): boolean => {
      try {
        return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").includes(mine);
      } catch {
        return false; // it has ended meanwhile
      }
    };
    const found = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && runs(name));
    if (found.length < 3) throw new Error(`only ${found.length} processes run for the stack`);
    for (const pid of found)
      try {
        process.kill(Number(pid), "SIGKILL");
      } catch {
        // it has ended with the others
      }
  };

  /** Runs pulumi with these roles; `wrap` is a program that runs it, with the command in its arguments. */
  stack = (
    args: string[],
    roles: Trial["roles"],
    more: Omit<Trial, "roles"> & { env?: object; onOutput?: (text: string) => void; wrap?: string[] } = {},
  ): Promise<Result> => {
    const { env, onOutput, wrap = [], ...rest } = more;
    const stack = args[0] === "stack" && args[1] === "init" ? [] : ["--stack", this.name];
    return run([...wrap, "pulumi", ...args, "--cwd", this.program, ...stack, "--non-interactive"], {
      env: {
        PULUMI_BACKEND_URL: `file://${this.backend}`,
        TRIAL_ROLES: JSON.stringify({ roles, ...rest }),
        ...this.environment,
        ...env,
      },
      timeoutSeconds: 400,
      ...(onOutput === undefined ? {} : { onOutput }),
    });
  };

  /** The same, but anything else than success is an error. Returns what was said. */
  ok = async (...args: Parameters<TrialStack["stack"]>): Promise<string> => {
    const result = await this.stack(...args);
    if (result.code !== 0)
      throw new Error(`pulumi ${args[0].join(" ")}: ${result.code}\n${result.stdout}\n${result.stderr}`);
    return result.stdout + result.stderr;
  };

  /**
   * An `up` that runs beside what the test does: `said` waits until it has printed something, `done` until it has
   * ended.
   */
  begin = (
    roles: Trial["roles"],
    more: Omit<Trial, "roles"> & { wrap?: string[]; env?: object } = {},
  ): { done: Promise<Result>; said: (words: RegExp, seconds?: number) => Promise<string> } => {
    let heard = "";
    let over: Result | undefined;
    const done = this.stack(UP, roles, { ...more, onOutput: (text) => (heard += text) });
    done.then(
      (result) => (over = result),
      () => undefined,
    );
    const said = (words: RegExp, seconds = 120) =>
      until(
        `up says ${String(words)}`,
        async () => {
          const found = words.exec(heard)?.[0];
          if (found === undefined && over !== undefined)
            throw new Error(`up ended without ${String(words)}:\n${heard}`);
          return found;
        },
        seconds,
      );
    return { done, said };
  };

  /** An `up` that must fail. Returns what was said. */
  failing = async (roles: Trial["roles"], more: Omit<Trial, "roles"> & { env?: object } = {}): Promise<string> => {
    const result = await this.stack(UP, roles, more);
    if (result.code === 0) throw new Error(`this up was to fail:\n${result.stdout}`);
    return result.stdout + result.stderr;
  };
}
