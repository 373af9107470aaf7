/** Moments of a lab that one can go back to: disks, clouds, names, the engine's backend. */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import * as path from "node:path";
import type { InstancePaths } from "../paths";
import { run } from "../process";
import { RefusedError } from "./refused";

/** Name of the snapshot when none is given. */
export const DEFAULT_SNAPSHOT = "default";

/** Throws on a name that is no plain word. */
export function checkSnapshotName(name: string): void {
  if (!/^[a-z0-9][a-z0-9._-]{0,60}$/i.test(name))
    throw new RefusedError(
      `snapshot name ${JSON.stringify(name)}: expected letters, digits, dots, hyphens and underscores`,
    );
}

/** Names of the snapshots of an instance. */
export function snapshots(paths: InstancePaths): string[] {
  return existsSync(paths.snapshots)
    ? readdirSync(paths.snapshots)
        .filter((name) => !name.endsWith(".partial"))
        .sort()
    : [];
}

/** What a snapshot holds besides the disks. */
function parts(paths: InstancePaths): string[] {
  return [paths.clouds, paths.dns, paths.pulumi, paths.state];
}

/** Copies with everything that overlayfs keeps in a disk: owners, modes, whiteouts, extended attributes. */
async function copy(from: string, to: string): Promise<void> {
  if (existsSync(from)) await run(["cp", "--archive", "--reflink=auto", "--no-target-directory", from, to]);
}

/** Saves the instance under `name`, replacing an older one of that name. The caller has made everything stand still. */
export async function save(paths: InstancePaths, name: string): Promise<void> {
  checkSnapshotName(name);
  const target = path.join(paths.snapshots, name);
  const partial = `${target}.partial`;
  rmSync(partial, { recursive: true, force: true });
  for (const host of existsSync(paths.hosts) ? readdirSync(paths.hosts) : []) {
    mkdirSync(path.join(partial, "hosts", host), { recursive: true });
    for (const part of ["upper", "image"])
      await copy(path.join(paths.hosts, host, part), path.join(partial, "hosts", host, part));
  }
  for (const part of parts(paths)) await copy(part, path.join(partial, path.basename(part)));
  rmSync(target, { recursive: true, force: true });
  renameSync(partial, target);
}

/**
 * Puts the instance to what is kept in a directory that {@link requireSnapshot} gave. The caller has switched
 * everything off.
 */
export async function restore(paths: InstancePaths, source: string): Promise<void> {
  rmSync(paths.hosts, { recursive: true, force: true });
  await copy(path.join(source, "hosts"), paths.hosts);
  for (const part of parts(paths)) {
    rmSync(part, { recursive: true, force: true });
    await copy(path.join(source, path.basename(part)), part);
  }
}

/** The directory of an instance's snapshot; throws where there is none, naming those that exist. */
export function requireSnapshot(paths: InstancePaths, name: string): string {
  checkSnapshotName(name);
  const source = path.join(paths.snapshots, name);
  if (!existsSync(source))
    throw new RefusedError(`no snapshot ${name}; there is ${snapshots(paths).join(", ") || "none"}`);
  return source;
}
