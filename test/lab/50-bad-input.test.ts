/** Bad input is refused before anything is touched: argument path, rule, and both values. */
import { changedConfig, ensureUp, pulumi, pulumiOk } from "./intranet";

beforeAll(ensureUp, 600_000);
afterAll(async () => {
  await pulumiOk(["preview", "--expect-no-changes"]);
}, 60_000);

const cases: [string, (network: any) => void, RegExp[]][] = [
  [
    "overlapping prefixes",
    (n) =>
      (n.sites.cabin = {
        host: { address: "10.20.0.140", hostKeys: n.sites.home.host.hostKeys },
        lan: ["10.20.0.128/25"],
        router: "static",
      }),
    [/sites\.cabin\.lan/, /overlap/i, /10\.20\.0\.128\/25/, /10\.20\.0\.0\/24/],
  ],
  [
    "a duplicate name",
    (n) => (n.services.NextCloud = { at: "home", port: 8081 }),
    [/services\.(NextCloud|nextcloud)/, /NextCloud/, /nextcloud/],
  ],
  [
    "a service on an unknown host",
    (n) => (n.services.photos = { at: "attic", port: 8081 }),
    [/services\.photos\.at/, /attic/, /home/],
  ],
  ["an invalid domain", (n) => (n.domain = "intranet..example"), [/domain/, /intranet\.\.example/]],
  [
    "a bad key",
    (n) => (n.sites.home.host.hostKeys = ["ssh-ed25519 not-a-key"]),
    [/sites\.home\.host\.hostKeys/, /ssh-ed25519/],
  ],
  ["a port out of range", (n) => (n.services.nextcloud.port = 70_000), [/services\.nextcloud\.port/, /70000/, /65535/]],
  [
    "an address outside its site",
    (n) => (n.sites.home.host.address = "10.21.0.10"),
    [/sites\.home\.host\.address/, /10\.21\.0\.10/, /10\.20\.0\.0\/24/],
  ],
  [
    "a site called like the hub",
    (n) =>
      (n.sites.vps = { ...n.sites.home, lan: ["10.22.0.0/24"], host: { ...n.sites.home.host, address: "10.22.0.1" } }),
    [/sites\.vps/],
  ],
];

test.each(cases)(
  "%s",
  async (_name, change, patterns) => {
    const result = await pulumi(["up", "--yes", "--skip-preview", ...changedConfig(change)]);
    expect(result.code).not.toBe(0);
    const shown = result.stdout + result.stderr;
    for (const pattern of patterns) expect(shown).toMatch(pattern);
    expect(shown).not.toMatch(/at Object\.<anonymous>/);
  },
  60_000,
);

test("several mistakes are told at once", async () => {
  const result = await pulumi([
    "preview",
    ...changedConfig((n) => {
      n.services.nextcloud.port = 0;
      n.sites.home.lan = ["10.20.0.0/33"];
    }),
  ]);
  expect(result.code).not.toBe(0);
  expect(result.stdout + result.stderr).toMatch(/services\.nextcloud\.port/);
  expect(result.stdout + result.stderr).toMatch(/sites\.home\.lan/);
}, 60_000);
