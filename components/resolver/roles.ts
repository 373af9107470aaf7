/** The resolver's role, as desired state. */
import type { RoleContent } from "../host-identity/roles";
import type { ResolverArgs } from "./args";
import * as render from "./render";

/** Whether systemd-resolved is there to be configured. */
const HAS_RESOLVED = [
  "systemctl cat systemd-resolved.service >/dev/null 2>&1 && exit 0",
  'echo "systemd-resolved is not installed here: apt-get install systemd-resolved, or set through to resolv.conf if nothing else writes that file"',
  "exit 1",
].join("\n");

/** Whether the file would stay as it is written. */
const NOBODY_WRITES = [
  "for unit in systemd-resolved NetworkManager dhcpcd; do",
  '  systemctl is-active --quiet "$unit" && { echo "$unit writes /etc/resolv.conf here: leave through out"; exit 1; }',
  "done",
  'command -v resolvconf >/dev/null && { echo "resolvconf writes /etc/resolv.conf here: leave through out, with systemd-resolved in its place"; exit 1; }',
  "for process in /proc/[0-9]*/comm; do",
  '  case $(cat "$process" 2>/dev/null) in',
  '  dhclient | dhcpcd) echo "a DHCP client writes /etc/resolv.conf here: install systemd-resolved and leave through out"; exit 1 ;;',
  "  esac",
  "done",
  "exit 0",
].join("\n");

/**
 * Asks for the domain's SOA as every program on the host would: the first server of resolv.conf that answers (RFC 1035,
 * section 4.1).
 */
const ASK = [
  "import os, socket, struct, sys",
  'labels = b"".join(bytes([len(label)]) + label.encode() for label in sys.argv[1].split("."))',
  "words = [line.split() for line in open('/etc/resolv.conf')]",
  "said = []",
  "for server in [word[1] for word in words if len(word) > 1 and word[0] == 'nameserver']:",
  "    number = os.urandom(2)",
  "    with socket.socket(socket.AF_INET6 if ':' in server else socket.AF_INET, socket.SOCK_DGRAM) as s:",
  "        s.settimeout(8)",
  "        try:",
  "            s.connect((server, 53))",
  "            s.send(number + struct.pack('>5H', 0x100, 1, 0, 0, 0) + labels + b'\\0' + struct.pack('>2H', 6, 1))",
  "            answer = s.recv(4096)",
  "        except OSError as error:",
  "            said.append(f'{server}: {error}')",
  "            continue",
  "    flags, _, answers = struct.unpack('>3H', answer[2:8])",
  "    if answer[:2] == number and flags & 15 == 0 and answers > 0:",
  "        sys.exit(0)",
  "    said.append(f'{server}: answered with code {flags & 15} and {answers} records')",
  "sys.exit('; '.join(said) or 'resolv.conf names no server')",
].join("\n");

/** The host asks the given servers, by all programs' usual way. */
export function resolverRole(args: ResolverArgs): RoleContent {
  const { servers, domain } = args;
  const doctor = { [render.DOCTOR]: { content: args.doctor, mode: "0755" } };
  const probes = [
    {
      command: ["python3", "-c", ASK, domain],
      description: `${domain} is answered for by the way of ${render.RESOLV_CONF}`,
      timeoutSeconds: 60,
    },
  ];
  const check = (script: string, description: string) => [
    { command: ["sh", "-c", script], description },
    { command: ["sh", "-n", { staged: render.DOCTOR }], description: "the shell reads the script" },
  ];
  if (args.through === "resolv.conf")
    return {
      role: "resolver",
      files: { ...doctor, [render.RESOLV_CONF]: { content: render.renderResolvConf(servers, domain) } },
      checks: check(NOBODY_WRITES, "nothing else writes resolv.conf"),
      probes,
    };
  return {
    role: "resolver",
    files: { ...doctor, [render.RESOLVED_CONF]: { content: render.renderResolved(servers, domain) } },
    links: { [render.RESOLV_CONF]: render.STUB },
    units: { "systemd-resolved.service": { restartOn: [render.RESOLVED_CONF] } },
    checks: check(HAS_RESOLVED, "systemd-resolved is installed"),
    probes,
  };
}
