/** Hand edits are seen by line and mended by one `up`; secret files' without the secret. */
import { AUTHORIZED_KEYS } from "../../components/enrolment/render";
import { zoneFile } from "../../components/internal-dns/render";
import { BIRD_CONFIG } from "../../components/ospf/render";
import { ensureUp, plan, pulumi, pulumiOk, up } from "./intranet";
import { pieces, stackSecrets } from "./secrets";
import { execOk } from "./support";

const SCRIPT = 'printf "%s\\n" "$2" >> "$1"';
/** Adds a line to a file. */
const append = (host: string, file: string, line: string): Promise<string> =>
  execOk(host, ["sh", "-c", SCRIPT, "sh", file, line]);
const read = (host: string, file: string): Promise<string> => execOk(host, ["cat", file]);
const { domain, links } = plan();

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

const before: string[] = [];
let refreshed: string;
let previewed: string;
beforeAll(async () => {
  await ensureUp();
  for (const [, host, file, edit] of edits) {
    before.push(await read(host, file));
    await edit(host, file);
  }
  for (const [host, unit] of stops) await execOk(host, ["systemctl", "disable", "--now", unit]);
  const refresh = await pulumi(["refresh", "--yes", "--diff"]);
  refreshed = refresh.stdout + refresh.stderr;
  expect([refresh.code, refreshed]).toEqual([0, refreshed]);
  const preview = await pulumi(["preview", "--diff"]);
  previewed = preview.stdout + preview.stderr;
  await up();
}, 600_000);
afterAll(async () => {
  await pulumiOk(["preview", "--refresh", "--expect-no-changes"]);
}, 120_000);

test.each(edits)("%s (%s, %s): `refresh` shows it, `up` mends it", async (what, host, file) => {
  expect(refreshed).toContain(file);
  expect(previewed).toContain(file);
  const index = edits.findIndex(([name]) => name === what);
  expect(await read(host, file)).toBe(before[index]);
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
