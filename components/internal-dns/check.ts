import {
  checkDomain,
  checkKeyVersion,
  checkLabel,
  containsAddress,
  Issues,
  isDomain,
  isLabel,
  nameServerLabel,
  parseAddress,
  show,
  type Prefix,
} from "../../model";
import { checkAddress, checkSpaces } from "../common/check";
import type { InternalDnsArgs, InternalRecord, NameServerHost } from "./args";
import { reverseName } from "./reverse";

type Spaces = readonly (Prefix | undefined)[];

const MAX_TTL = 604_800;
/** Types whose data ends in a name. */
const NAMING = ["CNAME", "MX", "NS", "PTR", "SRV"];
/** Types that the component makes itself, or that are questions and no records (RFC 6895, section 3.1). */
const NO_RECORDS = ["SOA", "ANY", "AXFR", "IXFR", "OPT", "TSIG", "TKEY", "MAILA", "MAILB"];

/** Notes an address that is none, or that lies outside the space. */
function checkInside(text: string, path: string, spaces: Spaces, issues: Issues): void {
  const address = parseAddress(text);
  if (!address) {
    issues.add(path, "must be an address", [show(text)], "write it like 10.31.240.1, without a length");
    return;
  }
  const prefixes = spaces.filter((prefix) => prefix !== undefined);
  if (prefixes.length < spaces.length || prefixes.some((prefix) => containsAddress(prefix, address))) return;
  issues.add(path, "must lie inside the space", [show(text)], "choose an address of the space");
}

function checkServer(server: NameServerHost, path: string, spaces: Spaces, issues: Issues): void {
  checkLabel(server.name, `${path}.name`, issues);
  for (const [field, family] of [
    ["v4", 4],
    ["v6", 6],
  ] as const) {
    const text = server.identity[field];
    checkAddress(text, `${path}.identity.${field}`, family, issues);
    if (server.listen.includes(text)) continue;
    issues.add(
      `${path}.listen`,
      "must hold both addresses of the identity, which clients ask",
      [`${path}.identity.${field} ${show(text)}`],
      "add it",
    );
  }
  server.listen.forEach((text, index) => checkInside(text, `${path}.listen[${index}]`, spaces, issues));
}

function checkServers(servers: readonly NameServerHost[], spaces: Spaces, issues: Issues): void {
  if (servers.length < 1 || servers.length > 3) {
    const help = "resolvers take at most three (resolv.conf(5)); two at different sites are enough";
    issues.add("servers", "must be one to three hosts", [String(servers.length)], help);
  }
  const holders = new Map<string, string>();
  servers.forEach((server, index) => {
    checkServer(server, `servers[${index}]`, spaces, issues);
    for (const value of [server.name, server.identity.v4, server.identity.v6]) {
      const holder = holders.get(value);
      if (holder)
        issues.add(`servers[${index}]`, "two servers are the same", [holder, show(value)], "name each host once");
      holders.set(value, `servers[${index}] ${show(value)}`);
    }
  });
}

/** A record's owner: labels with an underscore before them or not, the first one maybe `*`. */
function isRecordName(name: string): boolean {
  if (name === "@") return true;
  const labels = name.split(".");
  return labels.every((label, index) => isLabel(label.replace(/^_/, "")) || (label === "*" && index === 0));
}

/** One line that a zone file reads as the data of one record: no comment, no second line, all quotes closed. */
function isOneLine(data: string): boolean {
  const outside = data.replace(/"(?:[^"\\]|\\.)*"/g, "").replace(/\\./g, "");
  return data.trim() !== "" && !/\p{Cc}/u.test(data) && !/[;()"]/.test(outside);
}

function checkData({ type, data }: InternalRecord, path: string, issues: Issues): void {
  if (!isOneLine(data)) {
    issues.add(
      path,
      "must be one line of a zone file",
      [show(data)],
      'write it as after the type; texts in quotes: "…"',
    );
    return;
  }
  if (type === "A" || type === "AAAA") checkAddress(data, path, type === "A" ? 4 : 6, issues);
  const target = data.split(/\s+/).at(-1)!;
  if (NAMING.includes(type) && target.includes(".") && !target.endsWith("."))
    issues.add(
      path,
      "a name with a dot in it must end in one, else it would be taken as a name inside the domain",
      [show(target)],
      `write ${target}.`,
    );
}

