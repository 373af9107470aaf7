/** The machine's own apt configuration, read at run time: which mirror and proxy to use is the machine's business. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import * as path from "node:path";
import { DEBIAN_SUITE } from "../constants";
import { run } from "../process";

const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

/** One place that packages come from: an archive and a suite in it. */
export interface AptSource {
  uri: string;
  suite: string;
}

/** Sources of the one-line style (sources.list(5)); comments and source packages are left out. */
export function parseOneLine(text: string): AptSource[] {
  const sources: AptSource[] = [];
  for (const line of text.split("\n")) {
    const match = /^\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)/.exec(line);
    if (match) sources.push({ uri: match[1]!, suite: match[2]! });
  }
  return sources;
}

/** Sources of the deb822 style (sources.list(5)); disabled stanzas and source packages are left out. */
export function parseDeb822(text: string): AptSource[] {
  const sources: AptSource[] = [];
  for (const stanza of text.split(/\n\s*\n/)) {
    const fields = new Map<string, string>();
    let last = "";
    for (const line of stanza.split("\n")) {
      if (line.startsWith("#")) continue;
      const field = /^([A-Za-z-]+):\s*(.*)$/.exec(line);
      if (field) {
        last = field[1]!.toLowerCase();
        fields.set(last, field[2]!.trim());
      } else if (/^\s/.test(line) && last) {
        fields.set(last, `${fields.get(last)} ${line.trim()}`);
      }
    }
    const words = (name: string): string[] => (fields.get(name) ?? "").split(/\s+/).filter(Boolean);
    if (!words("types").includes("deb") || /^(no|false|off|disable|0)$/i.test(fields.get("enabled") ?? "yes")) continue;
    for (const uri of words("uris")) for (const suite of words("suites")) sources.push({ uri, suite });
  }
  return sources;
}

/**
 * Turns the sources of a machine that runs `codename` into those of the lab's suite: the archive that carries the
 * machine's release carries the lab's too. Throws when there is none.
 */
export function sourcesFor(machine: readonly AptSource[], codename: string, suite = DEBIAN_SUITE): AptSource[] {
  const wanted = new Map<string, AptSource>();
  for (const part of ["", "-updates", "-security"]) {
    for (const source of machine) {
      if (source.suite !== codename + part) continue;
      wanted.set(part, { uri: source.uri, suite: suite + part });
      break;
    }
  }
  if (!wanted.has("")) {
    throw new Error(
      `no apt source of Debian ${codename} in /etc/apt: the lab takes its packages from the archive that the machine uses; add it to /etc/apt/sources.list.d`,
    );
  }
  return [...wanted.values()];
}

/** All binary sources that are configured in `directory` (default /etc/apt). */
export function machineSources(directory = "/etc/apt"): AptSource[] {
  const sources: AptSource[] = [];
  const oneLine = path.join(directory, "sources.list");
  if (existsSync(oneLine)) sources.push(...parseOneLine(readFileSync(oneLine, "utf8")));
  const parts = path.join(directory, "sources.list.d");
  for (const name of existsSync(parts) ? readdirSync(parts).sort() : []) {
    const text = (): string => readFileSync(path.join(parts, name), "utf8");
    if (name.endsWith(".list")) sources.push(...parseOneLine(text()));
    if (name.endsWith(".sources")) sources.push(...parseDeb822(text()));
  }
  return sources;
}

/** `VERSION_CODENAME` of the machine; throws where it is not Debian. */
export function machineCodename(osRelease = readFileSync("/etc/os-release", "utf8")): string {
  const value = (name: string): string | undefined => new RegExp(`^${name}="?([^"\n]*)"?$`, "m").exec(osRelease)?.[1];
  const codename = value("VERSION_CODENAME");
  if (value("ID") !== "debian" || !codename)
    throw new Error(
      `the lab runs on Debian 12 or 13; this machine says ${value("PRETTY_NAME") ?? "nothing in /etc/os-release"}`,
    );
  return codename;
}

/** Lines of a sources.list for the lab's suite, by the machine's mirror. */
export function labSources(): string {
  return sourcesFor(machineSources(), machineCodename())
    .map(({ uri, suite }) => `deb [signed-by=${KEYRING}] ${uri} ${suite} main\n`)
    .join("");
}

/** How the machine fetches: its `Acquire` settings (proxies, time-outs, validity) as an apt.conf. */
export async function machineAcquire(): Promise<string> {
  const dump = await run(["apt-config", "dump"]);
  const lines = dump
    .split("\n")
    .filter((line) => /^Acquire::/.test(line) && !/^Acquire::(IndexTargets|Changelogs|CompressionTypes)\b/.test(line));
  return `${lines.join("\n")}\n`;
}
