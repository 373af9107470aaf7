// The environment that programs are run in: one folder in the cache for each combination of parts, with a `bin` for PATH
// (only when the CLI is ours) and a Pulumi home into which the plugins are installed. Plugins never lie on PATH: one that
// does beats an installed official one.
import { cpSync, existsSync, linkSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { digest } from "./digest.mjs";
import { Failure } from "./failure.mjs";
import { cliVersion, knownUnavailable, officialCli, officialPlugin } from "./official.mjs";
import { engineParts, isBuilt, partFolder, partManifest, pluginParts, programParts } from "./parts.mjs";
import { cacheRoot, environmentMark, pins, shorten } from "./places.mjs";
import { say, work } from "./run.mjs";

/**
 * Where each part comes from.
 * `official`: the user's CLI or plugin; `built`: built here from the maintainers' sources; `stand-in`: ours;
 * `undecided`: a plugin of which it is not known yet whether it can be downloaded.
 * @typedef {{ name: string, version: string, source: "official" | "built" | "stand-in" | "undecided", folder?: string, note: string }} Choice
 */

/**
 * Our language host is older than the engine, which tells it a program's options when it runs it: it takes them as flags and would
 * load ts-node and the TypeScript compiler for every program, compiled or not. `nodeargs` it gets from the project's file, where they
 * have a line of their own.
 */
const LANGUAGE_HOST = {
  name: "pulumi-language-nodejs",
  renamed: "language-nodejs",
  text: `#!/bin/sh
project=$PWD
while [ "$project" ] && [ ! -e "$project/Pulumi.yaml" ]; do project=\${project%/*}; done
args=$(sed -n 's/ *#.*//; s/^ *nodeargs: *//p' "$project/Pulumi.yaml" 2>/dev/null)
exec "\${0%/*}/language-nodejs" -typescript=false \${args:+"-nodeargs=$args"} "$@"
`,
};

/**
 * Decides for each part where it comes from, from what is known without the network.
 * @returns {Choice[]}
 */
export function choose() {
  const cli = officialCli();
  /** @type {Choice[]} */
  const engine = cli
    ? [
        {
          name: "pulumi",
          version: cliVersion(cli),
          source: "official",
          folder: path.dirname(cli),
          note: `on PATH: ${shorten(cli)}`,
        },
      ]
    : engineParts.map((name) => ({
        name,
        version: pins.engine[name].version,
        source: "built",
        folder: partFolder(name),
        note: "no pulumi on PATH",
      }));
  return [...engine, ...pluginParts.map(choosePlugin)];
}

/**
 * @param {string} name
 * @returns {Choice}
 */
function choosePlugin(name) {
  const { version, made } = pins.plugins[name];
  const official = officialPlugin(name);
  if (official) return { name, version, source: "official", folder: official.folder, note: official.how };
  const reason = knownUnavailable(name);
  if (reason === undefined) return { name, version, source: "undecided", note: "not asked yet" };
  const note = `official plugin not installed, no download: ${reason}`;
  return { name, version, source: made === "go" ? "built" : "stand-in", folder: partFolder(name), note };
}

/**
 * The folder of the environment that a set of choices makes.
 * @param {Choice[]} choices none of them undecided
 */
export function environmentFolder(choices) {
  return path.join(
    cacheRoot,
    "environments",
    digest([LANGUAGE_HOST, choices.map(({ name, source, folder }) => [name, source, folder])]),
  );
}

/**
 * Whether everything is decided, built and installed.
 * @param {Choice[]} choices
 */
export function isReady(choices) {
  return (
    choices.every(
      (choice) => choice.source === "official" || (choice.source !== "undecided" && isBuilt(choice.name)),
    ) && existsSync(path.join(environmentFolder(choices), environmentMark))
  );
}

/**
 * Installs the chosen parts into their environment's folder, atomically.
 * @param {Choice[]} choices
 * @param {string} cli the Pulumi CLI that installs the plugins
 */
export async function assemble(choices, cli) {
  const folder = environmentFolder(choices);
  const partial = `${folder}.partial`;
  rmSync(partial, { recursive: true, force: true });
  const home = path.join(partial, "home");
  mkdirSync(home, { recursive: true });
  const own = choices.filter((choice) => engineParts.includes(choice.name) && choice.source === "built");
  if (own.length > 0) mkdirSync(path.join(partial, "bin"));
  for (const { folder: part } of own) {
    for (const file of readdirSync(/** @type {string} */ (part))) {
      if (file !== "part.json") place(path.join(/** @type {string} */ (part), file), path.join(partial, "bin", file));
    }
  }
  if (own.length > 0) {
    const host = path.join(partial, "bin", LANGUAGE_HOST.name);
    renameSync(host, path.join(partial, "bin", LANGUAGE_HOST.renamed));
    writeFileSync(host, LANGUAGE_HOST.text, { mode: 0o755 });
  }
  for (const choice of choices.filter(({ name }) => pluginParts.includes(name))) {
    await work({
      title: `installing the ${choice.source} plugin ${choice.name} ${choice.version}`,
      log: `install-${choice.name}`,
      file: cli,
      args: [
        "plugin",
        "install",
        "resource",
        choice.name,
        choice.version,
        "--non-interactive",
        "--file",
        /** @type {string} */ (choice.folder),
      ],
      cwd: "/",
      env: { ...process.env, PULUMI_HOME: home, PULUMI_SKIP_UPDATE_CHECK: "true" },
    });
  }
  writeFileSync(path.join(partial, environmentMark), JSON.stringify(choices, null, 2));
  rmSync(folder, { recursive: true, force: true });
  renameSync(partial, folder);
}

/**
 * A hard link, or a copy where the file system has none.
 * @param {string} from
 * @param {string} to
 */
function place(from, to) {
  try {
    linkSync(from, to);
  } catch {
    cpSync(from, to);
  }
}

/**
 * The variables that a program needs to run with this toolchain. PATH is among them only when the CLI is ours.
 * @returns {Record<string, string>}
 * @throws {Failure} when the toolchain is not built yet
 */
export function variables() {
  const choices = choose();
  if (!isReady(choices))
    throw new Failure("the toolchain is not built for this machine's state: run `toolchain/bin/toolchain build`", 69);
  const folder = environmentFolder(choices);
  const bin = path.join(folder, "bin");
  const inherited = (process.env.PATH ?? "").split(path.delimiter).filter((entry) => entry !== bin);
  return {
    ...(existsSync(bin) ? { PATH: [bin, ...inherited].join(path.delimiter) } : {}),
    PULUMI_HOME: path.join(folder, "home"),
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
  };
}

/**
 * One line for each part: what is in use, in which version, from where.
 * @param {Choice[]} choices
 * @returns {string[]}
 */
export function table(choices) {
  const words = { official: "official", built: "built here", "stand-in": "stand-in", undecided: "undecided" };
  return choices.map((choice) => {
    const made =
      choice.source !== "official" && choice.source !== "undecided" && isBuilt(choice.name)
        ? ` (${partManifest(choice.name).made})`
        : "";
    return `${choice.name.padEnd(23)} ${choice.version.padEnd(9)} ${(words[choice.source] + made).padEnd(27)} ${choice.note}`;
  });
}

/** Removes every part and environment that the present sources and choices do not use. */
export function prune() {
  const choices = choose();
  const used = new Set([
    environmentFolder(choices),
    ...[...engineParts, ...pluginParts, ...programParts].map(partFolder),
  ]);
  for (const kind of ["parts", "environments"]) {
    const root = path.join(cacheRoot, kind);
    for (const entry of existsSync(root) ? readdirSync(root) : []) {
      if (used.has(path.join(root, entry))) continue;
      rmSync(path.join(root, entry), { recursive: true, force: true });
      say(`removed ${shorten(path.join(root, entry))}`);
    }
  }
}
