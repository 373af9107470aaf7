/** The lab's clouds, asked by official clients. They are installed once, into the cache. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { CLOUDFLARE_API_TOKEN, HCLOUD_TOKEN, ZONE } from "../../../lab/constants";
import { cacheDir } from "../../../lab/paths";
import { startTestClouds, type TestClouds } from "./fakes";

const OFFICIAL = join(__dirname, "official");
const REQUIREMENTS = join(OFFICIAL, "requirements.txt");
const PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFJSQXuYoVzR5Hxz6Cx3uLAeXh0FqkcTGXKqFkfpHcd0 operator";
/** A first installation, in milliseconds; warm it is none. */
const INSTALLATION = 600_000;
const RUN = 120_000;

const run = promisify(execFile);
let environment: string;
let lab: TestClouds;

/** A virtual environment with the pinned clients; made again when the list of them changes. */
async function install(): Promise<string> {
  const digest = createHash("sha256").update(readFileSync(REQUIREMENTS)).digest("hex").slice(0, 16);
  const folder = join(cacheDir(), "official-clients", digest);
  const mark = join(folder, ".installed");
  if (existsSync(mark)) return folder;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  // Debian has it in the package python3-venv.
  await run("python3", ["-m", "venv", folder]);
  const pip = ["install", "--quiet", "--disable-pip-version-check", "--no-deps", "-r", REQUIREMENTS];
  await run(join(folder, "bin/pip"), pip);
  writeFileSync(mark, "");
  return folder;
}

/** Runs a program of the environment against the lab's clouds, and gives what it said. */
async function official(program: string, args: string[], more: NodeJS.ProcessEnv = {}): Promise<string> {
  const env = {
    PATH: process.env["PATH"],
    HCLOUD_TOKEN,
    HCLOUD_ENDPOINT: lab.clouds.hetznerUrls[0],
    CLOUDFLARE_API_TOKEN,
    CLOUDFLARE_BASE_URL: lab.clouds.cloudflareUrls[0],
    ZONE,
    PUBLIC_KEY,
    ...more,
  };
  const { stdout, stderr } = await run(join(environment, "bin", program), args, { env, timeout: RUN });
  return stdout + (program === "python" ? "" : stderr);
}

beforeAll(async () => {
  environment = await install();
}, INSTALLATION);
beforeEach(async () => {
  lab = await startTestClouds();
});
afterEach(() => lab.clouds.close());

test(
  "hcloud makes a stack, is refused what Hetzner refuses, and deletes it in order",
  async () => {
    const seen = JSON.parse(await official("python", [join(OFFICIAL, "hetzner_client.py")]));
    expect(seen).toEqual({
      status: "running",
      ipv4: "198.51.100.10",
      location: "fsn1",
      found: ["vps"],
      "left out": [],
      images: 0,
      "server actions": ["change_dns_ptr", "create_server", "start_server"],
      "firewall actions": ["set_firewall_rules"],
      "primary IP actions": [],
      "image actions": 1,
      "one action": "success",
      "all actions": expect.any(Boolean),
      absent: {
        ...{ certificates: 0, floating_ips: 0, isos: 0, load_balancer_types: 0, load_balancers: 0, networks: 0 },
        ...{ placement_groups: 0, volumes: 0, zones: 0 },
      },
      refused: {
        "data centers": "deprecated_api_endpoint",
        "a network": "unsupported_error",
        rescue: "unsupported_error",
        "firewall in use": "resource_in_use",
        "assigned primary IP": "must_be_unassigned",
        "assigned primary IP of a server that is off": "must_be_unassigned",
      },
      left: 0,
    });
    expect(lab.machines.specs.size).toBe(0);
    expect(lab.names.reverse.size).toBe(0);
  },
  RUN,
);

test(
  "cloudflare and certbot-dns-cloudflare change a zone and are refused what Cloudflare refuses",
  async () => {
    const seen = JSON.parse(await official("python", [join(OFFICIAL, "cloudflare_client.py")]));
    expect(seen).toEqual({
      comments: [`a.${ZONE} AAAA`, `www.${ZONE} A`],
      "no comments": [`b.${ZONE} TXT`, `${ZONE} MX`, `${ZONE} TXT`],
      tagged: [],
      batch: [1, 1],
      imported: [1, 5],
      challenge: [`_acme-challenge.${ZONE} TXT`],
      "challenge left": [],
      "page rules": [],
      rulesets: [],
      accounts: ["Lab"],
      refused: {
        IPv4: [400, 9005],
        IPv6: [400, 9006],
        TTL: [400, 9021],
        "a page rule": [400, 9003],
        "a zone": [403, 0],
      },
    });
    expect(lab.names.lookup(ZONE, `a.${ZONE}`)).toEqual(["AAAA 2001:db8::1"]);
    expect(lab.names.lookup(ZONE, `b.${ZONE}`)).toEqual(['TXT "imported"']);
  },
  RUN,
);

