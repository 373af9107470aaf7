// A stand-in plugin as one JavaScript file that needs neither the checkout nor its node_modules.
import { spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import process from "node:process";
import { clearTimeout, setTimeout } from "node:timers";
import { digest } from "./digest.mjs";
import { Failure } from "./failure.mjs";
import { projectRoot, sourceRoot } from "./places.mjs";
import { say } from "./run.mjs";

/** npm packages whose versions decide what a bundle contains, with all that they need. */
const bundled = ["@pulumi/pulumi", "cloudflare", "node-ssh", "esbuild"];

/** @typedef {{ version?: string, link?: boolean, resolved?: string, dependencies?: Record<string, string>, optionalDependencies?: Record<string, string> }} Locked */

/**
 * A digest of the locked versions of everything that is bundled. Reads package-lock.json alone: needs no `npm ci`.
 * @returns {string}
 */
export function standInDigest() {
  /** @type {Record<string, Locked>} */
  const locked = JSON.parse(readFileSync(path.join(projectRoot, "package-lock.json"), "utf8")).packages;
  /** @type {Map<string, string>} */
  const seen = new Map();
  const visit = (/** @type {string} */ name, /** @type {string} */ from) => {
    const key = locate(locked, name, from);
    if (!key || seen.has(key)) return;
    const entry = locked[key];
    seen.set(key, entry.version ?? "");
    Object.keys({ ...entry.dependencies, ...entry.optionalDependencies }).forEach((dependency) =>
      visit(dependency, key),
    );
  };
  bundled.forEach((name) => visit(name, "toolchain/plugins"));
  return digest([...seen].sort());
}

/**
 * Node's own look-up, played on the lock file: the nearest node_modules upwards.
 * @param {Record<string, Locked>} locked
 * @param {string} name
 * @param {string} from a key of the lock file
 */
function locate(locked, name, from) {
  for (let folder = from; ; folder = path.posix.dirname(folder)) {
    const key = path.posix.join(folder === "." ? "" : folder, "node_modules", name);
    if (locked[key]) return key;
    if (folder === "." || folder === "") return undefined;
  }
}

/**
 * Bundles a stand-in and writes the executable that the engine starts.
 * @param {string} name the provider's name
 * @param {string} entry its main file
 * @param {string} version the version it says it has
 * @param {string} folder where to
 * @returns {Promise<string>} what it was made with
 * @throws {Failure} when the project's npm packages are not installed
 */
export async function bundle(name, entry, version, folder) {
  const require = createRequire(path.join(sourceRoot, "plugins", "package.json"));
  const absent = bundled.filter((dependency) => !resolvable(require, dependency));
  if (absent.length > 0) {
    throw new Failure(
      `the stand-in for ${name} needs the project's npm packages (${absent.join(", ")} not found): run \`npm ci\` in ${projectRoot}, then this again`,
    );
  }
  /** @type {typeof import("esbuild")} */
  const esbuild = require("esbuild");
  say(`bundling the stand-in for ${name} ${version}`);
  await esbuild.build({
    entryPoints: [entry],
    outfile: path.join(folder, "plugin.js"),
    bundle: true,
    platform: "node",
    target: "node20",
    format: "cjs",
    minifySyntax: true,
    sourcemap: false,
    logLevel: "silent",
    define: { PLUGIN_VERSION: JSON.stringify(version) },
    // ssh2's native parts, which it does without when they are not there.
    external: ["cpu-features", "*.node"],
  });
  writeFileSync(
    path.join(folder, `pulumi-resource-${name}`),
    '#!/bin/sh\nexec node "$(dirname "$0")/plugin.js" "$@"\n',
    { mode: 0o755 },
  );
  await requireStart(name, path.join(folder, "plugin.js"));
  return `esbuild ${esbuild.version}`;
}

/**
 * Starts a bundled plugin as the engine does and waits for the port that it prints first: what was left out of the bundle
 * shows here and not in somebody's `pulumi up`.
 * @param {string} name
 * @param {string} file
 */
async function requireStart(name, file) {
  const child = spawn(process.execPath, [file, "127.0.0.1:1"], { stdio: ["ignore", "pipe", "pipe"], cwd: "/" });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text) => (said += text));
  const timer = setTimeout(() => child.kill("SIGKILL"), 20_000);
  const started = await new Promise((resolve) => {
    child.stdout.setEncoding("utf8").once("data", (text) => resolve(/^\d+\n/.test(text)));
    child.once("close", () => resolve(false));
  });
  clearTimeout(timer);
  child.kill("SIGKILL");
  if (!started) throw new Failure(`the bundled stand-in for ${name} does not start:\n${said.trim()}`);
}

/**
 * @param {NodeJS.Require} require
 * @param {string} name
 */
function resolvable(require, name) {
  return (require.resolve.paths(name) ?? []).some((folder) => existsSync(path.join(folder, name, "package.json")));
}
