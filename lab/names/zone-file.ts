import type { ZoneRecord } from "../machines";

/** Seconds for which a resolver may remember that a name does not exist: new records are to be seen at once. */
const NEGATIVE_TTL = 1;
/** Seconds for which a zone's own SOA, NS and DNSKEY records are valid. */
const OWN_TTL = 300;

const NAME = /^(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$|^\*?$/i;
const TYPE = /^[A-Z][A-Z0-9]{0,15}$/;

/** A zone before it is signed. */
export interface ZoneContent {
  /** Name without the final dot; empty for the root. */
  zone: string;
  /** Names of its name servers, without the final dot. */
  nameServers: string[];
  /** Record data of its DNSKEY record. */
  dnskey: string;
  /** All records but SOA, NS and DNSKEY of the zone itself; the signer adds RRSIG and NSEC. */
  records: ZoneRecord[];
}

/**
 * The zone as a zone file (RFC 1035 section 5.1).
 * @throws Error when a record has a name outside the zone, or could be more than one line or a directive
 */
export function zoneFile(content: ZoneContent, serial: number): string {
  const apex = `${content.zone}.`;
  const soa = `${content.nameServers[0] ?? ""}. hostmaster.example. ${serial} 3600 600 604800 ${NEGATIVE_TTL}`;
  const lines = [
    `${apex} ${OWN_TTL} IN SOA ${soa}`,
    ...content.nameServers.map((name) => `${apex} ${OWN_TTL} IN NS ${name}.`),
    `${apex} ${OWN_TTL} IN DNSKEY ${content.dnskey}`,
    ...content.records.map((record) => recordLine(record, content.zone)),
  ];
  return `${lines.join("\n")}\n`;
}

function recordLine({ name, type, ttl, data }: ZoneRecord, zone: string): string {
  const inside = zone === "" || name === zone || name.endsWith(`.${zone}`);
  if (!inside || !NAME.test(name) || !TYPE.test(type) || /\p{Cc}/u.test(data) || !Number.isInteger(ttl) || ttl < 0) {
    throw new Error(
      `record ${JSON.stringify({ name, type, ttl, data })} cannot stand in zone ${zone}.: check name, type, ttl and data`,
    );
  }
  return `${name}. ${ttl} IN ${type} ${data}`;
}
