import ipaddr from "ipaddr.js";
import { HETZNER_SPACE } from "../../constants";
import { ApiError, invalidField } from "./errors";
import type { PrimaryIpRecord, ProjectState } from "./model";

/** Host numbers of the IPv4 pool that are given out; the prefix is 198.51.100.0/25 (RFC 5737). */
const IPV4_POOL = { prefix: HETZNER_SPACE.ipv4.split(".").slice(0, 3).join("."), first: 10, last: 126 };
/** Subnets of the IPv6 pool that are given out, a /64 each; the prefix is 2001:db8:100::/48 (RFC 3849). */
const IPV6_POOL = { prefix: HETZNER_SPACE.ipv6.replace("::/48", ""), first: 1, last: 0xffff };

/**
 * Takes the next free address or /64 of the pool. Addresses come round again only after all others, as in a large
 * cloud, so that nothing works by the luck of getting its old address back.
 * @throws ApiError resource_limit_exceeded when the pool is used up
 */
export function allocate(state: ProjectState, type: "ipv4" | "ipv6"): string {
  const used = new Set(state.primaryIps.map((ip) => ip.ip));
  const pool = type === "ipv4" ? IPV4_POOL : IPV6_POOL;
  const size = pool.last - pool.first + 1;
  const last = type === "ipv4" ? state.lastIpv4 : state.lastIpv6;
  for (let step = 0; step < size; step++) {
    const number = pool.first + ((Math.max(last + 1, pool.first) - pool.first + step) % size);
    const ip = type === "ipv4" ? `${pool.prefix}.${number}` : `${pool.prefix}:${number.toString(16)}::/64`;
    if (used.has(ip)) continue;
    if (type === "ipv4") state.lastIpv4 = number;
    else state.lastIpv6 = number;
    return ip;
  }
  throw new ApiError("resource_limit_exceeded", `no free ${type} address is left in the lab's pool of ${size}`);
}

/** The PTR name that an IPv4 address has until somebody sets another. */
export function defaultPtr(ipv4: string): string {
  return `static.${ipv4.split(".").reverse().join(".")}.clients.hetzner.example`;
}

/**
 * The address in canonical form (RFC 5952) if it belongs to the primary IP.
 * @throws ApiError invalid_input when it is no address, or not this primary IP's
 */
export function addressWithin(primaryIp: PrimaryIpRecord, text: string): string {
  if (!ipaddr.isValid(text)) throw invalidField("ip", `'${text}' is not an IP address`);
  const address = ipaddr.parse(text);
  if (!contains(primaryIp, address)) {
    throw invalidField("ip", `'${text}' does not belong to ${primaryIp.ip}`);
  }
  return address.toString();
}

/** True when the text is an address of that primary IP. */
export function belongsTo(primaryIp: PrimaryIpRecord, text: string): boolean {
  return ipaddr.isValid(text) && contains(primaryIp, ipaddr.parse(text));
}

function contains(primaryIp: PrimaryIpRecord, address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  if (address.kind() !== primaryIp.type) return false;
  if (primaryIp.type === "ipv4") return address.toString() === primaryIp.ip;
  return address.match(ipaddr.parseCIDR(primaryIp.ip));
}

/**
 * Checks a PTR name: a host name of at most 253 characters (RFC 1123 section 2.1); in lower case, without final dot.
 * @throws ApiError invalid_input
 */
export function checkPtrName(name: string): string {
  const bare = name.replace(/\.$/, "").toLowerCase();
  const label = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/;
  if (bare.length > 253 || !bare.split(".").every((part) => label.test(part))) {
    throw invalidField("dns_ptr", `'${name}' is not a host name`);
  }
  return bare;
}
