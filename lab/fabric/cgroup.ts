/** A control group for each host: systemds that share one would end each other's services. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { sleep } from "../process";

/**
 * The roots of the hierarchies that systemd inside a host needs: the unified one, and on a hybrid machine systemd's
 * own.
 */
export function cgroupRoots(mountinfo = readFileSync("/proc/self/mountinfo", "utf8")): string[] {
  const roots: string[] = [];
  for (const line of mountinfo.split("\n")) {
    const [before, after] = line.split(" - ");
    if (!before || !after) continue;
    const point = before.split(" ")[4]!;
    const [type, , options] = after.split(" ");
    if (type === "cgroup2" || (type === "cgroup" && options?.split(",").includes("name=systemd"))) roots.push(point);
  }
  return roots;
}

/** The control group of a host of an instance, below each root. */
export function cgroupDirs(instance: string, host?: string): string[] {
  return cgroupRoots().map((root) => path.join(root, "pulumi-intranet-lab", instance, ...(host ? [host] : [])));
}

/** Makes the control groups of a host. */
export function makeCgroups(instance: string, host: string): void {
  for (const dir of cgroupDirs(instance, host)) mkdirSync(dir, { recursive: true });
}

/**
 * Shell-free way of starting a program inside control groups: a constant script that moves itself there and becomes the
 * program.
 */
export function inCgroups(dirs: readonly string[], argv: readonly string[]): string[] {
  const script =
    'n=$1; shift; while [ "$n" -gt 0 ]; do echo $$ > "$1/cgroup.procs" || exit 125; shift; n=$((n-1)); done; exec "$@"';
  return ["sh", "-c", script, "sh", String(dirs.length), ...dirs, ...argv];
}

/** Freezes or thaws what runs in a host, so that its disk stands still (cgroup v2, cgroup.freeze). */
export async function freeze(instance: string, host: string, frozen: boolean): Promise<void> {
  for (const dir of cgroupDirs(instance, host)) {
    const file = path.join(dir, "cgroup.freeze");
    if (!existsSync(file)) continue;
    writeFileSync(file, frozen ? "1" : "0");
    for (
      let i = 0;
      i < 40 && readFileSync(path.join(dir, "cgroup.events"), "utf8").includes(`frozen ${frozen ? 0 : 1}`);
      i++
    )
      await sleep(25);
  }
}

function removeTree(dir: string): void {
  if (!existsSync(dir)) return;
  for (const entry of readdirSync(dir, { withFileTypes: true }))
    if (entry.isDirectory()) removeTree(path.join(dir, entry.name));
  rmdirSync(dir);
}

/** Removes the group of all labs, unless another lab has one of its own in it (then the kernel says EBUSY). */
function removeIfEmpty(dir: string): void {
  if (readdirSync(dir, { withFileTypes: true }).some((entry) => entry.isDirectory())) return;
  rmdirSync(dir);
}

/**
 * Removes the control groups of a host, or of a whole instance; processes that are just ending are waited for, up to
 * five seconds.
 */
export async function removeCgroups(instance: string, host?: string): Promise<void> {
  for (const dir of cgroupDirs(instance, host)) {
    for (let i = 0; ; i++) {
      try {
        removeTree(dir);
        if (!host) removeIfEmpty(path.dirname(dir));
        break;
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === "ENOTEMPTY" || code === "ENOENT") break; // another instance, or somebody else was faster
        if (i === 100) throw error;
        await sleep(50);
      }
    }
  }
}
