import {
  checkLabel,
  checkPrefix,
  containsPrefix,
  formatPrefix,
  Issues,
  show,
  ValidationError,
  type Prefix,
} from "../../model";
import {
  checkAddress,
  checkIdentityIn,
  checkInterface,
  checkOneOf,
  checkPinnedTable,
  checkUnique,
} from "../common/check";
import { addressRule, checkInput, IPV6_PREFIX, NETWORK_64 } from "../common/input";
import type { BfdArgs, OspfArgs, OspfInterface, OspfOwner, PublicOspf } from "./args";

/** Checks the arguments; raises a ValidationError with all problems at once. */
export function checkOspf(subject: string, args: OspfArgs): void {
  const issues = new Issues();
  checkAddress(args.routerId, "routerId", 4, issues);
  if (args.routerId === "0.0.0.0")
    issues.add("routerId", "must not be 0.0.0.0 (RFC 2328)", [show(args.routerId)], "take the host's IPv4 identity");
  const spaces = checkIdentityIn(args.identity, args.space, "identity.", issues);
  const taken = new Map([`${args.identity.v4}/32`, `${args.identity.v6}/128`].map((text) => [text, "identity"]));
  args.announce.forEach((text, index) => checkAnnounced(text, `announce[${index}]`, spaces, taken, issues));
  const interfaces = new Map<string, string>();
  args.interfaces.forEach((entry, index) => checkEntry(entry, `interfaces[${index}]`, interfaces, issues));
  checkAreas(args.interfaces, issues);
  if (typeof args.bfd === "object") checkBfd(args.bfd, issues);
  if (args.public) checkPublic(args.public, issues);
  if (args.owners) checkOwners(args, args.owners, spaces, issues);
  issues.throwIfAny(subject);
}

function checkAnnounced(
  text: string,
  path: string,
  spaces: readonly (Prefix | undefined)[],
  taken: Map<string, string>,
  issues: Issues,
): void {
  const prefix = checkPrefix(text, path, issues);
  if (!prefix) return;
  const space = spaces.find((candidate) => candidate?.family === prefix.family);
  if (space && (!containsPrefix(space, prefix) || space.length === prefix.length))
    issues.add(
      path,
      "must be a part of the space: the others take nothing else",
      [show(text), `space ${formatPrefix(space)}`],
      "announce a longer prefix inside the space",
    );
  const holder = taken.get(formatPrefix(prefix));
  if (holder) issues.add(path, "is announced twice", [holder, `${path} ${show(text)}`], "leave one of them out");
  taken.set(formatPrefix(prefix), path);
}

function checkEntry(entry: OspfInterface, path: string, names: Map<string, string>, issues: Issues): void {
  checkInterface(entry.interface, `${path}.interface`, issues);
  if (entry.spare) checkInterface(entry.spare.interface, `${path}.spare.interface`, issues);
  for (const [at, name] of [
    [`${path}.interface`, entry.interface],
    [`${path}.spare.interface`, entry.spare?.interface],
  ] as const) {
    if (name === undefined) continue;
    const holder = names.get(name);
    if (holder) issues.add(at, "the interface stands there twice", [holder, `${at} ${show(name)}`], "keep one of them");
    names.set(name, at);
  }
  checkLabel(entry.neighbour, `${path}.neighbour`, issues);
  checkSecret(entry.secret, `${path}.secret`, issues);
  if (entry.spare) checkSecret(entry.spare.secret, `${path}.spare.secret`, issues);
  checkWhole(entry.area, `${path}.area`, 0, 2 ** 32 - 1, issues);
  checkWhole(entry.cost, `${path}.cost`, 1, 65534, issues);
}

/** RFC 2328, section 3: areas talk through the backbone, so a host that is in several must be in that one. */
function checkAreas(interfaces: readonly OspfInterface[], issues: Issues): void {
  const areas = [...new Set(interfaces.map((entry) => entry.area ?? 0))];
  if (areas.length < 2 || areas.includes(0)) return;
  issues.add(
    "interfaces",
    "a host in several areas must also be in area 0, through which areas talk",
    [`areas ${areas.join(", ")}`],
    "put one of the tunnels into area 0, or all into the same area",
  );
}

