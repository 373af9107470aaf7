/** Running programs: argument lists only, errors that carry the command, the exit code and what the program said. */
import { execFile, spawn, type ChildProcess, type SpawnOptions } from "node:child_process";
import { closeSync, openSync } from "node:fs";

/** A program ended with a code other than 0, or could not be started. */
export class CommandError extends Error {
  constructor(
    /** The command as an argument list. */
    readonly argv: readonly string[],
    /** Its exit code; undefined when it was killed or did not start. */
    readonly code: number | undefined,
    /** The end of what it wrote to stderr, or to stdout when stderr is empty. */
    readonly output: string,
  ) {
    super(
      `${argv.join(" ").slice(0, 300)}: ${code === undefined ? "did not run to its end" : `exit code ${code}`}${output ? `: ${output}` : ""}`,
    );
    this.name = "CommandError";
  }
}

/** Options of `run`. */
export interface RunOptions {
  /** Text for stdin; default: none. */
  input?: string;
  /** Variables added to the environment. */
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** Milliseconds after which it is killed; default: never. */
  timeout?: number;
}

/** Runs a program to its end and returns its stdout. Throws `CommandError` when the exit code is not 0. */
export function run(argv: readonly string[], options: RunOptions = {}): Promise<string> {
  const [file, ...args] = argv as [string, ...string[]];
  return new Promise((resolve, reject) => {
    const child = execFile(
      file,
      args,
      { maxBuffer: 256 << 20, cwd: options.cwd, timeout: options.timeout, env: { ...process.env, ...options.env } },
      (error, stdout, stderr) => {
        if (!error) return resolve(stdout);
        const code = typeof error.code === "number" ? error.code : undefined;
        reject(
          new CommandError(
            argv,
            code,
            (stderr.trim() || stdout.trim() || (code === undefined ? error.message : "")).slice(-2000),
          ),
        );
      },
    );
    child.stdin?.on("error", () => undefined); // the program may end before it has read everything
    child.stdin?.end(options.input ?? "");
  });
}

/** Starts a program in the background, its output appended to `log`; it lives until somebody ends it. */
export function start(argv: readonly string[], log: string, options: SpawnOptions = {}): ChildProcess {
  const [file, ...args] = argv as [string, ...string[]];
  const fd = openSync(log, "a", 0o600);
  try {
    const child = spawn(file, args, { ...options, stdio: ["ignore", fd, fd] });
    child.on("error", () => undefined); // `exit` is not emitted then; callers look at `pid`
    return child;
  } finally {
    closeSync(fd);
  }
}

/**
 * Runs a program with the caller's own terminal and returns its exit code; 128 + signal number when a signal ended it.
 */
export function attach(argv: readonly string[], options: SpawnOptions = {}): Promise<number> {
  const [file, ...args] = argv as [string, ...string[]];
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: "inherit", ...options });
    // The terminal sends ^C to the whole group; the program decides what it means, we only wait for it.
    const ignore = (): void => undefined;
    process.on("SIGINT", ignore);
    const term = (): void => void child.kill("SIGTERM");
    process.on("SIGTERM", term);
    child.on("error", reject);
    child.on("exit", (code, signal) => {
      process.off("SIGINT", ignore);
      process.off("SIGTERM", term);
      resolve(code ?? 128 + (signal === "SIGKILL" ? 9 : signal === "SIGTERM" ? 15 : signal === "SIGINT" ? 2 : 1));
    });
  });
}

/** Waits `ms` milliseconds. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Calls `done` every `everyMs` until it is true; throws with `what` after `timeoutMs`. */
export async function until(
  what: string,
  timeoutMs: number,
  done: () => boolean | Promise<boolean>,
  everyMs = 50,
): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (!(await done())) {
    if (Date.now() > end) throw new Error(`${what}: not within ${timeoutMs / 1000} s`);
    await sleep(everyMs);
  }
}