function checkRecord(record: InternalRecord, path: string, reserved: ReadonlySet<string>, issues: Issues): void {
  const { name, type, ttl, data } = record;
  if (!isRecordName(name))
    issues.add(
      `${path}.name`,
      "must be labels of a-z, 0-9 and inner hyphens, relative to the domain, or @",
      [show(name)],
      "write it like nas or _imap._tcp, without the domain",
    );
  if (reserved.has(name))
    issues.add(`${path}.name`, "the name is taken by a name server", [show(name)], "choose another name");
  if (!/^[A-Z][A-Z0-9]{0,15}$/.test(type) || NO_RECORDS.includes(type) || (name === "@" && /^(?:NS|CNAME)$/.test(type)))
    issues.add(
      `${path}.type`,
      "must be the type of a record in capitals, and at @ neither NS nor CNAME",
      [show(type)],
      "for example A, MX or TXT",
    );
  if (ttl !== undefined && !(Number.isInteger(ttl) && ttl >= 1 && ttl <= MAX_TTL))
    issues.add(`${path}.ttl`, `must be from 1 to ${MAX_TTL} seconds`, [show(ttl)], "leave it out for 300");
  checkData({ name, type, data }, `${path}.data`, issues);
}

function checkRecords(args: InternalDnsArgs, issues: Issues): void {
  const reserved = new Set(args.servers.map((_, index) => nameServerLabel(index)));
  const seen = new Map<string, string>();
  const aliases = new Map<string, string>();
  args.records.forEach((record, index) => {
    if (record.type === "CNAME") aliases.set(record.name, `records[${index}]`);
  });
  args.records.forEach((record, index) => {
    const path = `records[${index}]`;
    checkRecord(record, path, reserved, issues);
    const key = [record.name, record.type, record.data].join(" ");
    const twin = seen.get(key);
    if (twin) issues.add(path, "two records are the same", [twin, show(key)], "leave one of them out");
    seen.set(key, path);
    const alias = aliases.get(record.name);
    if (alias !== undefined && alias !== path)
      issues.add(path, "nothing else may stand beside a CNAME", [alias, show(key)], "rename one of them");
  });
}

function checkReverse(args: InternalDnsArgs, spaces: Spaces, issues: Issues): void {
  const seen = new Map<string, string>();
  args.reverse.forEach(({ address, name }, index) => {
    const path = `reverse[${index}]`;
    checkInside(address, `${path}.address`, spaces, issues);
    checkDomain(name, `${path}.name`, issues);
    if (!parseAddress(address)) return;
    const twin = seen.get(reverseName(address));
    if (twin) issues.add(path, "an address has one name", [twin, show(address)], "leave one of them out");
    seen.set(reverseName(address), `${path} ${show(address)}`);
  });
}

/** An upstream resolver; one of the servers itself would be asked in a circle. */
function checkForwarder(text: string, path: string, args: InternalDnsArgs, issues: Issues): void {
  const own = args.servers.some((server) => server.listen.includes(text));
  if (parseAddress(text) && !own) return;
  issues.add(
    path,
    "must be the address of a resolver that is none of the servers",
    [show(text)],
    "write it like 198.51.100.53, not as a name",
  );
}

function checkRoot(args: InternalDnsArgs, issues: Issues): void {
  const servers = Object.entries(args.rootServers ?? {});
  if (args.rootServers && servers.length === 0)
    issues.add("rootServers", "the root needs a server", ["none"], "leave it out for the real root");
  for (const [name, addresses] of servers) {
    checkDomain(name, `rootServers.${name}`, issues);
    addresses.forEach((text, index) => {
      if (parseAddress(text)) return;
      issues.add(`rootServers.${name}[${index}]`, "must be an address", [show(text)], "write it like 198.51.100.53");
    });
  }
  (args.trustAnchors ?? []).forEach((text, index) => {
    const [name, ...rest] = text.split(" ");
    if (
      (name === "." || isDomain(name!.replace(/\.$/, ""))) &&
      /^\d{1,5} \d{1,3} \d{1,3} [0-9A-F ]{40,140}$/.test(rest.join(" "))
    )
      return;
    const help = "write it like . 20326 8 2 E06D44B8…, without quotes";
    issues.add(`trustAnchors[${index}]`, "must be a zone's name and its DS record", [show(text)], help);
  });
}

/** Checks the arguments; raises a ValidationError with all problems at once. */
export function checkInternalDns(subject: string, args: InternalDnsArgs): void {
  const issues = new Issues();
  checkDomain(args.domain, "domain", issues);
  const spaces = checkSpaces(args.space, issues);
  checkServers(args.servers, spaces, issues);
  checkRecords(args, issues);
  checkReverse(args, spaces, issues);
  args.forwarders?.forEach((text, index) => checkForwarder(text, `forwarders[${index}]`, args, issues));
  if (args.forwarders?.length === 0)
    issues.add("forwarders", "must name a resolver", ["an empty list"], "leave it out for own recursion");
  checkRoot(args, issues);
  if (args.publicName !== undefined) checkDomain(args.publicName, "publicName", issues);
  if (args.keyVersion !== undefined) checkKeyVersion(args.keyVersion, "keyVersion", issues);
  issues.throwIfAny(subject);
}
