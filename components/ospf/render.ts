/** BIRD's configuration and what systemd needs beside Debian's unit. Pure. */
import { AFTER_IDENTITY } from "../host-identity/render";
import { ownerRules, type Owners } from "./owners";
import {
  hubRoutes,
  notOwn,
  notSinkholes,
  ownAddresses,
  publicExport,
  publicFilter,
  publicTables,
  type PublicBird,
} from "./public";
import { SANDBOX } from "../common/hardening";
import { familyOf, lines, MADE_BY } from "../common/text";

/** BIRD's configuration. */
export const BIRD_CONFIG = "/etc/bird/bird.conf";
/** What is added to Debian's unit. */
export const BIRD_DROP_IN = "/etc/systemd/system/bird.service.d/intranet.conf";

/** Seconds between two hellos. */
export const HELLO_SECONDS = 5;
/** Seconds without a hello until a neighbour is given up, where BFD is not quicker. */
export const DEAD_SECONDS = 20;
/** RFC 2328's backbone. */
const BACKBONE = 0;
const DEFAULT_COST = 10;

/** What the configuration depends on. */
export interface BirdConfig {
  readonly routerId: string;
  readonly identity: { readonly v4: string; readonly v6: string };
  readonly space: { readonly v4: string; readonly v6: string };
  readonly announce: readonly string[];
  readonly interfaces: readonly BirdInterface[];
  /** Absent: off. */
  readonly bfd?: { readonly intervalMs: number; readonly multiplier: number };
  /** Absent: the space is all. */
  readonly public?: PublicBird;
  /** Absent: whatever lies in the space is taken from everybody. */
  readonly owners?: Owners;
}

/** An interface; its secret is the placeholder that {@link secretName} names. */
export interface BirdInterface {
  readonly interface: string;
  readonly area?: number;
  readonly cost?: number;
  readonly neighbour: string;
  /** The interface of the tunnel before it. */
  readonly spare?: string;
}

/** The placeholder of an interface's secret. */
export function secretName(interfaceName: string): string {
  return `ospf_${interfaceName.replaceAll("-", "_")}`;
}

/** What differs between the two versions of OSPF. */
interface Version {
  readonly family: 4 | 6;
  readonly version: "v2" | "v3";
  readonly bits: 32 | 128;
  readonly identity: string;
  readonly space: string;
  /** The identity first. What is part of it is taken from nobody. */
  readonly announced: readonly string[];
  /** What is carried beside the space. */
  readonly public?: PublicBird;
}

function versionsOf(config: BirdConfig): Version[] {
  const version = (family: 4 | 6): Version => {
    const [name, bits, field] = family === 4 ? (["v2", 32, "v4"] as const) : (["v3", 128, "v6"] as const);
    const identity = config.identity[field];
    const part = family === 6 ? config.public : undefined;
    const announced = [
      `${identity}/${bits}`,
      ...config.announce.filter((prefix) => familyOf(prefix) === family),
      ...(part ? ownAddresses(part) : []),
    ];
    const space = config.space[field];
    return { family, version: name, bits, identity, space, announced, ...(part ? { public: part } : {}) };
  };
  return [version(4), version(6)];
}

/**
 * The whole configuration. Others' announcements pass one filter: a part of the space, from its owner where those are
 * known, and nothing that this host announces itself; so neither a tunnel's link-local addresses nor a default route
 * get in, and nobody takes this host's own LAN from it. `direct` knows what is connected and wins over OSPF, also where
 * the kernel's own metric would not. That it and BFD go by names does no harm: of the owner's own `wg-…` only what is
 * connected there stays unknown here. What this host announces are stub networks: BIRD sets no route for them here.
 * Routes are taken back when BIRD ends; the space is then unreachable but for the tunnels' own routes.
 */
export function renderBirdConfig(config: BirdConfig): string {
  const versions = versionsOf(config);
  return lines(
    `# ${MADE_BY}`,
    "log syslog all;",
    `router id ${config.routerId};`,
    "",
    "protocol device {",
    "}",
    "",
    "protocol direct {",
    "\tipv4;",
    "\tipv6;",
    '\tinterface -"wg-*", "*";',
    "}",
    config.bfd ? bfdProtocol(config.bfd) : [],
    ...versions.map((version) => familySections(version, config)),
    config.public ? [...hubRoutes(config.public), ...publicTables(config.public)] : [],
  );
}

