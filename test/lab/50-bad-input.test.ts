/**
 * Bad input is refused before anything is touched: argument path, rule, and both values; all mistakes of a description
 * at once.
 */
import { changedConfig, ensureUp, pulumi, pulumiOk } from "./intranet";
import { hetzner } from "./lifted";

beforeAll(ensureUp, 600_000);
afterAll(async () => {
  await pulumiOk(["preview", "--expect-no-changes"]);
}, 60_000);

/** A mistake: what it is, how it is made, what must be said of it. */
type Mistake = [string, (network: any) => void, RegExp[]];

const places: Mistake[] = [
  [
    "overlapping prefixes",
    (n) => (n.sites.cabin.lan = ["10.20.0.128/25"]),
    [/sites\.cabin\.lan/, /overlap/i, /10\.20\.0\.128\/25/, /10\.20\.0\.0\/24/],
  ],
  [
    "an address outside its site",
    (n) => (n.sites.office.host.address = "10.41.0.10"),
    [/sites\.office\.host\.address/, /10\.41\.0\.10/, /10\.40\.0\.0\/24/],
  ],
  [
    "a LAN outside the space",
    (n) => (n.sites.barn = { host: { address: "172.16.9.10", enrol: true }, lan: ["172.16.9.0/24"], router: "static" }),
    [/sites\.barn\.lan/, /inside the space/, /172\.16\.9\.0\/24/, /space\.v4/],
  ],
  [
    "a bad key",
    (n) => (n.sites.home.host.hostKeys = ["ssh-ed25519 not-a-key"]),
    [/sites\.home\.host\.hostKeys/, /ssh-ed25519/],
  ],
  [
    "a host that is enrolled, and pinned all the same",
    (n) => (n.sites.cabin.host.hostKeys = [...n.sites.home.host.hostKeys]),
    [/sites\.cabin\.host\.hostKeys/, /made by the library/],
  ],
  [
    "a site called like the hub",
    (n) => (n.sites.vps = { host: { address: "10.22.0.1", enrol: true }, lan: ["10.22.0.0/24"], router: "static" }),
    [/sites\.vps/],
  ],
  [
    "nobody may log in",
    (n) => (n.sinkhole.management.from = []),
    [/sinkhole\.management\.from/, /somebody must be able to log in/],
  ],
  [
    "an id that is taken",
    (n) => Object.assign(n.devices, { laptop: { id: 7 }, phone: { id: 7 } }),
    [/devices\.phone/, /\b7\b/],
  ],
];

const offers: Mistake[] = [
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
  ["a port out of range", (n) => (n.services.mail.port = 70_000), [/services\.mail\.port/, /70000/, /65535/]],
  [
    "a service with the CA's name",
    (n) => (n.services.ca = { at: "home", port: 8082 }),
    [/services\.ca/, /the name is taken/, /certificateAuthority/],
  ],
  ["a name server nowhere", (n) => n.dns.at.push("barn"), [/dns\.at\[2\]/, /barn/, /office/]],
  [
    "a record that is none",
    (n) => (n.dns.extraRecords = [{ name: "nas..attic", type: "a", data: "" }]),
    [/dns\.extraRecords\[0\]\.name/, /dns\.extraRecords\[0\]\.type/, /dns\.extraRecords\[0\]\.data/],
  ],
  ["a CA nowhere", (n) => (n.certificateAuthority.at = "barn"), [/certificateAuthority\.at/, /barn/, /home/]],
  [
    "a link to nowhere, and one that nobody can dial",
    (n) => n.links.push({ from: "cabin", to: "barn" }, { from: "office", to: "home" }),
    [/links\[2\]\.to/, /barn/, /links\[3\]\.endpoint/],
  ],
  [
    "two links between the same hosts",
    (n) => n.links.push({ from: "office", to: "cabin", endpoint: { address: "198.51.100.170", port: 61999 } }),
    [/links\[4\]/, /two links join the same two hosts/, /cabin/],
  ],
];

const domain: Mistake[] = [
  ["an invalid domain", (n) => (n.domain = "intranet..example"), [/domain/, /intranet\.\.example/]],
];

/** They are said before the description is looked at, which is not read without them. */
const settings: Mistake[] = [
  [
    "a setting that is misspelt",
    (n) => (n.servcies = {}),
    [/intranet:servcies: is no setting/, /known are name, .*services, .*protect/, /pulumi config rm intranet:servcies/],
  ],
  ["text where a map must be", (n) => (n.devices = "laptop"), [/intranet:devices: is text, and must be a map/]],
];
const nothing: Mistake[] = [
  ["a setting that is missing", (n) => (n.sites = null), [/intranet:sites: is text, and must be a map/]],
];

describe.each([
  ["settings", settings],
  ["what must be there", nothing],
  ["places", places],
  ["what they offer", offers],
  ["the domain", domain],
])("mistakes about %s", (_name, mistakes) => {
  let code: number;
  let shown: string;
  let servers: unknown;
  beforeAll(async () => {
    servers = (await hetzner("/servers")).servers;
    const config = changedConfig((network) => mistakes.forEach(([, change]) => change(network)));
    const result = await pulumi(["up", "--yes", "--skip-preview", ...config]);
    code = result.code;
    shown = result.stdout + result.stderr;
  }, 60_000);

  test("are refused in words, not by a stack trace, and nothing was touched", async () => {
    expect(code).not.toBe(0);
    expect(shown).not.toMatch(/at Object\.<anonymous>|node_modules/);
    expect((await hetzner("/servers")).servers).toEqual(servers);
  });

  test.each(mistakes)("%s", (_what, _change, patterns) => {
    for (const pattern of patterns) expect(shown).toMatch(pattern);
  });
});
