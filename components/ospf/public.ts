/**
 * What BIRD does beside the space: services' public addresses, the way to visitors and to IPv4 guests, in IPv6 alone.
 * Pure.
 */
import { GUEST_PREFIX, PUBLIC_TABLE } from "../../model";
import { placeholderOf } from "../common/placeholder";
import { PUBLIC_NETWORK, SINKHOLE_PREFIX } from "../common/public-network";

/** The public part of the configuration. */
export interface PublicBird {
  /** See {@link PublicOspf.side}. */
  readonly side: "hub" | "site";
  /** The names of the services' addresses, which are placeholders: see {@link addressName}. */
  readonly addresses: readonly string[];
  /** The tables of pinned services; the source of each is the placeholder that {@link sourceName} names. */
  readonly pinned: readonly number[];
}

/** The whole Internet. */
const DEFAULT = "::/0";

/** The placeholder of a service's address. */
export function addressName(service: string): string {
  return placeholderOf("address", service);
}

/** The placeholder of a table's source. */
export function sourceName(table: number): string {
  return `public_source_${table}`;
}

/** The services' addresses, which nobody else's announcement is taken of. */
export function ownAddresses({ addresses }: PublicBird): string[] {
  return addresses.map((name) => `{{${name}}}/128`);
}

/**
 * The hub's ways to visitors and guests, for the others. They go out as routes of the outside: BIRD announces no
 * default route of an area in another one. The hub itself has both ways already, so they never get into its own routes.
 */
export function hubRoutes({ side }: PublicBird): string[] {
  if (side === "site") return [];
  const routes = [DEFAULT, GUEST_PREFIX].map((prefix) => `\troute ${prefix} unreachable;`);
  return ["", "protocol static outside {", "\tipv6;", ...routes, "}"];
}

/** What is announced from there. */
export function publicExport({ side }: PublicBird): string {
  return side === "hub" ? "\t\texport where source = RTS_STATIC;" : "\t\texport none;";
}

/** The sinkhole's own addresses are nobody's to announce. */
export function notSinkholes(): string[] {
  return [`\tif net ~ [ ${SINKHOLE_PREFIX}+ ] then reject;`];
}

/**
 * What the filter accepts beside parts of the space: single addresses of the network, but for the sinkhole's; and at a
 * site what the hub announces.
 */
export function publicFilter({ side }: PublicBird): string[] {
  return [
    ...notSinkholes(),
    `\tif net ~ [ ${PUBLIC_NETWORK}{128,128} ] then accept;`,
    ...(side === "site" ? [`\tif net ~ [ ${DEFAULT}, ${GUEST_PREFIX} ] then accept;`] : []),
  ];
}

/** What does not get into the host's own routes: the way to visitors, and the hub's for the others. */
export function notOwn({ side }: PublicBird): string {
  return `\t\t\tif ${side === "hub" ? "source = RTS_STATIC" : `net = ${DEFAULT}`} then reject;`;
}

/**
 * The tables that the way to visitors stands in: that of what has a source of the network, and one for each pinned
 * service, which gets its source there.
 */
export function publicTables({ side, pinned }: PublicBird): string[] {
  if (side === "hub") return [];
  return [
    ...tableSections("public6", PUBLIC_TABLE, "\t\texport all;"),
    ...pinned.flatMap((table) =>
      tableSections(`pinned_${table}`, table, [
        "\t\texport filter {",
        `\t\t\tkrt_prefsrc = {{${sourceName(table)}}};`,
        "\t\t\taccept;",
        "\t\t};",
      ]),
    ),
  ];
}

function tableSections(name: string, table: number, exported: string | string[]): string[] {
  return [
    "",
    `ipv6 table ${name};`,
    "",
    `protocol pipe to_${name} {`,
    "\ttable master6;",
    `\tpeer table ${name};`,
    "\timport none;",
    `\texport where net = ${DEFAULT};`,
    "}",
    "",
    `protocol kernel kernel_${name} {`,
    `\tkernel table ${table};`,
    "\tipv6 {",
    `\t\ttable ${name};`,
    "\t\timport none;",
    ...[exported].flat(),
    "\t};",
    "}",
  ];
}
