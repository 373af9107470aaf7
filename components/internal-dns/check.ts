import {
  checkDomain,
  checkForwarders,
  checkKeyVersion,
  checkLabel,
  checkRecords,
  checkRootServers,
  checkTrustAnchors,
  containsAddress,
  Issues,
  MOST_NAME_SERVERS,
  nameServerLabel,
  parseAddress,
  show,
  type Prefix,
} from "../../model";
import { checkAddress, checkSpaces } from "../common/check";
import type { InternalDnsArgs, NameServerHost } from "./args";
import { reverseName } from "./reverse";

type Spaces = readonly (Prefix | undefined)[];

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
  if (servers.length < 1 || servers.length > MOST_NAME_SERVERS) {
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

/** The records' own rules are the model's; here the servers' names stand beside them. */
function checkNames(args: InternalDnsArgs, issues: Issues): void {
  checkRecords(args.records, "records", issues);
  const reserved = new Set(args.servers.map((_, index) => nameServerLabel(index)));
  args.records.forEach(({ name }, index) => {
    if (!reserved.has(name)) return;
    issues.add(`records[${index}].name`, "the name is taken by a name server", [show(name)], "choose another name");
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

/** Checks the arguments; raises a ValidationError with all problems at once. */
export function checkInternalDns(subject: string, args: InternalDnsArgs): void {
  const issues = new Issues();
  checkDomain(args.domain, "domain", issues);
  const spaces = checkSpaces(args.space, issues);
  checkServers(args.servers, spaces, issues);
  checkNames(args, issues);
  checkReverse(args, spaces, issues);
  const own = args.servers.flatMap(({ listen }) => listen);
  if (args.forwarders) checkForwarders(args.forwarders, "forwarders", own, issues);
  if (args.rootServers) checkRootServers(args.rootServers, "rootServers", issues);
  checkTrustAnchors(args.trustAnchors ?? [], "trustAnchors", issues);
  if (args.publicName !== undefined) checkDomain(args.publicName, "publicName", issues);
  if (args.keyVersion !== undefined) checkKeyVersion(args.keyVersion, "keyVersion", issues);
  issues.throwIfAny(subject);
}
