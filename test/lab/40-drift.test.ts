/** Hand edits are seen by line and mended by one `up`; secret files' without the secret. */
import { AUTHORIZED_KEYS } from "../../components/enrolment/render";
import { zoneFile } from "../../components/internal-dns/render";
import { BIRD_CONFIG } from "../../components/ospf/render";
import { DEVICE_INTERFACE } from "../../model";
import { ensureUp, identity, plan, pulumi, pulumiOk, up } from "./intranet";
import { pieces, stackSecrets } from "./secrets";
import { exec, execOk } from "./support";

const SCRIPT = 'printf "%s\\n" "$2" >> "$1"';
/** Adds a line to a file. */
const append = (host: string, file: string, line: string): Promise<string> =>
  execOk(host, ["sh", "-c", SCRIPT, "sh", file, line]);
const read = (host: string, file: string): Promise<string> => execOk(host, ["cat", file]);
const { domain, links, space } = plan();

/** Files that somebody edits: the host, the file, and what he does. Enrolled hosts are among them. */
const TUNNEL = `/etc/wireguard/${links.find(({ b }) => b.host === "home")!.b.interface}.conf`;
const edits: [string, string, string, (host: string, file: string) => Promise<unknown>][] = [
  [
    "a setting of the sinkhole's nginx",
    "vps",
    "/etc/nginx/nginx.conf",
    (host, file) => execOk(host, ["sed", "-i", "s/server_tokens off;/server_tokens on;/", file]),
  ],
  [
    "a line and the mode of a file with a private key",
    "home",
    TUNNEL,
    async (host, file) => {
      await append(host, file, "# by hand");
      await execOk(host, ["chmod", "0644", file]);
    },
  ],
  ["a name in the zone", "home", zoneFile(domain), (host, file) => append(host, file, "byhand 300 A 10.66.66.66")],
  [
    "a line in the routing's configuration, which holds its secrets",
    "cabin",
    BIRD_CONFIG,
    (host, file) => append(host, file, "# by hand"),
  ],
  [
    "somebody else's key among the operator's",
    "office",
    AUTHORIZED_KEYS,
    (host, file) =>
      append(host, file, "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ3yr3yS1bU8a9d4sQSYhbT1xlGUXo5x6JrwFIN0eM5V byhand"),
  ],
];
/** Units that somebody stops and disables. Without BIRD, office is still reached through its own tunnel. */
const stops: [string, string][] = [
  ["vps", "nginx.service"],
  ["office", "bird.service"],
];

/** The interface of a host's end of its link with another one. */
function tunnel(host: string, other: string): string {
  const ends = links.flatMap(({ a, b }) => [[a, b] as const, [b, a] as const]);
  return ends.find(([own, far]) => own.host === host && far.host === other)![0].interface;
}
const hubs = tunnel("home", "vps");
const spare = tunnel("cabin", "office");
const spares = tunnel("office", "cabin");
const { v4 } = identity("home");
const first = (name: string) => `$(wg show ${name} peers | sort | head -n 1)`;
const peers = (name: string) => `wg show ${name} allowed-ips | sort`;
/**
 * What somebody changes in the kernel alone: what it is, the host, his line of shell, what the refresh says, and a line
 * whose output has to differ, and then be as before. The way in to each host stays.
 */
