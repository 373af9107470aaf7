/**
 * How a forwarding host keeps its own way to the Internet: the kernel's part in router advertisements, by interface.
 * Pure.
 */
import { renderDeclaredScript, renderDeclaredUnit } from "../common/declared";

/** The script that looks for the uplink and sets it; also what its unit runs. */
export const UPLINK_SCRIPT = "/etc/intranet/uplink";
/** The unit that runs it. */
export const UPLINK_UNIT = "intranet-uplink.service";
/**
 * What keeps the setting over a reset: systemd-sysctl reads it, and udev again for an interface that comes later. The
 * script writes it.
 */
export const UPLINK_SYSCTLS = "/etc/sysctl.d/zz-intranet-uplink.conf";

/**
 * A POSIX shell script. A host that forwards no longer hears router advertisements where the kernel handles them
 * (`accept_ra` 1), and would lose its own IPv6 default route; with 2 it hears them all the same (ip-sysctl, accept_ra).
 * It is set on the uplink alone, the interface of the default route of either family, and nowhere where it is 0: there
 * systemd-networkd, NetworkManager or a person handles them. Before there is a default route, at boot, the uplink is
 * what it was. `stop` puts back what stood there, but for what the next boot needs.
 */
export function renderUplinkScript(): string {
  return renderDeclaredScript({
    comment: "The interface of this host's default route hears router advertisements, although the host forwards",
    state: "/run/intranet-uplink",
    declared: [],
    words: ["device", "before"],
    kinds: {
      uplink: {
        // What is not there yet gets it from udev, with the file that is kept.
        add: '[ ! -e "/proc/sys/net/ipv6/conf/$2" ] || echo 2 >"/proc/sys/net/ipv6/conf/$2/accept_ra"',
        remove: 'leave "$2" "$3"',
      },
    },
    functions: [
      `kept=${UPLINK_SYSCTLS}`,
      "",
      "# Tunnels are no way to the Internet.",
      "devices() {",
      "\tfound=$({ ip -4 route show default; ip -6 route show default; } | sed -n 's/.* dev \\([^ ]*\\).*/\\1/p' | grep -v '^wg-' | sort -u)",
      '\tif [ -n "$found" ]; then echo "$found"',
      '\telif [ -e "$kept" ]; then sed -n "s/^# \\(.*\\) was .*/\\1/p" "$kept"; fi',
      "}",
      "",
      "# What another hand has set meanwhile stays.",
      "leave() {",
      "\tsetting=/proc/sys/net/ipv6/conf/$1/accept_ra",
      '\tif [ -e "$setting" ] && [ "$(cat "$setting")" = 2 ]; then echo "$2" >"$setting"; fi',
      "}",
      "",
      "uplinks() {",
      "\tdevices | while read -r device; do",
      '\t\tnow=$(cat "/proc/sys/net/ipv6/conf/$device/accept_ra" 2>/dev/null) || now=',
      '\t\t[ "$now" != 0 ] || continue',
      '\t\tbefore=$(sed -n "s/^# $device was //p" "$kept" 2>/dev/null) || true',
      '\t\t[ -z "$before$now" ] || echo "uplink $device ${before:-$now}"',
      "\tdone",
      "}",
      "",
      "keep() {",
      '\tif [ -s "$state" ]; then',
      "\t\t{",
      '\t\t\techo "# Written by $0: it is found anew with each start."',
      "\t\t\twhile read -r _ device before; do",
      '\t\t\t\techo "# $device was $before"',
      '\t\t\t\techo "net/ipv6/conf/$device/accept_ra = 2"',
      '\t\t\tdone <"$state"',
      '\t\t} >"$kept.new"',
      '\t\tmv "$kept.new" "$kept"',
      "\t# A host that goes down needs it when it comes up again.",
      '\telif [ "$(systemctl is-system-running 2>/dev/null)" != stopping ]; then rm -f "$kept"; fi',
      "}",
    ],
    print: "uplinks",
    last: ["keep"],
  });
}

/** What is compared on refresh: each uplink with the setting that it has. */
export const LIVE_UPLINK =
  'while read -r _ device _; do echo "$device $(cat "/proc/sys/net/ipv6/conf/$device/accept_ra" 2>&1)"; done </run/intranet-uplink';

/** The script's unit. */
export function renderUplinkUnit(): string {
  return renderDeclaredUnit({ description: "Router advertisements on the uplink of this host", script: UPLINK_SCRIPT });
}
