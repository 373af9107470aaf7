/** The provider's own process: what it says to the person who waits, and how it ends when the engine is gone. */
import { readFileSync } from "node:fs";

const LOOK_MS = 2_000;

/**
 * Writes a line to stderr, which the engine shows. A broken pipe is heard and no more: left alone, it becomes an
 * uncaught error, which the SDK reports on the same pipe, and so on for ever.
 */
export function say(line: string): void {
  if (process.stderr.listenerCount("error") === 0) process.stderr.on("error", () => undefined);
  process.stderr.write(`${line}\n`);
}

/**
 * Ends the process soon after the engine that started it, be it by a second Ctrl-C or by its death: nobody would hear
 * how a change ends, and a host undoes by itself what is not confirmed.
 *
 * `byShell`: the engine is the parent of the shell that has started this process (proc_pid_stat(5)); where there is no
 * /proc, nothing is watched. Else it is this process's own parent.
 */
export function endWithEngine(byShell = true): void {
  const parent = process.ppid;
  const before = byShell ? parentOf(parent) : undefined;
  if (byShell && before === undefined) return;
  const look = (): void => {
    if (process.ppid !== parent || (byShell && parentOf(parent) !== before)) process.exit(1);
  };
  setInterval(look, LOOK_MS).unref();
}

function parentOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").pop()?.split(" ")[1];
  } catch {
    return undefined;
  }
}