/** A prefix has one owner, and ways are interfaces that are spoken on. */
function checkOwners(
  { interfaces, public: given }: OspfArgs,
  owners: Record<string, OspfOwner>,
  spaces: readonly (Prefix | undefined)[],
  issues: Issues,
): void {
  const spoken = interfaces.flatMap(({ interface: own, spare }) => (spare ? [own, spare.interface] : [own]));
  const [routers, taken] = [new Map<string, string>(), new Map<string, string>()];
  for (const [host, owner] of Object.entries(owners)) {
    const path = `owners.${host}`;
    checkLabel(host, path, issues);
    checkAddress(owner.routerId, `${path}.routerId`, 4, issues);
    checkUnique(owner.routerId, `${path}.routerId`, "is another host's too", routers, issues);
    owner.prefixes.forEach((text, index) => checkAnnounced(text, `${path}.prefixes[${index}]`, spaces, taken, issues));
    owner.ways.forEach((way, index) => {
      if (!spoken.includes(way))
        issues.add(
          `${path}.ways[${index}]`,
          "is no interface that OSPF is spoken on",
          [show(way), ...spoken.map(show)],
          "name one of `interfaces`",
        );
    });
    if (owner.services !== undefined) checkInput(owner.services, `${path}.services`, IPV6_PREFIX, issues);
  }
  if (given?.side === "site" && (given.hub === undefined || !(given.hub in owners)))
    issues.add(
      "public.hub",
      "must be one of the owners: nobody else leads to the Internet",
      [show(given.hub ?? ""), ...Object.keys(owners).map(show)],
      "name the hub",
    );
}

function checkPublic(given: PublicOspf, issues: Issues): void {
  checkInput(given.network, "public.network", NETWORK_64, issues);
  checkOneOf(given.side, ["hub", "site"], "public.side", issues);
  const holders = new Map<string, string>();
  for (const [name, address] of Object.entries(given.addresses ?? {})) {
    const path = `public.addresses.${name}`;
    checkLabel(name, path, issues);
    checkInput(address, path, addressRule(6), issues);
    if (typeof address === "string") checkUnique(address, path, "is announced twice", holders, issues);
  }
  const tables = new Map<string, string>();
  (given.pinned ?? []).forEach(({ table, address }, index) => {
    checkPinnedTable(table, `public.pinned[${index}].table`, tables, issues);
    checkInput(address, `public.pinned[${index}].address`, addressRule(6), issues);
  });
  if (given.side === "hub" && (given.pinned ?? []).length > 0)
    issues.add(
      "public.pinned",
      "the hub has no way to the Internet but its own",
      [show(given.side)],
      "leave it out, or run the service at a site",
    );
}

function checkBfd(bfd: BfdArgs, issues: Issues): void {
  checkWhole(bfd.intervalMs, "bfd.intervalMs", 50, 60000, issues);
  checkWhole(bfd.multiplier, "bfd.multiplier", 2, 50, issues);
}

function checkWhole(value: number | undefined, path: string, first: number, last: number, issues: Issues): void {
  if (value === undefined || (Number.isInteger(value) && value >= first && value <= last)) return;
  issues.add(path, `must be a whole number from ${first} to ${last}`, [show(value)], "leave it out for the default");
}

const READABLE = /^[\x20\x21\x23-\x7e]{16,128}$/;
const SECRET_RULE = "must be 16 to 128 characters of printable ASCII without quotation marks";

/** A plain text only; an Output is checked when it is known. */
function checkSecret(secret: OspfInterface["secret"], path: string, issues: Issues): void {
  if (typeof secret === "string" && !READABLE.test(secret))
    issues.add(path, SECRET_RULE, ["not shown"], "take the value of a SharedSecret");
}

/** Returns a secret that BIRD can read between quotation marks; raises an error without it otherwise. */
export function checkedSecret(secret: string, neighbour: string): string {
  if (READABLE.test(secret)) return secret;
  const help = "take the value of a SharedSecret";
  throw new ValidationError(`OSPF with ${neighbour}`, [{ path: "secret", rule: SECRET_RULE, values: [], help }]);
}
