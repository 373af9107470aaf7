/**
 * Network namespaces and what is in them, by ip(8), nft(8) and sysctl(8). Only ever used inside the lab's own
 * namespaces.
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import * as path from "node:path";
import { run } from "../process";

/** Where ip-netns(8) keeps named namespaces; a tmpfs inside the lab. */
export const NETNS_DIR = "/run/netns";

/**
 * Runs ip(8) commands as one batch, in namespace `ns` or, without it, in the lab's own. The first that fails ends it.
 */
export async function ip(commands: readonly string[], ns?: string): Promise<void> {
  if (commands.length === 0) return;
  await run(["ip", ...(ns ? ["-n", ns] : []), "-batch", "-"], { input: `${commands.join("\n")}\n` });
}

/** Loads an nftables ruleset in namespace `ns`, as one transaction (nft(8), -f). */
export async function nft(ruleset: string, ns: string): Promise<void> {
  await run(inNamespace(ns, ["nft", "-f", "-"]), { input: ruleset });
}

/** Sets kernel parameters in namespace `ns`. */
export async function sysctl(values: Record<string, string | number>, ns: string): Promise<void> {
  await run(
    inNamespace(ns, ["sysctl", "-q", "-w", ...Object.entries(values).map(([key, value]) => `${key}=${value}`)]),
  );
}

/** The argument list that runs `argv` in namespace `ns`, all else as it is. */
export function inNamespace(ns: string, argv: readonly string[]): string[] {
  return ["nsenter", `--net=${path.join(NETNS_DIR, ns)}`, "--", ...argv];
}

/** Whether the namespace exists. */
export function hasNamespace(ns: string): boolean {
  return existsSync(path.join(NETNS_DIR, ns));
}

/** Makes a namespace with its loopback up. Duplicate address detection is off, so that addresses work at once. */
export async function addNamespace(ns: string): Promise<void> {
  await run(["ip", "netns", "add", ns]);
  await sysctl(
    {
      "net.ipv6.conf.all.accept_dad": 0,
      "net.ipv6.conf.default.accept_dad": 0,
      "net.ipv4.ping_group_range": "0 2147483647",
    },
    ns,
  );
  await ip(["link set lo up"], ns);
}

/** Deletes a namespace; one that is not there is no error. */
export async function deleteNamespace(ns: string): Promise<void> {
  if (hasNamespace(ns)) await run(["ip", "netns", "delete", ns]);
}

/** Makes a namespace forward packets of both families, and trust no redirects. */
export async function makeRouter(ns: string): Promise<void> {
  await sysctl(
    {
      "net.ipv4.ip_forward": 1,
      "net.ipv6.conf.all.forwarding": 1,
      "net.ipv4.conf.all.rp_filter": 0,
      "net.ipv4.conf.default.rp_filter": 0,
      "net.ipv4.conf.all.send_redirects": 0,
      "net.ipv4.conf.default.send_redirects": 0,
      // A router of the lab answers every refused packet, so that a probe's fate never depends on the one before.
      "net.ipv4.icmp_ratelimit": 0,
      "net.ipv6.icmp.ratelimit": 0,
      "net.ipv4.icmp_msgs_per_sec": 100000,
      "net.ipv4.icmp_msgs_burst": 100000,
    },
    ns,
  );
}

/** A locally administered MAC address that follows from `label`: the same for the same host after a reset. */
export function macFor(label: string): string {
  const bytes = createHash("sha256").update(label).digest().subarray(0, 5);
  return ["02", ...Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0"))].join(":");
}
