import { SERVICES } from "../constants";
import type { ZoneRecord } from "../machines";
import { zoneKey } from "./keys";
import { REVERSE_ZONES, reverseName } from "./reverse";
import type { ZoneContent } from "./zone-file";

/** What others have put into the name service; the rest of the zones follows from it. */
export interface NamesState {
  version: 1;
  /** The last serial that was given to any zone. */
  serial: number;
  /** Published zones, by name without the final dot. */
  zones: Record<string, ZoneRecord[]>;
  /** PTR names by address. */
  reverse: Record<string, string>;
}

/** The root's only server. */
export const ROOT_SERVER = "a.root-servers.example";
/** The server of the registry `example` and of the reverse zones. */
const REGISTRY_SERVER = "ns1.example";
/** The servers of published zones, as the Cloudflare service shows them. */
const HOSTING_SERVERS = ["ns1.cloudflare.example", "ns2.cloudflare.example"];
const REGISTRY = "example";
const TTL = 300;

/** Names of all zones that are served, the root first. */
export function zoneNames(state: NamesState): string[] {
  return ["", REGISTRY, ...REVERSE_ZONES, ...Object.keys(state.zones).sort()];
}

/** The zone that delegates a zone: the longest other one that it lies in. */
export function parentOf(zone: string, state: NamesState): string {
  const candidates = zoneNames(state).filter((other) => other !== "" && zone.endsWith(`.${other}`));
  return candidates.sort((a, b) => b.length - a.length)[0] ?? "";
}

/** The content of a zone: its own records, and a signed delegation of each zone below it. */
export function zoneContent(zone: string, state: NamesState): ZoneContent {
  const children = zoneNames(state).filter((other) => other !== "" && parentOf(other, state) === zone);
  const records = [...ownRecords(zone, state), ...children.flatMap((child) => delegation(child))];
  return { zone, nameServers: serversOf(zone), dnskey: zoneKey(zone).dnskey, records };
}

function serversOf(zone: string): string[] {
  if (zone === "") return [ROOT_SERVER];
  const isRegistry = zone === REGISTRY || (REVERSE_ZONES as readonly string[]).includes(zone);
  return isRegistry ? [REGISTRY_SERVER] : HOSTING_SERVERS;
}

function delegation(child: string): ZoneRecord[] {
  const servers = serversOf(child).map((server) => ({ name: child, type: "NS", ttl: TTL, data: `${server}.` }));
  return [...servers, { name: child, type: "DS", ttl: TTL, data: zoneKey(child).ds }];
}

function ownRecords(zone: string, state: NamesState): ZoneRecord[] {
  const { authoritative, resolver, hetzner, cloudflare, packages } = SERVICES;
  if (zone === "") return [ROOT_SERVER, REGISTRY_SERVER].flatMap((name) => addresses(name, authoritative)); // glue
  if (zone === REGISTRY) {
    const servers = [ROOT_SERVER, REGISTRY_SERVER, ...HOSTING_SERVERS];
    return [
      ...servers.flatMap((name) => addresses(name, authoritative)),
      ...addresses("resolver.example", resolver),
      ...addresses("api.hetzner.example", hetzner),
      ...addresses("api.cloudflare.example", cloudflare),
      ...addresses("packages.example", packages),
    ];
  }
  const published = state.zones[zone];
  if (published) return published;
  return Object.entries(state.reverse).flatMap(([ip, target]) => {
    const { name, zone: home } = reverseName(ip);
    return home === zone ? [{ name, type: "PTR", ttl: TTL, data: `${target}.` }] : [];
  });
}

function addresses(name: string, { ipv4, ipv6 }: { ipv4: string; ipv6: string }): ZoneRecord[] {
  return [
    { name, type: "A", ttl: TTL, data: ipv4 },
    { name, type: "AAAA", ttl: TTL, data: ipv6 },
  ];
}
