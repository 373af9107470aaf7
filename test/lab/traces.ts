/** What an intranet would leave on a host, or change there, as its console shows it. */
import { exec, execOk } from "./support";

/** Constant scripts; each shows one side of a host. */
const LOOKS = [
  // Files, but for what any Debian writes by itself.
  "find /etc /usr/local /root /srv /opt /home /var/lib /var/spool -xdev -type f -newermt '2020-01-01' -not -path '/var/lib/apt/*' -not -path '/var/lib/dpkg/*' -not -path '/var/lib/systemd/*' -not -path '/var/lib/intranet/outcomes/*' -not -path '/etc/.pwd.lock' -not -regex '/etc/\\(passwd\\|shadow\\|group\\|gshadow\\|subuid\\|subgid\\)-?' -print0 | sort -z | xargs -0 sha256sum | grep -vE ' /etc/(machine-id|ld.so.cache)$|/var/lib/(ucf|pam|private)/'",
  "find /etc /usr/local /root /srv /var/lib -xdev -type l -not -path '/var/lib/systemd/*' -printf '%p -> %l\\n' | sort",
  "cat /etc/ssl/certs/ca-certificates.crt | sha256sum",
  "ls -d /var/lib/intranet /run/*intranet* 2>/dev/null",
  // Table by table, for the kernel lists one that was loaded again last.
  'nft list tables 2>/dev/null | sort | while read -r _ family name; do nft list table "$family" "$name"; done',
  "ip -o link | cut -d: -f2 | cut -d@ -f1",
  "ip -o address | grep -v link/ | cut -d' ' -f2-7 | sed 's/valid_lft.*//'",
  "ip route; ip -6 route; ip rule; ip -6 rule",
  // But for sessions, and for what runs in the first boot alone.
  "systemctl list-units --plain --no-legend --state=active --type=service,timer,socket | cut -d' ' -f1 | grep -vE '@|^(ldconfig|systemd-sysusers|systemd-update-done).service'",
  "systemctl list-units --plain --no-legend --state=failed | cut -d' ' -f1",
  "sysctl net.ipv4.ip_forward net.ipv6.conf.all.forwarding net.ipv4.conf.all.rp_filter",
  "dpkg-query -W -f '${Package} ${db:Status-Abbrev}\\n' | grep ' ii' | sort",
  "ss -Hltnu | tr -s ' ' | cut -d' ' -f1,5 | sort",
  "cat /etc/resolv.conf; resolvectl dns 2>/dev/null",
];

/** Everything that a stack could have left on a host, as text that two moments can be compared by. */
export async function traces(host: string): Promise<string> {
  const { stdout } = await exec(
    host,
    ["sh", "-c", 'for look; do echo "# $look"; sh -c "$look"; done', "sh", ...LOOKS],
    { timeoutSeconds: 120 },
  );
  return stdout;
}

/**
 * A host's accounts. Debian's packages leave theirs when they are purged, so that their number is never given to
 * another.
 */
export async function accounts(host: string): Promise<string[]> {
  return (await execOk(host, ["getent", "passwd"])).split("\n").filter((line) => line !== "");
}

/**
 * What daemons write on their own while nobody changes anything: clocks, seeds, leases, journals of zones, issued
 * certificates.
 */
const OWN_LIFE = ["/var/lib/systemd", "/var/lib/dhcp", "/var/lib/caddy", "/var/lib/step-ca/db", "/var/lib/apt"];

// Owner, mode and kind count as much as content. The ledger of roles lies below /var/lib, and says what else they own.
const SUMS = [
  "import hashlib, json, os, sys",
  "skip = sys.argv[1].split(':')",
  "found = {}",
  "def note(path):",
  "    try: seen = os.lstat(path)",
  "    except FileNotFoundError: found[path] = 'absent'; return",
  "    if os.path.islink(path): what = 'link to ' + os.readlink(path)",
  "    elif os.path.isfile(path): what = hashlib.sha256(open(path, 'rb').read()).hexdigest()",
  "    else: what = 'folder' if os.path.isdir(path) else 'special'",
  "    found[path] = f'{seen.st_mode:o} {seen.st_uid}:{seen.st_gid} {what}'",
  "for top in sys.argv[2:]:",
  "    for folder, folders, files in os.walk(top):",
  "        folders[:] = [name for name in folders if os.path.join(folder, name) not in skip]",
  "        for name in folders + files: note(os.path.join(folder, name))",
  "ledger = '/var/lib/intranet/ledger.json'",
  "words = json.dumps(json.load(open(ledger))).split('\"') if os.path.exists(ledger) else []",
  "for word in words:",
  "    if word.startswith('/'): note(word)",
  "print(json.dumps(found))",
].join("\n");

/**
 * Every file, folder and link of a host's configuration and state, and whatever else its roles own, each with its mode,
 * owner and checksum.
 */
export async function checksums(host: string): Promise<Record<string, string>> {
  const found = await execOk(host, [
    "python3",
    "-c",
    SUMS,
    OWN_LIFE.join(":"),
    "/etc",
    "/var/lib",
    "/usr/local",
    "/root",
  ]);
  return JSON.parse(found) as Record<string, string>;
}