describe("octoDNS", () => {
  let zones: string;
  beforeEach(() => {
    zones = mkdtempSync(join(tmpdir(), "octodns-"));
  });
  afterEach(() => rmSync(zones, { recursive: true }));
  const sync = (content: object): Promise<string> => {
    writeFileSync(join(zones, `${ZONE}.yaml`), JSON.stringify(content)); // JSON is YAML
    const args = [`--config-file=${join(OFFICIAL, "octodns.yaml")}`, "--doit", "--force"];
    return official("octodns-sync", args, { ZONES: zones });
  };
  const digest = { certificate_usage: 3, selector: 1, matching_type: 1 };
  const loc = {
    ...{ lat_degrees: 31, lat_minutes: 58, lat_seconds: 52.1, lat_direction: "S", altitude: 20 },
    ...{ long_degrees: 115, long_minutes: 49, long_seconds: 11.7, long_direction: "E" },
    ...{ size: 10, precision_horz: 10, precision_vert: 2 },
  };
  const every = {
    "": [
      { type: "ALIAS", value: `www.${ZONE}.` },
      { type: "MX", value: { exchange: "mail.hosting.example.", preference: 10 } },
      { type: "TXT", values: ["v=spf1 mx -all", `k=${"x".repeat(300)}\\; y`] },
      { type: "CAA", value: { flags: 0, tag: "issue", value: "ca.example" } },
    ],
    www: [
      { type: "A", ttl: 300, value: "192.0.2.40" },
      { type: "AAAA", values: ["2001:db8::1", "2001:db8::2"] },
    ],
    alias: { type: "CNAME", value: `www.${ZONE}.` },
    "_imap._tcp": { type: "SRV", value: { priority: 0, weight: 0, port: 0, target: "." } },
    "_xmpp._tcp": { type: "SRV", value: { priority: 1, weight: 2, port: 5222, target: `www.${ZONE}.` } },
    sub: [
      { type: "NS", values: ["ns1.other.example.", "ns2.other.example."] },
      { type: "DS", value: { key_tag: 1, algorithm: 13, digest_type: 2, digest: "AB".repeat(32) } },
    ],
    loc: { type: "LOC", value: loc },
    naptr: {
      type: "NAPTR",
      value: { order: 1, preference: 2, flags: "S", service: "SIP+D2T", regexp: "", replacement: "_s._tls.x.example." },
    },
    ptr: { type: "PTR", value: "host.example." },
    ssh: { type: "SSHFP", value: { algorithm: 4, fingerprint_type: 2, fingerprint: "cd".repeat(32) } },
    _443: { type: "TLSA", value: { ...digest, certificate_association_data: "ab".repeat(32) } },
    https: {
      type: "HTTPS",
      value: { svcpriority: 1, targetname: ".", svcparams: { alpn: ["h2", "h3"], port: "8443" } },
    },
    svcb: { type: "SVCB", value: { svcpriority: 0, targetname: `www.${ZONE}.` } },
  };

  test(
    "syncs a zone of every type it has, finds nothing to change then, and changes and deletes",
    async () => {
      expect(await sync(every)).not.toContain("No changes were planned");
      expect(lab.names.lookup(ZONE, `sub.${ZONE}`)).toHaveLength(3);
      expect(await sync(every)).toContain("No changes were planned");
      const { sub: _sub, alias: _alias, ...rest } = every;
      await sync({ ...rest, alias: { type: "A", value: "192.0.2.9" }, www: { type: "A", value: "192.0.2.41" } });
      expect(lab.names.lookup(ZONE, `sub.${ZONE}`)).toEqual([]);
      expect(lab.names.lookup(ZONE, `alias.${ZONE}`)).toEqual(["A 192.0.2.9"]);
      expect(lab.names.lookup(ZONE, `www.${ZONE}`)).toEqual(["A 192.0.2.41"]);
    },
    RUN * 3,
  );
});
