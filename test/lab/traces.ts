/** What an intranet would leave on a host, as its console shows it. */
import { exec } from "./support";

const LOOK = [
  "find /etc /usr/local /root /srv /var/lib -xdev -type f -newermt '2020-01-01' -not -path '/var/lib/apt/*' -not -path '/var/lib/dpkg/*' -not -path '/var/lib/systemd/*' -not -path '/etc/.pwd.lock' -not -regex '/etc/\\(passwd\\|shadow\\|group\\|gshadow\\)-?' -print0 | sort -z | xargs -0 sha256sum | grep -vE ' /etc/(machine-id|ld.so.cache)$|/var/lib/(ucf|pam|private)/'",
  "ls /etc/systemd/system/*.wants",
  "nft list ruleset 2>/dev/null",
  "ip -o link | cut -d: -f2 | cut -d@ -f1",
  "ip -o address | grep -v link/ | cut -d' ' -f2-7 | sed 's/valid_lft.*//'",
  "ip route; ip -6 route; ip rule; ip -6 rule",
  "systemctl list-units --plain --no-legend --state=active --type=service,timer,socket | cut -d' ' -f1",
  "systemctl list-units --plain --no-legend --state=failed | cut -d' ' -f1",
  "sysctl net.ipv4.ip_forward net.ipv6.conf.all.forwarding",
  "dpkg-query -W -f '${Package} ${db:Status-Abbrev}\\n' | grep ' ii' | sort",
  "ss -Hltnu | tr -s ' ' | cut -d' ' -f1,5 | sort",
];

/** Files with digests, what starts at boot, addresses, routes, rules, units, packages, ports. */
export async function traces(host: string): Promise<string> {
  const parts: string[] = [];
  for (const script of LOOK) parts.push(`# ${script}\n${(await exec(host, ["sh", "-c", script])).stdout}`);
  return parts.join("\n");
}
