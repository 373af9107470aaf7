// The command line: build, env, status, program, prune.
import path from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { assemble, choose, isReady, prune, table, variables } from "./environment.mjs";
import { Failure } from "./failure.mjs";
import { lock, release } from "./lock.mjs";
import { officialCli, tryDownloads } from "./official.mjs";
import { buildPart, engineParts, isBuilt, partFolder, pluginParts, programParts } from "./parts.mjs";
import { cacheRoot, pins, shorten } from "./places.mjs";
import { elapsed, say } from "./run.mjs";

const help = `usage: toolchain build [--go-only] [--recheck]   make what cannot be downloaded here; a fitting cache is kept
       toolchain env [--json]                    the variables to run Pulumi with, as shell exports or as JSON
       toolchain status [--json]                 which part is in use, in which version, from where
       toolchain program NAME [--where]          build a program for the lab (${programParts.join(", ")}) and print the folder it is in
       toolchain prune                           remove what earlier builds left in the cache

A \`pulumi\` on PATH always wins, and so does an official plugin of the pinned version that is installed or can be
downloaded. The rest is built from pinned Go modules and npm packages into ${shorten(cacheRoot)}
(another place: INTRANET_CACHE). An interrupted build goes on where it stopped when it is run again.

  --go-only   build the engine and the hcloud plugin only: needs no npm packages, so it can run beside \`npm ci\`
  --where     print the folder, and build nothing
  --recheck   ask again for official plugins that could not be downloaded lately (otherwise once a day)
  --json      for programs

Exit codes: 0 done; 64 wrong usage; 69 something is missing on this machine, and the message says what; 1 a build failed.
INTRANET_PLUGIN_TIMEOUT: seconds of silence after which a plugin's download counts as impossible (15).
INTRANET_GO: the Go to use instead of the newest that is found.
`;

/**
 * Builds what is needed, under a lock, and says what is in use.
 * @param {{ goOnly: boolean, recheck: boolean }} options
 */
async function build(options) {
  const choices = choose();
  if (!options.recheck && isReady(choices)) return report(choices);
  await lock();
  const started = Date.now();
  const cli = await cliForInstalling();
  await tryDownloads(
    cli,
    pluginParts.filter((name) => wanted(name, options.recheck)),
  );
  const decided = choose();
  for (const choice of decided) {
    if (choice.source === "built") await buildPart(choice.name);
  }
  if (options.goOnly) return say(`the parts made of Go are there (${elapsed(started)})`);
  for (const choice of decided) {
    if (choice.source === "stand-in") await buildPart(choice.name);
  }
  if (!isReady(decided)) await assemble(decided, cli);
  report(decided);
}

/**
 * Whether a plugin's download is to be tried.
 * @param {string} name
 * @param {boolean} recheck
 */
function wanted(name, recheck) {
  const choice = choose().find((candidate) => candidate.name === name);
  return choice?.source === "undecided" || (recheck && choice?.source !== "official");
}

/**
 * Builds a program for hosts unless it is there, and prints its folder.
 * @param {string | undefined} name
 * @param {boolean} onlyWhere
 */
async function program(name, onlyWhere) {
  if (!name || !programParts.includes(name))
    throw new Failure(`\`toolchain program\` takes one of: ${programParts.join(", ")}`, 64);
  if (!onlyWhere && !isBuilt(name)) {
    await lock(name);
    await buildPart(name);
  }
  process.stdout.write(`${partFolder(name)}\n`);
}

/** The CLI that downloads and installs plugins: the official one, else ours, built first. */
async function cliForInstalling() {
  const official = officialCli();
  if (official) return official;
  for (const name of engineParts) await buildPart(name);
  return path.join(partFolder("pulumi"), "pulumi");
}

/**
 * @param {import("./environment.mjs").Choice[]} choices
 */
function report(choices) {
  process.stdout.write(table(choices).join("\n") + "\n");
}

/** @param {Record<string, string>} values */
function shellExports(values) {
  return Object.entries(values)
    .map(([name, value]) => `export ${name}='${value.replaceAll("'", "'\\''")}'\n`)
    .join("");
}

/** @param {string[]} argv */
async function main(argv) {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: {
      help: { type: "boolean", short: "h" },
      json: { type: "boolean" },
      "go-only": { type: "boolean" },
      recheck: { type: "boolean" },
      where: { type: "boolean" },
    },
  });
  const [command, ...rest] = positionals;
  if (values.help || command === undefined) return void process.stdout.write(help);
  if (command === "program" && rest.length < 2) return program(rest[0], values.where ?? false);
  if (rest.length > 0)
    throw new Failure(`\`toolchain ${command}\` takes no argument "${rest[0]}"; see \`toolchain --help\``, 64);
  if (command === "build") return build({ goOnly: values["go-only"] ?? false, recheck: values.recheck ?? false });
  if (command === "env") {
    const wanted = variables();
    return void process.stdout.write(values.json ? JSON.stringify(wanted, null, 2) + "\n" : shellExports(wanted));
  }
  if (command === "status") {
    const choices = choose();
    return values.json
      ? void process.stdout.write(JSON.stringify({ ready: isReady(choices), pins, parts: choices }, null, 2) + "\n")
      : report(choices);
  }
  if (command === "prune") {
    for (const name of ["lock", ...programParts]) await lock(name);
    return prune();
  }
  throw new Failure(
    `"${command}" is no command of toolchain: build, env, status, program, prune; see \`toolchain --help\``,
    64,
  );
}

for (const [signal, code] of /** @type {const} */ ([
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
])) {
  process.on(signal, () => {
    say("interrupted: what is finished is kept, run it again to go on");
    process.exit(code);
  });
}

main(process.argv.slice(2)).then(
  () => release(),
  (/** @type {Error & { code?: string }} */ error) => {
    const usage = error.code?.startsWith("ERR_PARSE_ARGS");
    process.stderr.write(`toolchain: ${error instanceof Failure || usage ? error.message : error.stack}\n`);
    process.exit(error instanceof Failure ? error.exitCode : usage ? 64 : 1);
  },
);
