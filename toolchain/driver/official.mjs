// What is official on this machine: a `pulumi` on PATH, installed plugins, plugins that the official client can download.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, realpathSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { clearInterval, setInterval } from "node:timers";
import { cacheRoot, isOurs, pins, userPulumiHome } from "./places.mjs";
import { ask, say } from "./run.mjs";

/** A Pulumi home of ours that holds nothing but official plugins, as downloaded. */
const downloads = path.join(cacheRoot, "official");

/** What was found out about downloads, and when. */
const verdictFile = path.join(cacheRoot, "downloads.json");

/** How long a "cannot be downloaded" is believed, in milliseconds: a day. */
const verdictLifetime = 24 * 3600 * 1000;

/** A download that receives nothing for this long has no way to the plugin host, in milliseconds. */
const silenceLimit = Number(process.env.INTRANET_PLUGIN_TIMEOUT || 15) * 1000;

/**
 * The official CLI: the first `pulumi` on PATH that is not ours. It always wins.
 * @returns {string | undefined} its path
 */
export function officialCli() {
  for (const folder of (process.env.PATH ?? "").split(path.delimiter)) {
    const file = path.join(folder, "pulumi");
    if (!path.isAbsolute(folder) || !existsSync(file)) continue;
    const real = realpathSync(file);
    if (statSync(real).isFile() && !isOurs(real) && !isOurs(file)) return file;
  }
  return undefined;
}

/**
 * The version that a CLI says it has, without the v.
 * @param {string} file
 */
export function cliVersion(file) {
  return (
    ask(file, ["version"], { timeout: 20_000, env: { ...process.env, PULUMI_SKIP_UPDATE_CHECK: "true" } }) ?? "unknown"
  ).replace(/^v/, "");
}

/**
 * The folder of an official plugin of exactly the pinned version: installed by the user, or downloaded by us.
 * @param {string} name
 * @returns {{ folder: string, how: "installed" | "downloaded" } | undefined}
 */
export function officialPlugin(name) {
  const entry = `resource-${name}-v${pins.plugins[name].version}`;
  for (const how of /** @type {const} */ (["installed", "downloaded"])) {
    const folder = path.join(how === "installed" ? userPulumiHome() : downloads, "plugins", entry);
    // The client marks an unfinished installation with a file beside the folder.
    if (existsSync(folder) && !existsSync(`${folder}.partial`)) return { folder, how };
  }
  return undefined;
}

/**
 * Whether a download was tried lately and failed, so that it need not be tried again.
 * @param {string} name
 * @returns {string | undefined} why it failed
 */
export function knownUnavailable(name) {
  const verdict = readVerdicts()[verdictKey(name)];
  return verdict && Date.now() - verdict.at < verdictLifetime ? verdict.reason : undefined;
}

/**
 * Tries to download the official plugins with a Pulumi CLI, side by side, and writes down what cannot be had.
 * @param {string} cli
 * @param {string[]} names
 */
export async function tryDownloads(cli, names) {
  if (names.length === 0) return;
  say(`asking for the official plugins ${names.map((name) => `${name} ${pins.plugins[name].version}`).join(", ")}`);
  const verdicts = readVerdicts();
  await Promise.all(
    names.map(async (name) => {
      const reason = await download(cli, name);
      if (reason === undefined) delete verdicts[verdictKey(name)];
      else verdicts[verdictKey(name)] = { reason, at: Date.now() };
    }),
  );
  writeFileSync(verdictFile, JSON.stringify(verdicts, null, 2));
}

/**
 * @param {string} cli
 * @param {string} name
 * @returns {Promise<string | undefined>} undefined when it is there, else why not
 */
function download(cli, name) {
  mkdirSync(downloads, { recursive: true });
  const env = { ...process.env, PULUMI_HOME: downloads, PULUMI_SKIP_UPDATE_CHECK: "true" };
  const args = [
    "plugin",
    "install",
    "resource",
    name,
    pins.plugins[name].version,
    "--exact",
    "--non-interactive",
    "--color",
    "never",
  ];
  return new Promise((resolve) => {
    const child = spawn(cli, args, { cwd: "/", env, stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    let silent = false;
    let heard = { bytes: -1, at: Date.now() };
    const watch = setInterval(() => {
      const bytes = received(child.pid);
      if (bytes - heard.bytes > 512) heard = { bytes, at: Date.now() };
      else if (Date.now() - heard.at > silenceLimit) silent = child.kill("SIGKILL");
    }, 500);
    child.stdout.setEncoding("utf8").on("data", (text) => (said += text));
    child.stderr.setEncoding("utf8").on("data", (text) => (said += text));
    child.on("error", (error) => (said += error.message));
    child.on("close", (status) => {
      clearInterval(watch);
      if (status === 0 && officialPlugin(name)) resolve(undefined);
      else if (silent) resolve(`the plugin host sent nothing for ${silenceLimit / 1000} s`);
      else resolve(reasonIn(said));
    });
  });
}

/**
 * The bytes that a process has read so far, sockets included (proc(5), io: rchar).
 * @param {number | undefined} pid
 */
function received(pid) {
  try {
    return Number(/^rchar: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, "utf8"))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/**
 * The most telling part of what the client printed: the cause at the end of its first error.
 * @param {string} said
 */
function reasonIn(said) {
  const line = said.split("\n").find((text) => /error/i.test(text)) ?? said.trim().split("\n").pop() ?? "";
  const parts = line.split(": ");
  return (parts.length > 2 ? parts.slice(-2).join(": ") : line).trim() || "the client gave no reason";
}

/**
 * @param {string} name
 */
function verdictKey(name) {
  return `${name}@${pins.plugins[name].version}`;
}

/** @returns {Record<string, { reason: string, at: number }>} */
function readVerdicts() {
  return existsSync(verdictFile) ? JSON.parse(readFileSync(verdictFile, "utf8")) : {};
}
