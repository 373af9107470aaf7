/** Zone files (RFC 1035, section 5). Pure. */
import { DEFAULT_TTL, nameServerLabel } from "../../model";
import { lines, MADE_BY } from "../common/text";
import type { InternalDnsArgs, InternalRecord } from "./args";
import { reverseName, spaceZones } from "./reverse";

/**
 * SOA's times in seconds. A secondary asks after at most a minute even if no NOTIFY arrived, and goes on answering for
 * a month without the primary. That a name does not exist is believed for a minute.
 */
const [REFRESH, RETRY, EXPIRE, NEGATIVE] = [60, 60, 2_592_000, 60];

/** The line in which the host puts a serial that rises with each other content. */
export const SERIAL_LINE = "0 ; serial";

interface Line {
  readonly name: string;
  readonly ttl?: number;
  readonly type: string;
  readonly data: string;
}

/** The full names of the servers, in their order, without the trailing dot. */
export function nameServers(args: Pick<InternalDnsArgs, "domain" | "servers">): string[] {
  return args.servers.map((_, index) => `${nameServerLabel(index)}.${args.domain}`);
}

function renderZone(args: InternalDnsArgs, zone: string, records: readonly Line[]): string {
  const servers = nameServers(args);
  const body = records
    .map(({ name, ttl, type, data }) => `${name}\t${ttl === undefined ? "" : ttl}\tIN\t${type}\t${data}`)
    .sort();
  return lines(
    `; ${MADE_BY}`,
    `$ORIGIN ${zone}.`,
    `$TTL ${DEFAULT_TTL}`,
    `@\t\tIN\tSOA\t${servers[0]!}. hostmaster.${args.domain}. (`,
    `\t\t${SERIAL_LINE}, set on the host`,
    `\t\t${REFRESH} ${RETRY} ${EXPIRE} ${NEGATIVE} )`,
    servers.map((server) => `@\t\tIN\tNS\t${server}.`),
    body,
  );
}

/** The addresses of the name servers themselves. */
function ownRecords(args: InternalDnsArgs): InternalRecord[] {
  return args.servers.flatMap(({ identity }, index) => [
    { name: nameServerLabel(index), type: "A", data: identity.v4 },
    { name: nameServerLabel(index), type: "AAAA", data: identity.v6 },
  ]);
}

/**
 * Every zone that the servers answer for, by name: the domain, then the reverse zones. One record is one line of one of
 * them.
 */
export function renderZones(args: InternalDnsArgs): Record<string, string> {
  const forward = renderZone(args, args.domain, [...ownRecords(args), ...args.records]);
  const pointers = args.reverse.map(({ address, name }) => ({ full: reverseName(address), data: `${name}.` }));
  const reverse = spaceZones(args.space).map((zone): [string, string] => {
    const inside = pointers.filter(({ full }) => full.endsWith(`.${zone}`));
    const records = inside.map(({ full, data }) => ({ name: full.slice(0, -zone.length - 1), type: "PTR", data }));
    return [zone, renderZone(args, zone, records)];
  });
  return { [args.domain]: forward, ...Object.fromEntries(reverse) };
}

/** The names of those zones. */
export function zoneNames(args: Pick<InternalDnsArgs, "domain" | "space">): string[] {
  return [args.domain, ...spaceZones(args.space)];
}
