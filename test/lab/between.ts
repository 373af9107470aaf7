/**
 * Labs between two files of tests, where `bin/test` runs several files side by side. A file begins with a lab that
 * holds nothing or the whole intranet; it goes back to a snapshot unless the file before has left just that. $LAB_RUN
 * is the folder in which the files of one run tell each other.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { ensureLab, exec, INSTANCE, LAB_NAME, labOk, status } from "./support";

/**
 * What a lab holds. `fresh`: hosts as they come, no stack; `intranet`: the stack `lab` as it is committed, all hosts
 * joined.
 */
export type Holds = "fresh" | "intranet";

const RUN = process.env["LAB_RUN"];
/** The file that makes the intranet; the others begin with what it has kept. */
const FIRST = "10-up.test.ts";
const LAST = "90-down.test.ts";
/** Says what the lab holds; not there while a file runs, and after one that failed. */
const NOTE = path.join(INSTANCE.dir, "holds");
const UP_MINUTES = 20;

/** What a file begins with, by its name: numbered ones are about the intranet. */
const wanted = (file: string): Holds => (/^\d/.test(file) && file !== FIRST ? "intranet" : "fresh");
/** What it leaves when all went well. */
const leaves = (file: string): Holds => (file === FIRST ? "intranet" : file === LAST ? "fresh" : wanted(file));

/** The lab in which {@link FIRST} has kept the intranet; undefined when it failed. Waits for it. */
async function whereItIsUp(run: string): Promise<string | undefined> {
  const file = path.join(run, "up");
  const end = Date.now() + UP_MINUTES * 60_000;
  while (!existsSync(file) && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 500));
  return existsSync(file) ? readFileSync(file, "utf8") || undefined : undefined;
}

/**
 * Brings the lab up, in the state that a file begins with. Returns what it surely holds; undefined: nobody knows, as
 * when a file runs by hand.
 */
export async function begin(file: string): Promise<Holds | undefined> {
  const known = existsSync(NOTE) ? (readFileSync(NOTE, "utf8") as Holds) : undefined;
  rmSync(NOTE, { force: true });
  const isNew = await ensureLab();
  if (RUN === undefined) return undefined;
  const holds = isNew ? "fresh" : known;
  if (wanted(file) === holds) return holds;
  if (wanted(file) === "fresh") {
    await labOk(["restore", "fresh"], { timeoutSeconds: 400 });
    return "fresh";
  }
  const of = await whereItIsUp(RUN);
  if (of === undefined) return undefined;
  await labOk(["restore", "up", "--of", of], { timeoutSeconds: 400 });
  return "intranet";
}

/** Notes what the lab holds after a file, if that is sure. Returns what the file has left that it should not have. */
export async function end(file: string, failed: boolean): Promise<string[]> {
  if (RUN === undefined) return [];
  if (file === FIRST) writeFileSync(path.join(RUN, "up"), failed ? "" : LAB_NAME);
  const left = failed ? [] : await leftovers(leaves(file));
  if (!failed && left.length === 0) writeFileSync(NOTE, leaves(file));
  return left;
}

/** What is there that does not belong to it: servers, open transactions and roles by the hosts' ledgers. */
async function leftovers(holds: Holds): Promise<string[]> {
  const { hosts } = await status();
  const servers = hosts.filter(({ kind }) => kind === "server").map(({ name }) => name);
  const found = servers.filter((name) => holds === "fresh" || name !== "vps").map((name) => `the server ${name}`);
  if (holds === "intranet" && !servers.includes("vps")) found.push("no server vps");
  for (const { name, state } of hosts.filter(({ managed }) => managed)) {
    if (state === "off") found.push(`${name}, which is off`);
    else found.push(...(await ledgers(name, holds)));
  }
  return found;
}

async function ledgers(host: string, holds: Holds): Promise<string[]> {
  const { stdout } = await exec(host, ["sh", "-c", "cd /var/lib/intranet 2>/dev/null && ls && cat ledger.json"]);
  const at = stdout.indexOf("{");
  const [listing, ledger] = at < 0 ? [stdout, "{}"] : [stdout.slice(0, at), stdout.slice(at)];
  const roles = Object.keys((JSON.parse(ledger) as { roles?: object }).roles ?? {});
  return [
    ...(listing.includes("journal.json") ? [`${host}, where a change is half made`] : []),
    ...(holds === "fresh" && roles.length > 0 ? [`${host}, with the roles ${roles.join(", ")}`] : []),
  ];
}
