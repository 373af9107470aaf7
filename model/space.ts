/** The address space: the supernets, and the pools that are carved from their ends. */
import { createHash } from "node:crypto";
import { formatPrefix, subPrefixFromEnd, type Prefix } from "./prefix";

/** The space and the pools in it. */
export interface SpacePlan {
  readonly v4: Prefix;
  readonly v6: Prefix;
  /** One address for each managed host. */
  readonly identities: { readonly v4: Prefix; readonly v6: Prefix };
  /** One address for each device. */
  readonly devices: { readonly v4: Prefix; readonly v6: Prefix };
}

/**
 * A unique local /48 (RFC 4193, section 3.2): fd00::/8 and 40 bits of the SHA-256 of name and domain. The domain makes
 * it differ between people who call their intranets the same.
 */
export function uniqueLocalPrefix(name: string, domain: string): Prefix {
  const digest = createHash("sha256").update(`unique local prefix\0${name}\0${domain}`).digest();
  const globalId = BigInt(`0x${digest.subarray(0, 5).toString("hex")}`);
  return { family: 6, base: (0xfdn << 120n) | (globalId << 80n), length: 48 };
}

/** The length of a pool that nobody gave: a /20, or a sixteenth of a space below /16, at least a /26. */
export function defaultPoolLength(spaceLength: number): number {
  return Math.min(Math.max(spaceLength + 4, 20), 26);
}

/**
 * Lays out the space: IPv4 identities at its end and devices before them, unless given; IPv6 identities in the last /64
 * and devices in the one before.
 */
export function layOutSpace(v4: Prefix, v6: Prefix, pools: { identities?: Prefix; devices?: Prefix }): SpacePlan {
  const length = defaultPoolLength(v4.length);
  return {
    v4,
    v6,
    identities: { v4: pools.identities ?? subPrefixFromEnd(v4, length, 0n), v6: subPrefixFromEnd(v6, 64, 0n) },
    devices: { v4: pools.devices ?? subPrefixFromEnd(v4, length, 1n), v6: subPrefixFromEnd(v6, 64, 1n) },
  };
}

/** The four pools with names for messages. */
export function namedPools(space: SpacePlan): { path: string; prefix: Prefix }[] {
  return [
    { path: "pools.identities", prefix: space.identities.v4 },
    { path: "pools.devices", prefix: space.devices.v4 },
    { path: "the identities' IPv6 pool", prefix: space.identities.v6 },
    { path: "the devices' IPv6 pool", prefix: space.devices.v6 },
  ];
}

/** A prefix with the path where it stands, for messages: `sites.home.lan[0] "10.20.0.0/24"`. */
export function describePrefix(named: { path: string; prefix: Prefix }): string {
  return `${named.path} "${formatPrefix(named.prefix)}"`;
}
