import { ACME, SERVICES } from "../constants";
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

/** A zone of somebody else's, signed as it should be. */
export const SIGNED_ZONE = "signed.example";
/** A zone of somebody else's whose content is not what was signed: whoever validates must refuse it. */
export const BROKEN_ZONE = "broken.example";
/** What is changed in the broken zone after it was signed: each text on the left becomes the one on the right. */
const FORGED = { "192.0.2.42": "192.0.2.66", '"as signed"': '"forged"' };

/** Names of all zones that are served, the root first. */
export function zoneNames(state: NamesState): string[] {
  return ["", REGISTRY, ...REVERSE_ZONES, SIGNED_ZONE, BROKEN_ZONE, ...Object.keys(state.zones).sort()];
}

/** The zone that delegates a zone: the longest other one that it lies in. */
export function parentOf(zone: string, state: NamesState): string {
  const candidates = zoneNames(state).filter((other) => other !== "" && zone.endsWith(`.${other}`));
  return candidates.sort((a, b) => b.length - a.length)[0] ?? "";
}

/** What is served of a signed zone file: the file as it is, but for the broken zone. */
export function served(zone: string, signed: string): string {
  if (zone !== BROKEN_ZONE) return signed;
  return Object.entries(FORGED).reduce((text, [from, to]) => text.replaceAll(from, to), signed);
}

/** The content of a zone: its own records, and a signed delegation of each zone below it. */
export function zoneContent(zone: string, state: NamesState): ZoneContent {
  const children = zoneNames(state).filter((other) => other !== "" && parentOf(other, state) === zone);
  const records = [...ownRecords(zone, state), ...children.flatMap((child) => delegation(child))];
  return { zone, nameServers: serversOf(zone), dnskey: zoneKey(zone).dnskey, records };
}

function serversOf(zone: string): string[] {
  if (zone === "") return [ROOT_SERVER];
  const isRegistry = [REGISTRY, SIGNED_ZONE, BROKEN_ZONE, ...REVERSE_ZONES].includes(zone);
  return isRegistry ? [REGISTRY_SERVER] : HOSTING_SERVERS;
}

function delegation(child: string): ZoneRecord[] {
  const servers = serversOf(child).map((server) => ({ name: child, type: "NS", ttl: TTL, data: `${server}.` }));
  return [...servers, { name: child, type: "DS", ttl: TTL, data: zoneKey(child).ds }];
}

function ownRecords(zone: string, state: NamesState): ZoneRecord[] {
  const { authoritative, resolver, hetzner, cloudflare, packages, acme } = SERVICES;
  if (zone === "") return [ROOT_SERVER, REGISTRY_SERVER].flatMap((name) => addresses(name, authoritative)); // glue
  if (zone === REGISTRY) {
    const servers = [ROOT_SERVER, REGISTRY_SERVER, ...HOSTING_SERVERS];
    return [
      ...servers.flatMap((name) => addresses(name, authoritative)),
      ...addresses("resolver.example", resolver),
      ...addresses("api.hetzner.example", hetzner),
      ...addresses("api.cloudflare.example", cloudflare),
      ...addresses("packages.example", packages),
      ...addresses(ACME.name, acme),
    ];
  }
  if (zone === SIGNED_ZONE || zone === BROKEN_ZONE) {
    const [address, text] = zone === BROKEN_ZONE ? Object.keys(FORGED) : ["192.0.2.41", '"as signed"'];
    return [
      { name: zone, type: "A", ttl: TTL, data: address! },
      { name: zone, type: "TXT", ttl: TTL, data: text! },
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
