// Child processes: argument lists only, their output in a log, their progress in a line now and then.
import { spawn, spawnSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, writeSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { clearInterval, setInterval } from "node:timers";
import { Failure } from "./failure.mjs";
import { cacheRoot, shorten } from "./places.mjs";

/** What runs now: it ends with this process. @type {Set<import("node:child_process").ChildProcess>} */
const running = new Set();
process.on("exit", () => running.forEach((child) => child.kill("SIGTERM")));

/** Seconds between two lines of progress. */
const progressInterval = 10;

/**
 * One line for the person who waits. Goes to stderr: stdout belongs to results.
 * @param {string} line
 */
export function say(line) {
  process.stderr.write(`toolchain: ${line}\n`);
}

/**
 * Seconds as people read them.
 * @param {number} since a Date.now()
 */
export function elapsed(since) {
  const seconds = Math.round((Date.now() - since) / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/**
 * Runs a program to its end and returns what it printed, or undefined when it is missing or fails.
 * @param {string} file
 * @param {string[]} args
 * @param {{ env?: NodeJS.ProcessEnv, cwd?: string, timeout?: number }} [options] timeout in milliseconds; none when absent
 */
export function ask(file, args, options = {}) {
  const result = spawnSync(file, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"], ...options });
  return result.status === 0 ? result.stdout.trim() : undefined;
}

/**
 * Runs a long job at low priority. Everything it prints goes to a log file; a line of progress appears every ten seconds.
 * @param {object} job
 * @param {string} job.title what is being done, for people
 * @param {string} job.log the log's name in the cache
 * @param {string} job.file
 * @param {string[]} job.args
 * @param {string} [job.cwd]
 * @param {NodeJS.ProcessEnv} [job.env] the process's own environment when absent
 * @param {(line: string) => void} [job.onLine] sees every line of its output
 * @param {() => string} [job.status] what to say about the progress
 * @returns {Promise<void>} rejects with a Failure that names the log and shows its end
 */
export async function work(job) {
  const logFile = path.join(cacheRoot, "logs", `${job.log}.log`);
  mkdirSync(path.dirname(logFile), { recursive: true });
  const log = openSync(logFile, "w");
  const started = Date.now();
  say(`${job.title} (log: ${shorten(logFile)})`);
  const timer = setInterval(() => {
    const status = job.status?.();
    say(`${job.title}: ${elapsed(started)}${status ? `, ${status}` : ""}`);
  }, progressInterval * 1000);
  try {
    const code = await new Promise((resolve, reject) => {
      const child = spawn("nice", ["-n", "10", job.file, ...job.args], {
        cwd: job.cwd,
        env: job.env ?? process.env,
        stdio: ["ignore", "pipe", "pipe"],
      });
      running.add(child);
      let rest = "";
      const take = (/** @type {string} */ text) => {
        writeSync(log, text);
        const lines = (rest + text).split("\n");
        rest = lines.pop() ?? "";
        lines.forEach((line) => job.onLine?.(line));
      };
      child.stdout.setEncoding("utf8").on("data", take);
      child.stderr.setEncoding("utf8").on("data", take);
      child.on("error", reject).on("close", (status, signal) => {
        running.delete(child);
        resolve(signal ?? status);
      });
    });
    if (code !== 0)
      throw new Failure(`${job.title} failed (${code}). The end of ${shorten(logFile)}:\n${tail(logFile, 15)}`);
  } finally {
    clearInterval(timer);
    closeSync(log);
  }
  say(`${job.title}: done in ${elapsed(started)}`);
}

/**
 * The last lines of a file.
 * @param {string} file
 * @param {number} lines
 */
function tail(file, lines) {
  return readFileSync(file, "utf8").trimEnd().split("\n").slice(-lines).join("\n");
}
