// One build at a time: two at once would only be in each other's way. flock(1) holds the lock for as long as this process
// lives: its program reads a pipe that ends with us, however we end.
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import path from "node:path";
import { Failure } from "./failure.mjs";
import { cacheRoot } from "./places.mjs";
import { say } from "./run.mjs";

/** @type {import("node:child_process").ChildProcessByStdio<import("node:stream").Writable, import("node:stream").Readable, null> | undefined} */
let holder;

/**
 * Takes the lock; waits for another build and says so.
 * @returns {Promise<void>}
 */
export async function lock() {
  if (holder) return;
  mkdirSync(cacheRoot, { recursive: true });
  const file = path.join(cacheRoot, "lock");
  if (spawnSync("flock", ["--nonblock", "--conflict-exit-code", "75", file, "true"]).status === 75) {
    say("another build is running: waiting for it");
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
  holder = child;
}

/** Gives the lock back. */
export function release() {
  holder?.stdin.end();
  holder = undefined;
}
