/** BIND's configuration on one of the servers. Pure. */
import { AFTER_IDENTITY } from "../host-identity/render";
import { familyOf, lines, MADE_BY } from "../common/text";
import type { InternalDnsArgs, NameServerHost } from "./args";
import { nameServers, SERIAL_LINE, zoneNames } from "./zone";

/** Debian's place, which its unit reads. */
export const NAMED_CONF = "/etc/bind/named.conf";
/** Our files beside it: zones as they are declared, the key, hints, the policy. */
export const SOURCE = "/etc/bind/intranet";
/** The zones as the primary serves them, with their serials. */
export const SERVED = "/var/lib/bind/intranet";
/** The zones as a secondary got them; they outlive a restart without the primary. */
export const COPIES = "/var/cache/bind/intranet";
/** The key of transfers. */
export const KEY_FILE = `${SOURCE}/transfer.key`;
/** The names that are answered otherwise than their owners do. */
export const POLICY_FILE = `${SOURCE}/policy.zone`;
/** Where the root is, if it is not the real one. */
export const HINTS_FILE = `${SOURCE}/root.hints`;
/** The script that gives the zones their serials. */
export const SERIAL_SCRIPT = "/etc/intranet/dns-serials";
/** Beside Debian's unit. */
export const NAMED_DROP_IN = "/etc/systemd/system/named.service.d/intranet.conf";

/** The declared content of a zone. */
export function zoneFile(zone: string): string {
  return `${SOURCE}/${zone}.zone`;
}

/** A zone that nobody can ask for, since the top-level domain is reserved (RFC 6761). */
const POLICY_ZONE = "policy.invalid";
const KEY_NAME = "intranet-transfer";
/** BIND would take nine tenths of the memory for its cache. */
const CACHE_SIZE = "128m";

function list(items: readonly string[]): string {
  return `{ ${items.map((item) => `${item};`).join(" ")} }`;
}

function keyed(server: NameServerHost): string[] {
  return [server.identity.v4, server.identity.v6].map((address) => `${address} key "${KEY_NAME}"`);
}

function options(args: InternalDnsArgs, index: number): string[] {
  const server = args.servers[index]!;
  const listen = (family: 4 | 6): string[] => server.listen.filter((address) => familyOf(address) === family);
  return [
    `listen-on ${list(["127.0.0.1", ...listen(4)])};`,
    `listen-on-v6 ${list(["::1", ...listen(6)])};`,
    "allow-query { inside; };",
    "allow-query-cache { inside; };",
    "allow-recursion { inside; };",
    "allow-transfer { none; };",
    "allow-update { none; };",
    "notify no;",
    `transfer-source ${server.identity.v4};`,
    `transfer-source-v6 ${server.identity.v6};`,
    `notify-source ${server.identity.v4};`,
    `notify-source-v6 ${server.identity.v6};`,
    // BIND's own least times would leave a secondary behind for minutes after a NOTIFY that was lost with a tunnel.
    "min-refresh-time 60;",
    "min-retry-time 60;",
    ...(args.forwarders ? [`forwarders ${list(args.forwarders)};`, "forward only;"] : []),
    `dnssec-validation ${args.trustAnchors ? "yes" : "auto"};`,
    `response-policy { zone "${POLICY_ZONE}" log no; } break-dnssec yes qname-wait-recurse no recursive-only no;`,
    `max-cache-size ${CACHE_SIZE};`,
    "minimal-any yes;",
    'version "none";',
    "hostname none;",
    `server-id "${nameServers(args)[index]!}";`,
  ];
}

function trustAnchor(text: string): string {
  const [name, tag, algorithm, digestType, ...digest] = text.split(" ");
  return `"${name}" static-ds ${tag} ${algorithm} ${digestType} "${digest.join("")}";`;
}

function zone(args: InternalDnsArgs, index: number, name: string): string[] {
  const [primary, ...secondaries] = args.servers;
  const body =
    index > 0
      ? [
          "type secondary;",
          `primaries ${list(keyed(primary!))};`,
          `file "${COPIES}/${name}.zone";`,
          "masterfile-format text;",
        ]
      : [
          "type primary;",
          `file "${SERVED}/${name}.zone";`,
          ...(secondaries.length > 0
            ? [
                `allow-transfer { key "${KEY_NAME}"; };`,
                "notify explicit;",
                `also-notify ${list(secondaries.flatMap(keyed))};`,
              ]
            : []),
        ];
  return ["", `zone "${name}" {`, ...body.map((line) => `\t${line}`), "};"];
}

/**
 * named.conf of the server with that place. It holds no record and no secret: a name that comes or goes changes none.
 * There is no statement `controls`, so rndc works on the loopback with the key that Debian's package made.
 */
