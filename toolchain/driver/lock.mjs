// One build of the same thing at a time: two at once would only be in each other's way. flock(1) holds a lock for as long as
// this process lives: its program reads a pipe that ends with us, however we end.
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import path from "node:path";
import { Failure } from "./failure.mjs";
import { cacheRoot } from "./places.mjs";
import { say } from "./run.mjs";

/** The locks that are held, by name. @type {Map<string, import("node:child_process").ChildProcessByStdio<import("node:stream").Writable, import("node:stream").Readable, null>>} */
const holders = new Map();

/**
 * Takes a lock; waits for whoever has it and says so.
 * @param {string} [name] `lock`: that of the engine and its plugins. A program for hosts has one of its own, so that nobody
 *   waits for the engine who needs only that; `go`: the search for a Go, which both may do
 * @returns {Promise<void>}
 */
export async function lock(name = "lock") {
  if (holders.has(name)) return;
  mkdirSync(cacheRoot, { recursive: true });
  const file = path.join(cacheRoot, name === "lock" ? name : `lock-${name}`);
  if (spawnSync("flock", ["--nonblock", "--conflict-exit-code", "75", file, "true"]).status === 75) {
    say(
      name === "go" ? "another build is looking for a Go: waiting for it" : "another build is running: waiting for it",
    );
  }
  const child = spawn("flock", [file, "sh", "-c", "echo locked; cat >/dev/null"], {
    stdio: ["pipe", "pipe", "inherit"],
    detached: true,
  });
  await new Promise((resolve, reject) => {
    child.once("error", (error) =>
      reject(new Failure(`flock(1) of util-linux is needed and could not be run: ${error.message}`, 69)),
    );
    child.once("close", () => reject(new Failure(`the lock ${file} could not be taken`)));
    child.stdout.once("data", resolve);
  });
  holders.set(name, child);
}

/**
 * Gives a lock back, or all of them.
 * @param {string} [name]
 */
export function release(name) {
  for (const [held, holder] of holders) {
    if (name !== undefined && held !== name) continue;
    holder.stdin.end();
    holders.delete(held);
  }
}
