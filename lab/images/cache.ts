/** Things that are built once into a directory of the cache, also when two labs come up at the same time. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { sleep } from "../process";

/** Whether a process of that id exists (signal 0, kill(2)). */
export function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/**
 * Runs `action` while no other process of this user holds `lock`, a directory. The lock of a process that has died is
 * taken over. `waiting` is called once when there is somebody to wait for.
 */
export async function withLock<T>(lock: string, waiting: () => void, action: () => Promise<T>): Promise<T> {
  mkdirSync(path.dirname(lock), { recursive: true });
  const owner = path.join(lock, "pid");
  for (let told = false; ;) {
    try {
      mkdirSync(lock);
      writeFileSync(owner, String(process.pid));
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    const pid = existsSync(owner) ? Number(readFileSync(owner, "utf8")) : undefined;
    if (pid !== undefined && pid > 0 && !alive(pid)) {
      rmSync(lock, { recursive: true, force: true });
      continue;
    }
    if (!told) waiting();
    told = true;
    await sleep(300);
  }
  try {
    return await action();
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

/**
 * Makes `target` by calling `build` with a directory that does not exist yet (its parent does), and renames it when
 * that is done: a directory in the cache is complete or absent. Returns `target`.
 */
export async function buildOnce(
  target: string,
  progress: (line: string) => void,
  build: (partial: string) => Promise<void>,
): Promise<string> {
  if (existsSync(target)) return target;
  const lock = `${target}.lock`;
  return withLock(
    lock,
    () => progress(`waiting for another lab that builds ${path.basename(target)}`),
    async () => {
      if (existsSync(target)) return target;
      const partial = `${target}.partial`;
      rmSync(partial, { recursive: true, force: true });
      await build(partial);
      renameSync(partial, target);
      return target;
    },
  );
}
