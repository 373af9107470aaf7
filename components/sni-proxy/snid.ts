/** snid (src.agwa.name/snid) in nginx's place: its unit, and the names that it can resolve. Pure. */
import { GUEST_PREFIX } from "../../model";
import { PROTECTED } from "../common/hardening";
import { lines, MADE_BY } from "../common/text";
import type { SniEngine } from "./args";
import { guestPorts, type NamedService } from "./nginx";
import { WAY_BACK_UNIT } from "./way-back";

/** Where the program lies, or where the host gets it from. */
export type SnidBinary = Extract<SniEngine, { kind: "snid" }>["binary"];

/** The unit of the program. */
export const SNID_UNIT = "intranet-snid.service";
/** The unit that gets the program and looks at its checksum. */
export const SNID_BINARY_UNIT = "intranet-snid-binary.service";
/** What snid sees as /etc/hosts: the published names and no others. */
export const SNID_HOSTS = "/etc/intranet/snid-hosts";
/** What it sees as /etc/nsswitch.conf: that file is all that names are looked up in. */
export const SNID_NSSWITCH = "/etc/intranet/snid-nsswitch.conf";
/** The script that gets the program. */
export const SNID_FETCH = "/etc/intranet/snid-fetch";
/** Where the program lies that the host got by itself. */
export const SNID_STATE = "/var/lib/intranet-snid";

/** The names that are published, each with its address. */
export function renderSnidHosts(services: readonly NamedService[]): string {
  const named = services
    .filter(({ ports }) => ports.length > 0)
    .map(({ hostname, address }) => `${address} ${hostname}`);
  return lines(`# ${MADE_BY}`, named.sort());
}

/** Names come from the hosts' file alone: no question leaves, and no answer leads elsewhere. */
export function renderSnidNsswitch(): string {
  return lines(`# ${MADE_BY}`, "hosts: files");
}

/** Gets a program by URL and keeps it only with the right checksum; one that is there and right is not got again. */
export function renderSnidFetch(): string {
  return lines(
    "#!/bin/sh",
    `# ${MADE_BY}`,
    "# usage: snid-fetch URL SHA256",
    "set -eu",
    `program=${SNID_STATE}/snid`,
    'matches() { printf "%s  %s\\n" "$1" "$2" | sha256sum --check --status 2>/dev/null; }',
    '! matches "$2" "$program" || exit 0',
    'rm -f "$program" "$program.new"',
    'curl --fail --silent --show-error --location --proto =https --retry 3 --max-time 300 --max-filesize 100000000 --output "$program.new" -- "$1"',
    'matches "$2" "$program.new" || { rm -f "$program.new"; echo "what lies at $1 has another checksum" >&2; exit 1; }',
    'chmod 0755 "$program.new"',
    'mv "$program.new" "$program"',
  );
}

/** The unit that runs the script at each start of the host, and before snid. */
export function renderSnidBinaryUnit(binary: { url: string; sha256: string }): string {
  return lines(
    `# ${MADE_BY}`,
    "[Unit]",
    "Description=Gets snid and looks at its checksum",
    "Wants=network-online.target",
    "After=network-online.target",
    "",
    "[Service]",
    "Type=oneshot",
    "RemainAfterExit=yes",
    `StateDirectory=${SNID_STATE.slice("/var/lib/".length)}`,
    `ExecStart=/bin/sh ${SNID_FETCH} ${binary.url} ${binary.sha256}`,
    ...["ProtectSystem=strict", "ProtectHome=yes", "PrivateTmp=yes", "NoNewPrivileges=yes"],
    "",
    "[Install]",
    "WantedBy=multi-user.target",
  );
}

/** What a program that only passes connections on does without (systemd.exec(5)). */
const HARDENING: readonly string[] = [
  "DynamicUser=yes",
  "AmbientCapabilities=CAP_NET_BIND_SERVICE",
  "CapabilityBoundingSet=CAP_NET_BIND_SERVICE",
  "NoNewPrivileges=yes",
  "LockPersonality=yes",
  "MemoryDenyWriteExecute=yes",
  "PrivateDevices=yes",
  ...PROTECTED,
  "RestrictAddressFamilies=AF_INET AF_INET6",
  "RestrictNamespaces=yes",
  "RestrictRealtime=yes",
  "SystemCallArchitectures=native",
  "SystemCallFilter=@system-service",
];

/**
 * The program's unit. It resolves the published names and no others, and connects to their addresses alone, at the port
 * that the guest came to. For another name it ends the handshake with an alert.
 */
export function renderSnidUnit(services: readonly NamedService[], binary: SnidBinary): string {
  const guests = services.filter(({ ports }) => ports.length > 0);
  const own = "path" in binary;
  const command = [
    own ? binary.path : `${SNID_STATE}/snid`,
    ...guestPorts(services).map((port) => `-listen tcp:0.0.0.0:${port}`),
    `-mode nat46 -nat46-prefix ${GUEST_PREFIX.slice(0, GUEST_PREFIX.indexOf("/"))}`,
    ...guests.map(({ address }) => `-backend-cidr ${address}/128`),
  ];
  return lines(
    `# ${MADE_BY}`,
    "[Unit]",
    "Description=Lets IPv4 guests in by the name in their TLS handshake",
    `Wants=${WAY_BACK_UNIT}`,
    own ? [] : `Requires=${SNID_BINARY_UNIT}`,
    `After=network.target ${WAY_BACK_UNIT}${own ? "" : ` ${SNID_BINARY_UNIT}`}`,
    "StartLimitIntervalSec=0",
    "",
    "[Service]",
    `ExecStart=${command.join(" ")}`,
    "Restart=always",
    "RestartSec=1",
    "LimitNOFILE=65536",
    `BindReadOnlyPaths=${SNID_HOSTS}:/etc/hosts ${SNID_NSSWITCH}:/etc/nsswitch.conf`,
    HARDENING,
    "",
    "[Install]",
    "WantedBy=multi-user.target",
  );
}
