/**
 * Where the cloud asks for each address of the /64 by neighbour discovery: the host answers for those of services.
 * Pure.
 */
import type { RoleContent } from "../host-identity/roles";
import { renderDeclaredScript } from "../common/declared";
import { lines, MADE_BY } from "../common/text";

/** The script, and what its unit runs. */
export const DELIVERY_SCRIPT = "/etc/intranet/delivery";
/** The unit that runs it. */
export const DELIVERY_UNIT = "intranet-delivery.service";

/**
 * A POSIX shell script: `start` answers on the interface of the default route for what is declared, and no longer for
 * what was declared before (ip-sysctl, proxy_ndp); `stop` for nothing. Addresses may be placeholders.
 */
export function renderDeliveryScript(addresses: readonly string[]): string {
  return renderDeclaredScript({
    comment: "This host answers the cloud's neighbour discovery for the addresses of public services",
    state: "/run/intranet-delivery",
    declared: addresses.map((address) => `proxy ${address}`),
    words: ["address", "device"],
    kinds: {
      proxy: {
        add: 'ip -6 neighbour replace proxy "$2" dev "$3"',
        remove: 'ip -6 neighbour del proxy "$2" dev "$3" || true',
      },
    },
    first: [
      "device=$(ip -6 route show default | sed -n 's/.* dev \\([^ ]*\\).*/\\1/p' | head -n 1)",
      '[ -n "$device" ] || { echo "there is no IPv6 default route" >&2; exit 1; }',
      'sysctl -qw "net/ipv6/conf/$device/proxy_ndp=1"',
    ],
    print: 'declared | sed "s/\\$/ $device/"',
  });
}

/** The unit of the script. It needs the default route, and waits for it. */
export function renderDeliveryUnit(): string {
  return lines(
    `# ${MADE_BY}`,
    "[Unit]",
    "Description=Neighbour discovery for the addresses of public services",
    "Wants=network-online.target",
    "After=network-online.target",
    "StartLimitIntervalSec=0",
    "",
    "[Service]",
    "Type=oneshot",
    "RemainAfterExit=yes",
    "Restart=on-failure",
    "RestartSec=2",
    `ExecStart=/bin/sh ${DELIVERY_SCRIPT} start`,
    `ExecReload=/bin/sh ${DELIVERY_SCRIPT} start`,
    `ExecStop=/bin/sh ${DELIVERY_SCRIPT} stop`,
    "",
    "[Install]",
    "WantedBy=multi-user.target",
  );
}

/** The role: script and unit. */
export function deliveryRole(
  addresses: readonly string[],
  values: NonNullable<NonNullable<RoleContent["files"]>[string]["values"]>,
): RoleContent {
  return {
    role: "sinkhole-delivery",
    packages: ["iproute2", "procps"],
    files: {
      [DELIVERY_SCRIPT]: { content: renderDeliveryScript(addresses), values, mode: "0755" },
      [`/etc/systemd/system/${DELIVERY_UNIT}`]: { content: renderDeliveryUnit() },
    },
    units: { [DELIVERY_UNIT]: { reloadOn: [DELIVERY_SCRIPT] } },
    live: { "neighbour discovery for others": { command: ["sh", "-c", "ip -6 neighbour show proxy | sort"] } },
  };
}