export function renderNamedConf(args: InternalDnsArgs, index: number): string {
  const block = (head: string, body: readonly string[]): string[] => [
    "",
    `${head} {`,
    ...body.map((line) => `\t${line}`),
    "};",
  ];
  return lines(
    `// ${MADE_BY}`,
    `acl "inside" ${list(["127.0.0.1", "::1", args.space.v4, args.space.v6])};`,
    args.servers.length > 1 ? `include "${KEY_FILE}";` : [],
    block("options", ['directory "/var/cache/bind";', ...options(args, index)]),
    args.trustAnchors ? block("trust-anchors", args.trustAnchors.map(trustAnchor)) : [],
    args.rootServers ? block('zone "."', ["type hint;", `file "${HINTS_FILE}";`]) : [],
    block(`zone "${POLICY_ZONE}"`, ["type primary;", `file "${POLICY_FILE}";`, "allow-query { none; };"]),
    zoneNames(args).flatMap((name) => zone(args, index, name)),
  );
}

/** The key file; its secret is filled in on the way to the host. */
export function renderKeyFile(): string {
  return lines(
    `// ${MADE_BY}`,
    `key "${KEY_NAME}" {`,
    "\talgorithm hmac-sha256;",
    '\tsecret "{{transfer_key}}";',
    "};",
  );
}

/** The root's servers as BIND's hints. */
export function renderHints(servers: Readonly<Record<string, readonly string[]>>): string {
  const records = Object.entries(servers).flatMap(([name, addresses]) => [
    `.\t3600000\tNS\t${name}.`,
    ...addresses.map((address) => `${name}.\t3600000\t${familyOf(address) === 4 ? "A" : "AAAA"}\t${address}`),
  ]);
  return lines(`; ${MADE_BY}`, records);
}

/**
 * The names by which programs ask whether they may go past the network's resolver: browsers with DNS over HTTPS
 * (Mozilla's canary domain), and Apple's iCloud Private Relay (Apple: "Prepare your network for iCloud Private Relay").
 * A name that does not exist says no.
 */
const CANARIES = ["use-application-dns.net", "mask.icloud.com", "mask-h2.icloud.com"];

/** The response policy: those names do not exist, even for one who asks for signatures. */
export function renderPolicy(): string {
  return lines(
    `; ${MADE_BY}`,
    "$TTL 60",
    "@ IN SOA localhost. root.localhost. ( 1 3600 600 86400 60 )",
    "@ IN NS localhost.",
    CANARIES.map((name) => `${name} CNAME .`),
  );
}

/**
 * A POSIX shell script: copies each zone to where it is served, with a serial that rises when the content has changed
 * and only then. It is the time in seconds, or one more than the last where the clock is behind. A file is replaced in
 * one step, so a power cut leaves old or new.
 */
export function renderSerialScript(): string {
  return lines(
    "#!/bin/sh",
    `# ${MADE_BY}`,
    "# Gives each zone a serial that rises when its content has changed.",
    "set -eu",
    `source=${SOURCE}`,
    `served=${SERVED}`,
    "",
    'for file in "$source"/*.zone; do',
    "\tname=${file##*/}",
    `\tgrep -q '${SERIAL_LINE}' "$file" || continue`,
    "\tlast=0",
    '\tif [ -s "$served/$name" ]; then',
    `\t\tlast=$(sed -n 's/^[[:blank:]]*\\([0-9]*\\) ; serial.*/\\1/p' "$served/$name")`,
    "\t\tlast=${last:-0}",
    `\t\tsed "s/^\\([[:blank:]]*\\)$last ; serial/\\1${SERIAL_LINE}/" "$served/$name" | cmp -s - "$file" && continue`,
    "\tfi",
    "\tserial=$(date +%s)",
    '\t[ "$serial" -gt "$last" ] || serial=$((last + 1))',
    `\tsed "s/^\\([[:blank:]]*\\)${SERIAL_LINE}/\\1$serial ; serial/" "$file" >"$served/.$name.new"`,
    '\tsync "$served/.$name.new"',
    '\tmv "$served/.$name.new" "$served/$name"',
    "done",
    'for file in "$served"/*.zone; do',
    '\t[ -e "$source/${file##*/}" ] || rm -f "$file"',
    "done",
  );
}

/**
 * Starts named after the addresses that it listens on, and tries for ever. On the primary the zones get their serials
 * before each start and each reload, a roll-back's too. A reloaded secondary asks for its zones at once: with a new key
 * it may have refused a NOTIFY.
 */
export function renderNamedDropIn(args: Pick<InternalDnsArgs, "domain" | "space">, index: number): string {
  const stamp = `/bin/sh ${SERIAL_SCRIPT}`;
  return lines(
    `# ${MADE_BY}`,
    ...AFTER_IDENTITY,
    "[Service]",
    index === 0
      ? [`ExecStartPre=${stamp}`, "ExecReload=", `ExecReload=${stamp}`, "ExecReload=/usr/sbin/rndc reload"]
      : zoneNames(args).map((name) => `ExecReload=-/usr/sbin/rndc refresh ${name}`),
    "RestartSec=2s",
  );
}
