/** All of a host that a role can change, as text: to be compared before and after. */
import { exec, execOk } from "./support";

/** Constant. Sorted where the system gives no order of its own; without counters, times and random addresses. */
const LOOK = [
  "cd /",
  "echo '# files'",
  "find etc root/.ssh -xdev -printf '%p %y %m %u:%g %l\\n' | sort",
  "find etc root/.ssh -xdev -type f -exec sha256sum {} + | sort -k 2",
  "echo '# units'",
  "systemctl list-unit-files --no-legend --no-pager | sort",
  "systemctl list-units --state=active,failed,activating --plain --no-legend --no-pager 'ssh*' 'systemd-networkd.service' 'nftables*' 'intranet-*' 'wg-quick@*' 'trial*' |",
  "  sed 's/  */ /g' | grep -Ev '^(sshd?@|intranet-(recover|rollback))' | sort",
  "echo '# kernel'",
  "nft list ruleset 2>&1",
  "ip -o address show | sed 's/ *valid_lft.*//; s/^[0-9]*: //' | grep -v 'fe80::' | sort",
  "for family in -4 -6; do ip $family route show table all | grep -Ev 'fe80::|multicast|anycast' | sort; ip $family rule show; done",
  "wg show all allowed-ips 2>&1 | sort; wg show all private-key 2>/dev/null | sha256sum",
  "grep -rs . /proc/sys/net/ipv4/conf/*/rp_filter /proc/sys/net/ipv4/conf/*/forwarding /proc/sys/net/ipv4/conf/*/send_redirects",
  "echo '# sshd'",
  "sshd -T 2>&1",
].join("\n");

/** What a transaction that has ended must not leave behind; prints nothing. */
const LEFT = [
  "ls -d /var/lib/intranet/journal.json /var/lib/intranet/tx 2>/dev/null",
  "find /etc /var/lib/intranet /root -xdev -name '*.intranet-new'",
  "systemctl list-units --plain --no-legend --no-pager --type=timer 'intranet-*'",
  "true",
].join("\n");

/** Files, units, packet filter, addresses, routes, tunnels and sshd's settings of a host. */
export function hostState(host: string): Promise<string> {
  return execOk(host, ["sh", "-c", LOOK]);
}

/** Journal, staging folder, half-written files and timers of ours on a host: empty when no transaction is open. */
export function leftovers(host: string): Promise<string> {
  return execOk(host, ["sh", "-c", LEFT]);
}

/**
 * The transaction that is open on a host, or nothing. `awaiting`: the change is made, and waits for its confirmation.
 */
export async function openTransaction(host: string): Promise<{ tx: string; state: string } | undefined> {
  const { stdout } = await exec(host, ["cat", "/var/lib/intranet/journal.json"]);
  return stdout === "" ? undefined : (JSON.parse(stdout) as { tx: string; state: string });
}
