// What can be built here: the engine's programs, the bridged hcloud plugin, the stand-ins, programs for hosts. Each lies in the cache under
// a digest of all it is made of, so a fitting one is never built twice and a half-built one is never used.
import {
  cpSync,
  copyFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import process from "node:process";
import { bundle, standInDigest } from "./bundle.mjs";
import { digest } from "./digest.mjs";
import { Failure } from "./failure.mjs";
import { findGo } from "./go.mjs";
import { cacheRoot, pins, sourceRoot } from "./places.mjs";
import { ask, work } from "./run.mjs";

/** The programs of the engine, in the order in which they are built. */
export const engineParts = Object.keys(pins.engine);

/** Programs that the lab has and Debian does not: step-ca, which its hosts install, and an S3 server. Nothing of the engine needs them. */
export const programParts = Object.keys(pins.programs);

/** The provider plugins. */
export const pluginParts = Object.keys(pins.plugins);

/** The shell script through which the engine starts dynamic providers; it comes with the engine's Go module. */
export const dynamicShim = "pulumi-resource-pulumi-nodejs";

/** Changes when a way of building does, so that what an earlier way made is not taken. */
const recipes = { go: 1, typescript: 1 };

/**
 * The folder in the cache where a part lies once it is built.
 * @param {string} name
 */
export function partFolder(name) {
  return path.join(cacheRoot, "parts", `${name}-${partDigest(name)}`);
}

/**
 * @param {string} name
 */
function partDigest(name) {
  const go = [recipes.go, pins.go.minimum, pins.go.fetched, process.arch];
  const program = pins.engine[name] ?? pins.programs[name];
  if (program) return digest([...go, program], [path.join(sourceRoot, program.module)]);
  const plugin = pins.plugins[name];
  if (plugin?.module) return digest([...go, plugin], [path.join(sourceRoot, plugin.module)]);
  if (plugin?.entry) return digest([recipes.typescript, plugin, standInDigest()], [path.join(sourceRoot, "plugins")]);
  throw new Failure(
    `"${name}" is no part of the toolchain; the parts are ${[...engineParts, ...pluginParts, ...programParts].join(", ")}`,
    64,
  );
}

/**
 * Whether a part is in the cache, whole.
 * @param {string} name
 */
export function isBuilt(name) {
  return existsSync(path.join(partFolder(name), "part.json"));
}

/**
 * Builds a part unless it is in the cache. An interruption leaves nothing that is taken for a part; Go's own cache keeps
 * what was compiled, so the next run goes on from there.
 * @param {string} name
 */
export async function buildPart(name) {
  if (isBuilt(name)) return;
  const folder = partFolder(name);
  const partial = `${folder}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  const plugin = pins.plugins[name];
  const made = plugin?.entry
    ? await bundle(name, path.join(sourceRoot, plugin.entry), plugin.version, partial)
    : plugin
      ? await buildBridge(name, partial)
      : await buildProgram(name, partial);
  const version = (plugin ?? pins.engine[name] ?? pins.programs[name]).version;
  writeFileSync(path.join(partial, "part.json"), JSON.stringify({ name, version, made, at: new Date().toISOString() }));
  rmSync(folder, { recursive: true, force: true });
  renameSync(partial, folder);
}

/**
 * @param {string} name
 * @param {string} folder
 */
async function buildProgram(name, folder) {
  const pin = pins.engine[name] ?? pins.programs[name];
  const go = await findGo();
  const cwd = path.join(sourceRoot, pin.module);
  await goBuild({
    go,
    cwd,
    title: `${name} ${pin.version}`,
    log: name,
    output: path.join(folder, name),
    variable: pin.variable,
    tags: pin.tags,
    target: pin.package,
  });
  if (name === "pulumi") {
    const sdk = ask(go.file, ["list", "-mod=readonly", "-m", "-f", "{{.Dir}}", "github.com/pulumi/pulumi/sdk/v3"], {
      cwd,
      env: go.env,
    });
    if (!sdk)
      throw new Failure(
        "the module folder of github.com/pulumi/pulumi/sdk/v3 is gone from Go's module cache: run this again",
      );
    copyFileSync(path.join(sdk, "nodejs", "dist", dynamicShim), path.join(folder, dynamicShim));
    chmodSync(path.join(folder, dynamicShim), 0o755);
  }
  return `go ${go.version}`;
}

/**
 * The hcloud plugin: its generator first, which writes the schema that the plugin embeds. Done on a copy of the sources.
 * @param {string} name
 * @param {string} folder
 */
async function buildBridge(name, folder) {
  const pin = pins.plugins[name];
  const go = await findGo();
  const cwd = path.join(folder, "sources");
  cpSync(path.join(sourceRoot, /** @type {string} */ (pin.module)), cwd, { recursive: true });
  const variable = `pulumi-intranet/toolchain/resource-hcloud/internal/bridge.Version=${pin.version}`;
  const generator = path.join(folder, "pulumi-tfgen-hcloud");
  const plugin = path.join(folder, `pulumi-resource-${name}`);
  await goBuild({
    go,
    cwd,
    title: `${name} ${pin.version} (schema generator)`,
    log: `${name}-generator`,
    output: generator,
    variable,
    target: "./cmd/pulumi-tfgen-hcloud",
  });
  await work({
    title: `${name} ${pin.version} (schema)`,
    log: `${name}-schema`,
    file: generator,
    args: ["schema", "--skip-docs", "--skip-examples", "--out", path.join(cwd, "cmd", `pulumi-resource-${name}`)],
    cwd,
  });
  await goBuild({
    go,
    cwd,
    title: `${name} ${pin.version} (plugin)`,
    log: name,
    output: plugin,
    variable,
    target: `./cmd/pulumi-resource-${name}`,
  });
  rmSync(generator);
  rmSync(cwd, { recursive: true });
  return `go ${go.version}`;
}

/**
 * One `go build`, with a count of what it has fetched and compiled so far.
 * @param {{ go: { file: string, env: NodeJS.ProcessEnv }, cwd: string, title: string, log: string, output: string, variable: string, tags?: string | undefined, target: string }} job
 */
async function goBuild({ go, cwd, title, log, output, variable, tags, target }) {
  let fetched = 0;
  let compiled = 0;
  await work({
    title: `building ${title}`,
    log,
    cwd,
    env: go.env,
    file: go.file,
    args: [
      "build",
      "-v",
      "-mod=readonly",
      ...(tags ? ["-tags", tags] : []),
      "-ldflags",
      `-s -w -X ${variable}`,
      "-o",
      output,
      target,
    ],
    onLine: (line) => (line.startsWith("go: downloading") ? fetched++ : compiled++),
    status: () =>
      fetched + compiled > 0
        ? `${fetched} modules fetched, ${compiled} packages compiled`
        : "taking what Go's cache has",
  });
}

/**
 * How a built part was made, for the table.
 * @param {string} name
 * @returns {{ version: string, made: string }}
 */
export function partManifest(name) {
  return JSON.parse(readFileSync(path.join(partFolder(name), "part.json"), "utf8"));
}
