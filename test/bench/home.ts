/** Pulumi's own folder, as docs/performance.md advises for speed. */
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import * as path from "node:path";

/**
 * Makes a folder for `PULUMI_HOME` with the plugins of another one, in which the engine keeps no log of each command: a
 * file stands where its folder would be. `usual`: the environment of Pulumi as it is.
 */
export function quietHome(folder: string, usual: NodeJS.ProcessEnv): string {
  mkdirSync(folder);
  symlinkSync(
    path.join(usual["PULUMI_HOME"] ?? path.join(homedir(), ".pulumi"), "plugins"),
    path.join(folder, "plugins"),
  );
  writeFileSync(path.join(folder, "logs"), "");
  return folder;
}
