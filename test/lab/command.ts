/** Commands that tests run, and what they leave. */
import { spawn } from "node:child_process";

/** How a command ended. */
export interface Result {
  /** Exit code; 124 when it was ended since it took too long. */
  code: number;
  stdout: string;
  stderr: string;
}

/** Options of a command. */
export interface CommandOptions {
  /** Text for stdin; default: none. */
  stdin?: string;
  /** Seconds after which the command is ended; default 120. */
  timeoutSeconds?: number;
  /** Variables for the command, over those that it would have. */
  env?: NodeJS.ProcessEnv;
  /** Its working directory; default: that of the test. */
  cwd?: string;
  /** Hears what it prints, while it runs. */
  onOutput?: (text: string) => void;
}

/** Runs a command to its end; never throws for an exit code. Rejects when it cannot be started. */
export function command(argv: readonly string[], options: CommandOptions = {}): Promise<Result> {
  const [file, ...args] = argv as [string, ...string[]];
  const seconds = options.timeoutSeconds ?? 120;
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ["pipe", "pipe", "pipe"],
      detached: true,
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      process.kill(-child.pid!, "SIGKILL"); // the command and what it has started
    }, seconds * 1000);
    for (const [stream, chunks] of [
      [child.stdout, out],
      [child.stderr, err],
    ] as const)
      stream.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
        options.onOutput?.(chunk.toString());
      });
    child.stdin.on("error", () => undefined);
    child.stdin.end(options.stdin ?? "");
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve({
        code: late ? 124 : (code ?? 1),
        stdout: Buffer.concat(out).toString(),
        stderr: Buffer.concat(err).toString() + (late ? `\nended after ${seconds} s` : ""),
      });
    });
  });
}
