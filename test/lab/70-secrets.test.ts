/**
 * No secret is in clear in state, outputs, previews, logs, process lists or journals; on hosts each is where it
 * belongs, for its owner alone.
 */
import { createPrivateKey, createPublicKey, X509Certificate } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { changedConfig, enrol, ensureUp, outputs, plan, pulumi, pulumiOk, ROOT, up } from "./intranet";
import { pieces, secretFiles, type StackSecret, stackSecrets } from "./secrets";
import { sample, TEMPORARY } from "./sampler";
import { exec, lab, run, status } from "./support";
import { LOGGED } from "./trial";

const MANAGED = Object.keys(plan().hosts);

let state: StackSecret[];
let all: string[];
beforeAll(async () => {
  await ensureUp();
  state = await stackSecrets();
  all = pieces(state);
}, 600_000);

/** What the sinkhole's first host key consists of. */
const firstHostKey = (): string[] => pieces(state.filter(({ urn }) => urn.endsWith("-first-host-key")));

/** The secrets of resources whose type ends like that. */
const of = (type: string): string[] => pieces(state.filter(({ urn }) => urn.split("::")[2]!.endsWith(type)));

test("every kind of secret is known to this test", () => {
  const { links, devices } = plan();
  // Both ends of every tunnel; the devices' hub, and the devices.
  expect(of(":TunnelKeys").length).toBeGreaterThanOrEqual(2 * links.length);
  expect(of(":WireGuardKey").length).toBeGreaterThanOrEqual(1 + Object.keys(devices).length);
  // OSPF on each tunnel, and the zones' transfers.
  expect(of(":SharedSecret").length).toBeGreaterThanOrEqual(links.length + 1);
  // Three lines of a file for each host key: the VPS's, and those of the hosts that were joined.
  expect(of(":SshHostKey").length).toBeGreaterThanOrEqual(3 * 3);
  expect(of(":RootCertificate").length).toBeGreaterThanOrEqual(2);
  expect(of(":IntermediateCertificate").length).toBeGreaterThanOrEqual(2);
});

/** All that is below a folder, as one text. */
function below(folder: string): string {
  const paths = fs.readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => path.join(folder, name));
  return paths.map((file) => (fs.lstatSync(file).isFile() ? fs.readFileSync(file, "utf8") : "")).join("\n");
}

test("no secret is written anywhere", async () => {
  const texts: Record<string, string> = {};
  texts["state"] = await pulumiOk(["stack", "export"]);
  texts["outputs"] = await pulumiOk(["stack", "output", "--json"]);
  // Another device, another cost of a tunnel, another name: files with keys, routing secrets and the zone are written
  // anew.
  const change = changedConfig((network) => {
    network.devices.tablet = {};
    network.links.find(({ to }: { to: string }) => to === "vps").cost = 90;
    network.dns.extraRecords = [...(network.dns.extraRecords ?? []), { name: "seen", type: "TXT", data: '"seen"' }];
  });
  const temporary = fs.mkdtempSync(path.join(os.tmpdir(), "intranet-log-"));
  const said = async (args: string[]) => {
    const { code, stdout, stderr } = await pulumi([...args, ...LOGGED], {
      timeoutSeconds: 400,
      env: { TMPDIR: temporary },
    });
    expect([args, code, stdout + stderr]).toEqual([args, 0, stdout + stderr]);
    return stdout + stderr;
  };
  texts["preview"] = await said(["preview", "--diff", ...change]);
  texts["preview in JSON"] = await said(["preview", "--json", ...change]);

  const folders = (host: string) => (host === "operator" ? [temporary] : TEMPORARY);
  const inUse = all.filter((secret) => !firstHostKey().includes(secret)); // that one lies in the user data
  const seen = await sample([...MANAGED, "operator"], inUse, folders, async () => {
    texts["logs of up"] = await said(["up", "--yes", "--skip-preview", "--diff", ...change]);
  });
  const looks = Object.entries(seen).map(([host, { rounds, found }]) => [host, rounds > 1, found]);
  expect(looks).toEqual([...MANAGED, "operator"].map((host) => [host, true, []]));
  all = [...new Set([...all, ...pieces(await stackSecrets())])]; // those of the new device, too
  texts["refresh"] = await said(["refresh", "--yes", "--diff", "--skip-preview", ...change]);
  await up();

  texts["history"] = await pulumiOk(["stack", "history", "--json"]);
  texts["the operator's temporary files"] = below(temporary);
  const backend = (await run(["printenv", "PULUMI_BACKEND_URL"])).stdout.trim();
  texts["the backend: checkpoints, backups, history"] = below(fileURLToPath(backend));
  expect(texts["the backend: checkpoints, backups, history"]).toContain("ciphertext");
  for (const host of MANAGED) {
    texts[`journal of ${host}`] = (await exec(host, ["journalctl", "--no-pager", "-o", "cat"])).stdout;
    const others = "cat /root/.*_history /home/*/.*_history /var/log/*.log /var/log/apt/* 2>/dev/null; true";
    texts[`history and logs of ${host}`] = (await exec(host, ["sh", "-c", others])).stdout;
    texts[`console of ${host}`] = (await lab(["logs", host, "--console", "--lines", "100000"])).stdout;
  }
  const tokens = (await status()).clouds.map(({ token }) => token);
  for (const [where, text] of Object.entries(texts)) {
    const leaked = [...all, ...tokens].filter((secret) => text.includes(secret));
    expect({ where, leaked: leaked.map((s) => `${s.slice(0, 4)}…`) }).toEqual({ where, leaked: [] });
  }
  // The search itself works: the same state with its secrets shown is caught.
  const shown = await pulumiOk(["stack", "export", "--show-secrets"]);
  expect(pieces(state).filter((secret) => !shown.includes(secret))).toEqual([]);
}, 900_000);