/** One hop, on the tunnels alone; a socket for each tunnel's own address, so nothing listens on a LAN. */
function bfdProtocol(bfd: NonNullable<BirdConfig["bfd"]>): string[] {
  return [
    "",
    "protocol bfd {",
    "\taccept direct;",
    "\tstrict bind yes;",
    '\tinterface "wg-*" {',
    `\t\tinterval ${bfd.intervalMs} ms;`,
    `\t\tidle tx interval ${bfd.intervalMs} ms;`,
    `\t\tmultiplier ${bfd.multiplier};`,
    "\t};",
    "}",
  ];
}

/** What is taken from others: by its owner where those are known, else all that lies in the space. */
function taken(version: Version, owners: Owners | undefined): string[] {
  const { family, bits, space } = version;
  const longer = Number(space.split("/")[1]) + 1;
  if (owners) return [...(version.public ? notSinkholes() : []), ...ownerRules(owners, family)];
  return [
    ...(version.public ? publicFilter(version.public) : []),
    `\tif net ~ [ ${space}{${longer},${bits}} ] then accept;`,
  ];
}

function familySections(version: Version, config: BirdConfig): string[] {
  const { family } = version;
  return [
    "",
    `filter parts_of_the_space${family} {`,
    `\tif net ~ [ ${version.announced.map((prefix) => `${prefix}+`).join(", ")} ] then reject;`,
    ...taken(version, config.owners),
    "\treject;",
    "}",
    "",
    `protocol kernel kernel${family} {`,
    `\tipv${family} {`,
    "\t\timport none;",
    "\t\texport filter {",
    "\t\t\tif source = RTS_DEVICE then reject;",
    ...(version.public ? [notOwn(version.public)] : []),
    `\t\t\tkrt_prefsrc = ${version.identity};`,
    "\t\t\taccept;",
    "\t\t};",
    "\t};",
    "}",
    "",
    `protocol ospf ${version.version} ospf${family} {`,
    "\tecmp no;",
    `\tipv${family} {`,
    `\t\timport filter parts_of_the_space${family};`,
    version.public ? publicExport(version.public) : "\t\texport none;",
    "\t};",
    ...areaSections(version, config),
    "}",
  ];
}

/** What the host announces stands in the backbone, or in the only other area that it is in. */
function areaSections(version: Version, config: BirdConfig): string[] {
  const areas = [...new Set(config.interfaces.map((entry) => entry.area ?? BACKBONE))].sort((a, b) => a - b);
  if (areas.length === 0) areas.push(BACKBONE);
  return areas.flatMap((area, index) => [
    `\tarea ${area} {`,
    ...(index === 0 ? version.announced.map((prefix) => `\t\tstubnet ${prefix};`) : []),
    ...config.interfaces
      .filter((entry) => (entry.area ?? BACKBONE) === area)
      .flatMap(withSpare)
      .flatMap((entry) => interfaceSection(entry, config.bfd !== undefined)),
    "\t};",
  ]);
}

/** The interface, and the one of the tunnel before it: whoever has both sends into the new one. */
function withSpare({ spare, ...entry }: BirdInterface): BirdInterface[] {
  return spare === undefined
    ? [entry]
    : [entry, { ...entry, interface: spare, cost: (entry.cost ?? DEFAULT_COST) + 1 }];
}

function interfaceSection(entry: BirdInterface, bfd: boolean): string[] {
  return [
    `\t\tinterface "${entry.interface}" { # ${entry.neighbour}`,
    "\t\t\ttype ptp;",
    `\t\t\tcost ${entry.cost ?? DEFAULT_COST};`,
    `\t\t\thello ${HELLO_SECONDS};`,
    `\t\t\tdead ${DEAD_SECONDS};`,
    ...(bfd ? ["\t\t\tbfd yes;"] : []),
    "\t\t\tauthentication cryptographic;",
    `\t\t\tpassword "{{${secretName(entry.interface)}}}" {`,
    "\t\t\t\talgorithm hmac sha256;",
    "\t\t\t};",
    "\t\t};",
  ];
}

/** Starts BIRD after the host's identity, which is the source of its routes, and again whenever it ends. */
export function renderBirdDropIn(): string {
  return lines(
    `# ${MADE_BY}`,
    ...AFTER_IDENTITY,
    "[Service]",
    "Restart=always",
    "RestartSec=5s",
    // Its own preparation gives the folder of its socket to its account.
    "CapabilityBoundingSet=CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER CAP_NET_ADMIN CAP_NET_BIND_SERVICE CAP_NET_BROADCAST CAP_NET_RAW CAP_SETGID CAP_SETUID",
    SANDBOX,
    "ProtectSystem=full",
    "RestrictAddressFamilies=AF_INET AF_INET6 AF_NETLINK AF_UNIX",
  );
}
