/** Probes: one attempt from one host to another, and what became of it. */
import { readFileSync } from "node:fs";
import * as ipaddr from "ipaddr.js";
import { ZONE } from "./constants";
import { execArgv } from "./lab-process";
import { labFile, type InstancePaths } from "./paths";
import { run } from "./process";
import type { LabStatus } from "./supervisor-api";

/** What can be tried. */
export const PROTOCOLS = ["tcp", "udp", "icmp", "http", "https", "dns"] as const;
/** One of them. */
export type Protocol = (typeof PROTOCOLS)[number];

/**
 * What became of a probe:
 * `accepted`: there was an answer that says yes; `refused`: the other end said no (reset, port unreachable);
 * `filtered`: dropped on the way without a word, or with an ICMP "administratively prohibited";
 * `unreachable`: no route, no such host or name; `denied-by-application`: connected, and the application said no
 * (HTTP 401, 403, 421, 444 or 451, DNS REFUSED, a broken TLS handshake).
 */
export type Fate = "accepted" | "refused" | "filtered" | "unreachable" | "denied-by-application";

/** Options of a probe. */
export interface ProbeOptions {
  /** Default: 80 for http, 443 for https, 53 for dns; required for tcp and udp. */
  port?: number;
  /** Default: tcp with a port, icmp without. */
  protocol?: Protocol;
  /** Address family; default: that of an address given, else 4. */
  family?: 4 | 6;
  /**
   * Name to ask for: the Host header and SNI of http and https (default: TO), the name queried of dns (default: the
   * lab's zone).
   */
  host?: string;
  /** Path of http and https; default `/`. */
  path?: string;
  /** Record type of dns; default A, or AAAA with family 6. */
  type?: string;
  /** Seconds to wait for an answer; default 3. */
  timeout?: number;
}

/** What a probe found. */
export interface ProbeResult {
  fate: Fate;
  from: string;
  to: string;
  protocol: Protocol;
  port?: number;
  family: 4 | 6;
  /** The address that was tried; null when the name has none. */
  address: string | null;
  /** What was seen: status, firstLine, headers, body, tls, rcode, answers, icmp, error, local. */
  seen: Record<string, unknown>;
  seconds: number;
}

/** What a scan of TCP ports found. */
export interface ScanResult {
  address: string | null;
  /** Ports that accepted a connection. */
  accepted: number[];
  /** Number of ports that refused, and the first hundred of them. */
  refused: number;
  refusedPorts: number[];
  /** Number of ports that said nothing. */
  filtered: number;
  unreachable: number;
  seconds: number;
}

const DEFAULT_PORTS: Partial<Record<Protocol, number>> = { http: 80, https: 443, dns: 53 };

/** Turns TO into an address or DNS name: lab hosts by their names, all else as it is. */
export function resolveTarget(status: LabStatus, to: string, family: 4 | 6): string {
  const host = to === "operator" ? status.operator : status.hosts.find(({ name }) => name === to);
  if (!host) return to;
  const address = family === 4 ? host.ipv4 : host.ipv6;
  if (!address) throw new Error(`host ${to} has no IPv${family} address`);
  return address;
}

function familyOf(to: string, wanted: 4 | 6 | undefined): 4 | 6 {
  if (!ipaddr.isValid(to)) return wanted ?? 4;
  const family = ipaddr.parse(to).kind() === "ipv4" ? 4 : 6;
  if (wanted !== undefined && wanted !== family)
    throw new Error(`--family ${wanted} and the IPv${family} address ${to} contradict each other`);
  return family;
}

function checkPort(port: number): number {
  if (!Number.isInteger(port) || port < 1 || port > 65535) throw new Error(`--port ${port}: expected 1 to 65535`);
  return port;
}

async function ask(
  paths: InstancePaths,
  status: LabStatus,
  from: string,
  file: "probe.py" | "scan.py",
  question: unknown,
  seconds: number,
): Promise<unknown> {
  const program = readFileSync(labFile(`files/${file}`), "utf8");
  const argv = execArgv(paths, status, from, ["/usr/bin/python3", "-I", "-c", program, JSON.stringify(question)]);
  const output = await run(argv, { timeout: (seconds + 15) * 1000 });
  return JSON.parse(output);
}

/**
 * Tries once. Throws for unknown hosts and options that contradict each other; what the network does is never thrown.
 */
export async function probe(
  paths: InstancePaths,
  status: LabStatus,
  from: string,
  to: string,
  options: ProbeOptions = {},
): Promise<ProbeResult> {
  const protocol = options.protocol ?? (options.port === undefined ? "icmp" : "tcp");
  const family = familyOf(to, options.family);
  const port = options.port === undefined ? DEFAULT_PORTS[protocol] : checkPort(options.port);
  if ((protocol === "tcp" || protocol === "udp") && port === undefined)
    throw new Error(`--protocol ${protocol} needs --port`);
  const timeout = options.timeout ?? 3;
  const question = {
    to: resolveTarget(status, to, family),
    protocol,
    family,
    port,
    timeout,
    host:
      options.host ??
      (protocol === "dns" ? ZONE : ipaddr.isValid(to) || status.hosts.some(({ name }) => name === to) ? "" : to),
    path: options.path ?? "/",
    type: options.type?.toUpperCase() ?? (family === 6 ? "AAAA" : "A"),
  };
  const answer = (await ask(paths, status, from, "probe.py", question, timeout * 3)) as Pick<
    ProbeResult,
    "fate" | "address" | "seen" | "seconds"
  >;
  const { fate, address, seen, seconds } = answer;
  return { fate, from, to, protocol, ...(port === undefined ? {} : { port }), family, address, seen, seconds };
}

/** Tries all TCP ports from `first` to `last` (default: all 65,535), thousands at a time. */
export async function scan(
  paths: InstancePaths,
  status: LabStatus,
  from: string,
  to: string,
  options: { family?: 4 | 6; first?: number; last?: number; timeout?: number } = {},
): Promise<ScanResult> {
  const family = familyOf(to, options.family);
  const ports = [checkPort(options.first ?? 1), checkPort(options.last ?? 65535)];
  const question = {
    to: resolveTarget(status, to, family),
    family,
    ports,
    timeout: options.timeout ?? 1.5,
  };
  return (await ask(paths, status, from, "scan.py", question, 300)) as ScanResult;
}

/** One line for people. */
export function probeText(result: ProbeResult): string {
  const { seen } = result;
  const port = result.port === undefined ? "" : ` port ${result.port}`;
  const icmp = seen["icmp"] as { from: string; meaning: string } | undefined;
  const details = [
    seen["status"] === undefined ? undefined : `HTTP ${String(seen["status"])}`,
    seen["rcode"] === undefined ? undefined : String(seen["rcode"]),
    ...((seen["answers"] as { type: string; data: string }[] | undefined) ?? []).map(
      ({ type, data }) => `${type} ${data}`,
    ),
    seen["firstLine"] ? JSON.stringify(seen["firstLine"]) : undefined,
    icmp ? `ICMP from ${icmp.from}: ${icmp.meaning}` : undefined,
    seen["error"] ? String(seen["error"]) : undefined,
  ].filter((text) => text !== undefined);
  const what = `${result.from} to ${result.to}${result.address && result.address !== result.to ? ` (${result.address})` : ""} ${result.protocol}${port}`;
  return `${result.fate}: ${what}${details.length > 0 ? `: ${details.join(", ")}` : ""}`;
}