test("bin/enrol prints a host's own secrets and nobody else's", async () => {
  const { stdout } = await enrol("cabin", "--stack", "lab");
  const printed = all.filter((secret) => stdout.includes(secret));
  // Its end of the tunnel, and its SSH host key; what it needs later comes over the tunnel.
  expect(printed.filter((secret) => of(":TunnelKeys").includes(secret))).toHaveLength(1);
  expect(
    printed.filter((secret) => !of(":TunnelKeys").includes(secret) && !of(":SshHostKey").includes(secret)),
  ).toEqual([]);
  expect(printed.length).toBeLessThanOrEqual(5);
});

// Where secrets and private keys lie on a host. What is asked for comes on stdin.
const SEARCH = [
  "import json, os, stat, sys",
  "pieces = [piece.encode() for piece in json.load(sys.stdin)]",
  "found = []",
  "for top in ['/etc', '/var', '/root', '/home', '/srv', '/opt', '/tmp', '/run', '/usr/local']:",
  "    for folder, _, names in os.walk(top):",
  "        for name in names:",
  "            path = os.path.join(folder, name)",
  "            try: seen = os.lstat(path)",
  "            except OSError: continue",
  "            if not stat.S_ISREG(seen.st_mode): continue",
  "            text = open(path, 'rb').read()",
  "            hits = [piece.decode() for piece in pieces if piece in text]",
  "            keys = text.decode(errors='replace') if b'PRIVATE KEY-----' in text else None",
  "            if hits or keys: found.append({'path': path, 'mode': seen.st_mode & 0o777, 'hits': hits, 'keys': keys})",
  "print(json.dumps(found))",
].join("\n");
interface Found {
  path: string;
  mode: number;
  hits: string[];
  keys: string | null;
}