const kernel: [string, string, string, RegExp, string][] = [
  [
    "a rule that lets strangers in",
    "vps",
    "nft add rule inet intranet input tcp dport 2323 accept",
    /table inet intranet: \+\s+tcp dport 2323 accept/,
    "nft list table inet intranet",
  ],
  ["all rules", "home", "nft flush ruleset", /table inet intranet: -.*\+ \[exit 1\]/, "nft list table inet intranet"],
  [
    "a device's peer taken away",
    "vps",
    `wg set ${DEVICE_INTERFACE} peer ${first(DEVICE_INTERFACE)} remove`,
    new RegExp(`peers of ${DEVICE_INTERFACE}: - \\S+=\\s+10\\.`),
    peers(DEVICE_INTERFACE),
  ],
  [
    "another port",
    "vps",
    `wg set ${DEVICE_INTERFACE} listen-port 50999`,
    new RegExp(`WireGuard of ${DEVICE_INTERFACE}: - listen-port: \\d+, \\+ listen-port: 50999`),
    `wg show ${DEVICE_INTERFACE} listen-port`,
  ],
  [
    "a stranger's peer",
    "home",
    `wg set ${hubs} peer $(wg genkey | wg pubkey) allowed-ips 10.66.66.66/32`,
    new RegExp(`peers of ${hubs}: \\+ \\S+=\\s+10\\.66\\.66\\.66/32`),
    peers(hubs),
  ],
  [
    "a route into a tunnel",
    "home",
    `ip route add 10.66.0.0/16 dev ${hubs}`,
    new RegExp(`IPv4 routes of ${hubs}: .*\\+ 10\\.66\\.0\\.0/16`),
    "ip route show 10.66.0.0/16",
  ],
  [
    "the identity taken away",
    "home",
    `ip address del ${v4}/32 dev lo`,
    new RegExp(`address ${v4}/32: - lo\\s`),
    "ip -brief address show dev lo",
  ],
  [
    "the end of the space taken away",
    "home",
    `ip route del unreachable ${space.v4} metric 4000000000`,
    /unreachable IPv4 prefixes: - unreachable /,
    "ip route show type unreachable",
  ],
  [
    "what a peer may send",
    "cabin",
    `wg set ${spare} peer ${first(spare)} allowed-ips 10.66.0.0/16`,
    new RegExp(`peers of ${spare}: - .*0\\.0\\.0\\.0/0.*\\+ .*10\\.66\\.0\\.0/16`),
    peers(spare),
  ],
  [
    "an interface deleted",
    "office",
    `ip link delete ${spares}`,
    new RegExp(`addresses of ${spares}: - .*\\+ \\[exit 1\\]`),
    `ip -brief address show dev ${spares}; ${peers(spares)}`,
  ],
];
const look = async ([, host, , , line]: (typeof kernel)[number]) => (await exec(host, ["sh", "-c", line])).stdout;

const before: string[] = [];
const looked: string[] = [];
let refreshed: string;
let previewed: string;
beforeAll(async () => {
  await ensureUp();
  for (const [, host, file, edit] of edits) {
    before.push(await read(host, file));
    await edit(host, file);
  }
  for (const row of kernel) looked.push(await look(row));
  for (const [, host, hand] of kernel) await execOk(host, ["sh", "-c", hand]);
  for (const [index, row] of kernel.entries()) expect([row[0], await look(row)]).not.toEqual([row[0], looked[index]]);
  for (const [host, unit] of stops) await execOk(host, ["systemctl", "disable", "--now", unit]);
  const refresh = await pulumi(["refresh", "--yes", "--diff"]);
  refreshed = refresh.stdout + refresh.stderr;
  expect([refresh.code, refreshed]).toEqual([0, refreshed]);
  const preview = await pulumi(["preview", "--diff"]);
  previewed = preview.stdout + preview.stderr;
  await up();
}, 900_000);
afterAll(async () => {
  await pulumiOk(["preview", "--refresh", "--expect-no-changes"]);
}, 120_000);

test.each(edits)("%s (%s, %s): `refresh` shows it, `up` mends it", async (what, host, file) => {
  expect(refreshed).toContain(file);
  expect(previewed).toContain(file);
  const index = edits.findIndex(([name]) => name === what);
  expect(await read(host, file)).toBe(before[index]);
});

test.each(kernel)("%s (%s: %s): `refresh` says it, `up` mends it", async (...row) => {
  expect(refreshed).toMatch(row[3]);
  const index = kernel.findIndex(([what]) => what === row[0]);
  expect(await look(row)).toBe(looked[index]);
});

test("changed lines are shown, old and new", () => {
  expect(refreshed).toMatch(/-.*server_tokens off;/);
  expect(refreshed).toMatch(/\+.*server_tokens on;/);
  expect(refreshed).toMatch(/\+.*byhand 300 A 10\.66\.66\.66/);
  expect(refreshed).toMatch(/\+.*ssh-ed25519 \S+ byhand/);
  expect(refreshed).toMatch(/0644/);
});

test("of the files with secrets no secret is shown", async () => {
  const secrets = pieces(await stackSecrets()).filter((secret) => before.some((text) => text.includes(secret)));
  expect(secrets.length).toBeGreaterThanOrEqual(3);
  expect(secrets.filter((secret) => (refreshed + previewed).includes(secret))).toEqual([]);
});

test("the private file's mode is as it was", async () => {
  expect((await execOk("home", ["stat", "-c", "%a", TUNNEL])).trim()).toBe("600");
});

test.each(stops)("%s: %s, stopped and disabled by hand, is seen, started and enabled", async (host, unit) => {
  expect(refreshed).toContain(unit);
  expect((await execOk(host, ["systemctl", "is-active", unit])).trim()).toBe("active");
  expect((await execOk(host, ["systemctl", "is-enabled", unit])).trim()).toBe("enabled");
});
