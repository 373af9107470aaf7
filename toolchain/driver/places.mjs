// Where things lie: the pins, the cache outside the checkout, the user's own Pulumi home.
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** The toolchain folder of this checkout. */
export const sourceRoot = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

/** The checkout. */
export const projectRoot = path.dirname(sourceRoot);

/**
 * @typedef {{ version: string, module: string, package: string, variable: string, tags?: string }} ProgramPin
 * @typedef {{ version: string, made: "go" | "typescript", module?: string, entry?: string }} PluginPin
 * @typedef {{ go: { minimum: string, fetched: string, sums: Record<string, string> },
 *             engine: Record<string, ProgramPin>, programs: Record<string, ProgramPin>, plugins: Record<string, PluginPin> }} Pins
 */

/** What is built, and in which version. @type {Pins} */
export const pins = JSON.parse(readFileSync(path.join(sourceRoot, "pins.json"), "utf8"));

/**
 * The toolchain's part of the cache: $INTRANET_CACHE (default ~/.cache/pulumi-intranet), subfolder toolchain.
 * Everything in it can be deleted; a build makes it anew.
 */
export const cacheRoot = path.join(
  path.resolve(process.env.INTRANET_CACHE || path.join(homedir(), ".cache", "pulumi-intranet")),
  "toolchain",
);

/** The file that marks an environment of ours, in whatever cache it lies. */
export const environmentMark = "environment.json";

/**
 * Whether a path lies in our own cache, or in an environment that this program made elsewhere: such a CLI or home is ours
 * and never counts as an official installation.
 * @param {string} candidate an absolute path
 */
export function isOurs(candidate) {
  for (let folder = candidate; folder !== path.dirname(folder); folder = path.dirname(folder)) {
    if (existsSync(path.join(folder, environmentMark))) return true;
  }
  const relative = path.relative(cacheRoot, candidate);
  return relative === "" || (!relative.startsWith("..") && !path.isAbsolute(relative));
}

/** The user's own Pulumi home, where the official client installs plugins: $PULUMI_HOME, or ~/.pulumi. */
export function userPulumiHome() {
  const configured = process.env.PULUMI_HOME;
  return configured && !isOurs(path.resolve(configured)) ? path.resolve(configured) : path.join(homedir(), ".pulumi");
}

/**
 * A path as people write it, with ~ for the home directory.
 * @param {string} absolute
 */
export function shorten(absolute) {
  const home = homedir();
  return absolute.startsWith(home + path.sep) ? "~" + absolute.slice(home.length) : absolute;
}
