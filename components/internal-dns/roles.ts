/** The servers' roles, as desired state. */
import type * as pulumi from "@pulumi/pulumi";
import { tcpAt } from "../common/ports";
import type { FileArgs, PortArgs, ProbeArgs } from "../../host";
import type { RoleContent } from "../host-identity/roles";
import type { InternalDnsArgs } from "./args";
import { PUBLIC_NAME } from "./doctor";
import * as render from "./render";
import { renderZones, zoneNames } from "./zone";

/**
 * Loads the staged configuration with the staged zones: what it names by its final place is looked for among the staged
 * files.
 */
const CHECK = [
  'root=${1%"$2"}',
  "copy=$(mktemp) || exit 1",
  `sed -e "s|\\"${render.SERVED}/|\\"$root${render.SOURCE}/|" -e "s|\\"${render.SOURCE}/|\\"$root${render.SOURCE}/|" "$1" >"$copy"`,
  'named-checkconf -z "$copy"',
  "code=$?",
  'rm -f "$copy"',
  "exit $code",
].join("\n");

/** Whether an address answers for a zone with the serial of the zone's file: what was declared last is served. */
const SERVES = [
  'file=$(sed -n "s/^[[:blank:]]*\\([0-9]*\\) ; serial.*/\\1/p" "$3")',
  'set -- $(dig +short +time=2 +tries=1 SOA "$2." "@$1")',
  '[ "$file" = "${3-}" ] || { echo "the serial is ${3:-not answered}, and $file in the file"; exit 1; }',
].join("\n");

/**
 * Whether an address answers at all: what it does not know yet is known later. The name is refused by our own policy,
 * without asking anybody.
 */
const ANSWERS = 'dig +time=2 +tries=1 use-application-dns.net. "@$1" | grep -q "status: NXDOMAIN"';

/** Whether a name of the outside is found by it: what it forwards to answers, and is believed. */
const FINDS = [
  'said=$(dig +noall +comments +answer +time=4 +tries=1 A "$2." "@$1")',
  `echo "$said" | awk '!/^;/ && $4 == "A" { found = 1 } END { exit !found }' && exit 0`,
  'status=$(echo "$said" | sed -n "s/.*status: \\([A-Z]*\\),.*/\\1/p")',
  'echo "it answers ${status:-nothing}"',
  "exit 1",
].join("\n");

const LOOPBACK = ["127.0.0.1", "::1"];

function probes(args: InternalDnsArgs, index: number): ProbeArgs[] {
  const answers = args.servers[index]!.listen.map((address) => ({
    command: ["sh", "-c", ANSWERS, "probe", address],
    description: `the name server answers at ${address}`,
  }));
  const [address] = args.servers[index]!.listen;
  const name = args.publicName ?? PUBLIC_NAME;
  const from = args.forwarders ? `by way of ${args.forwarders.join(", ")}` : "from the root";
  const finds: ProbeArgs = {
    command: ["sh", "-c", FINDS, "probe", address!, name],
    description: `the name server at ${address} finds ${name}, a name of the outside, ${from}`,
    timeoutSeconds: 10,
    required: false,
  };
  if (index > 0) return [...answers, finds];
  const serves = zoneNames(args).map((zone) => ({
    command: ["sh", "-c", SERVES, "probe", address!, zone, `${render.SERVED}/${zone}.zone`],
    description: `zone ${zone} is served as declared`,
  }));
  return [...answers, ...serves, finds];
}

/** Where named answers, and where it is told what to do: by rndc on the loopback. */
function ports(listen: readonly string[]): PortArgs[] {
  const answers = tcpAt([...LOOPBACK, ...listen], 53);
  return [...answers, ...answers.map((port): PortArgs => ({ ...port, protocol: "udp" })), ...tcpAt(LOOPBACK, 953)];
}

/**
 * BIND on the server with that place. A changed record is a changed line of a zone on the first server and a reload
 * there; the others have no record in their role, and need not reach the first for it to be applied.
 */
export function nameServerRole(args: InternalDnsArgs, index: number, transferKey: pulumi.Input<string>): RoleContent {
  const primary = index === 0;
  const zones = primary ? Object.entries(renderZones(args)) : [];
  const files: Record<string, FileArgs> = {
    [render.NAMED_CONF]: { content: render.renderNamedConf(args, index), group: "bind" },
    [render.POLICY_FILE]: { content: render.renderPolicy() },
    [render.NAMED_DROP_IN]: { content: render.renderNamedDropIn(args, index) },
    ...(args.servers.length > 1
      ? {
          [render.KEY_FILE]: {
            content: render.renderKeyFile(),
            secrets: { transfer_key: transferKey },
            group: "bind",
            mode: "0640",
          },
        }
      : {}),
    ...(args.rootServers ? { [render.HINTS_FILE]: { content: render.renderHints(args.rootServers) } } : {}),
    ...(primary ? { [render.SERIAL_SCRIPT]: { content: render.renderSerialScript() } } : {}),
    ...Object.fromEntries(zones.map(([zone, content]) => [render.zoneFile(zone), { content }])),
  };
  const read = Object.keys(files).filter((path) => path.startsWith("/etc/bind/") || path === render.SERIAL_SCRIPT);
  return {
    role: "internal-dns",
    packages: ["bind9", "bind9-dnsutils"],
    directories: primary ? { [render.SERVED]: {} } : { [render.COPIES]: { owner: "bind", group: "bind" } },
    state: ["/var/cache/bind", "/var/lib/bind", primary ? render.SERVED : render.COPIES],
    files,
    units: { "named.service": { reloadOn: read } },
    ports: ports(args.servers[index]!.listen),
    checks: [
      ...(primary
        ? [{ command: ["sh", "-n", { staged: render.SERIAL_SCRIPT }], description: "the shell reads the script" }]
        : []),
      {
        command: ["sh", "-c", CHECK, "check", { staged: render.NAMED_CONF }, render.NAMED_CONF],
        description: "named reads its configuration and every zone",
      },
    ],
    probes: probes(args, index),
  };
}