describe("on the hosts", () => {
  const found: Record<string, Found[]> = {};
  beforeAll(async () => {
    for (const host of MANAGED) {
      const searched = await exec(host, ["python3", "-c", SEARCH], { stdin: JSON.stringify(all) });
      expect([host, searched.code, searched.stderr]).toEqual([host, 0, ""]);
      found[host] = JSON.parse(searched.stdout);
    }
  }, 180_000);
  /** Where a host holds any of those secrets. */
  const holding = (host: string, secrets: string[]): string[] =>
    found[host]!.filter(({ hits }) => hits.some((hit) => secrets.includes(hit))).map(({ path: file }) => file);

  test("each holds the keys of its own tunnels, and only the CA's host the intermediate's", () => {
    for (const host of MANAGED) expect([host, holding(host, of(":TunnelKeys")).length > 0]).toEqual([host, true]);
    const { host: ca } = plan().certificateAuthority!;
    const holders = MANAGED.filter((host) => holding(host, of(":IntermediateCertificate")).length > 0);
    expect(holders).toEqual([ca]);
  });

  test("none holds the root's key, in whatever form; it is in no output either", async () => {
    for (const host of MANAGED) expect([host, holding(host, of(":RootCertificate"))]).toEqual([host, []]);
    const { certificateAuthority } = await outputs();
    const rootKey = new X509Certificate(certificateAuthority.rootCertificate).publicKey;
    const publicKeys = Object.values(found)
      .flat()
      .flatMap(
        ({ keys }) =>
          keys?.match(/-----BEGIN ((EC|RSA) )?PRIVATE KEY-----[^-]+-----END ((EC|RSA) )?PRIVATE KEY-----/g) ?? [],
      )
      .map((pem) => createPublicKey(createPrivateKey(pem)));
    // The intermediate's, the sinkhole's own and those that the proxies have made are seen.
    expect(publicKeys.length).toBeGreaterThanOrEqual(3);
    expect(publicKeys.filter((key) => key.equals(rootKey))).toHaveLength(0);
    const shown = await pulumiOk(["stack", "output", "--json", "--show-secrets"]);
    expect(of(":RootCertificate").filter((secret) => shown.includes(secret))).toEqual([]);
  });

  test("no key of a device is on any host", () => {
    const devices = pieces(state.filter(({ urn }) => /:RoadWarrior\$.*:WireGuardKey$/.test(urn.split("::")[2]!)));
    expect(devices.length).toBeGreaterThanOrEqual(Object.keys(plan().devices).length);
    for (const host of MANAGED) expect([host, holding(host, devices)]).toEqual([host, []]);
  });

  test("a secret is in the files that a role keeps it in, and in no other file", async () => {
    const names = Object.fromEntries((await status()).hosts.map(({ name, ipv4 }) => [ipv4, name]));
    const own = new Set(secretFiles(JSON.parse(await pulumiOk(["stack", "export"])), names));
    expect(own.size).toBeGreaterThan(MANAGED.length);
    const elsewhere = MANAGED.flatMap((host) =>
      found[host]!.filter(({ path: file, hits }) => hits.length > 0 && !own.has(`${host} ${file}`)).map((item) => ({
        host,
        ...item,
      })),
    );
    // The sinkhole's first host key came with its user data, for the first boot alone: cloud-init keeps that, and the
    // role what it replaced.
    const first = firstHostKey();
    const strange = elsewhere.filter(({ hits }) => !hits.every((hit) => first.includes(hit)));
    expect(strange.map(({ host, path: file }) => `${host} ${file}`)).toEqual([]);
    for (const { host, path: file } of elsewhere)
      expect(`${host} ${file}`).toMatch(
        /^vps (\/var\/lib\/cloud\/|\/run\/cloud-init\/|\/var\/lib\/intranet\/backup\/sinkhole-ssh\/)/,
      );
  });

  test("nobody but root, or the daemon that needs it, may read what holds a secret", () => {
    const open = MANAGED.flatMap((host) =>
      found[host]!.filter(({ mode }) => (mode & 0o007) !== 0).map(
        ({ path: file, mode }) => `${host} ${file} ${mode.toString(8)}`,
      ),
    );
    expect(open).toEqual([]);
  });

  test("no script of the enrolment is left", () => {
    const scripts = Object.values(found)
      .flat()
      .filter(({ path: file, hits }) => hits.length > 0 && /request\.json|enrol/.test(file));
    expect(scripts).toEqual([]);
  });
});

test("nothing of the committed tree holds a private key", async () => {
  const found = await run(["git", "-C", ROOT, "grep", "-lE", "BEGIN [A-Z ]*PRIVATE KEY-----$", "--", ":!test"]);
  expect(found.stdout.trim()).toBe("");
});
