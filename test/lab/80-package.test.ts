/**
 * The published package in a program outside of this tree: installed, not linked; its types compile, its components
 * stand alone.
 */
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { KEY_LABELS, STEP_CA_SOURCE } from "../../lab/constants";
import { deriveSshKey } from "../../lab/keys";
import { tunnel } from "./devices";
import { ROOT, until } from "./intranet";
import { hetzner } from "./lifted";
import { secretsIn } from "./secrets";
import { exec, execOk, run } from "./support";
import { pingEach } from "./traffic";

/**
 * A small intranet of somebody else's, put together from single components: a sinkhole, a friend's laptop, a CA, a role
 * of its own.
 */
const PROGRAM = `
import * as pulumi from "@pulumi/pulumi";
import { CertificateAuthority, DeviceHub, PublicDns, RoadWarrior, Sinkhole, TrustAnchor, type SinkholeArgs } from "pulumi-intranet";
import { HostRole, WireGuardKey } from "pulumi-intranet/host";
import { parsePrefix } from "pulumi-intranet/model";

const mistakes: Record<string, () => unknown> = {
  apply: () => pulumi.output(1).apply(() => { throw new Error("my own mistake"); }),
  setting: () => new pulumi.Config().require("missing"),
  argument: () => new TrustAnchor("mistake", { parent: "none" } as never, { parent: "none" } as never),
};
mistakes[process.env["MISTAKE"] ?? ""]?.();

const domain = "outside.intranet.example";
const space = { v4: "10.96.0.0/16", v6: "fd00:6:6::/48" };
const identity = { v4: "10.96.0.1", v6: "fd00:6:6::1" };
const laptop = { v4: "10.96.1.2", v6: "fd00:6:6:1::2" };
if (!parsePrefix(space.v4)) throw new Error("no prefix");
const args: SinkholeArgs = {
  domain, space, identity, serverName: "outside", protect: false, udpPorts: [51820],
  location: "fsn1", serverType: "cx23", image: "debian-13",
  management: { from: ["198.51.100.130/32"] },
  sshPublicKeys: [process.env["OPERATOR_KEY"]!],
};
const sinkhole = new Sinkhole("outside", args);
const host = { ...sinkhole.host, after: sinkhole.ready };
new PublicDns("outside-names", { zone: "intranet.example", domain, ipv4: sinkhole.ipv4, ipv6: sinkhole.ipv6 });
const key = new WireGuardKey("outside-key");
const hub = { publicKey: key.publicKey, address: sinkhole.ipv4, port: 51820 };
const warrior = new RoadWarrior("outside-laptop", { device: "laptop", ...laptop, hub, allowedPrefixes: [space.v4, space.v6] });
new DeviceHub("outside-devices", {
  ...host, key, interface: "wg-devices", listenPort: 51820,
  address: { v4: "10.96.1.1", v6: "fd00:6:6:1::1" }, pool: { v4: "10.96.1.0/24", v6: "fd00:6:6:1::/64" },
  devices: [{ name: "laptop", publicKey: warrior.publicKey, ...laptop }],
});
const authority = new CertificateAuthority("outside-ca", { ...host, domain, identity, source: ${JSON.stringify(STEP_CA_SOURCE)} });
new TrustAnchor("outside-trust", { ...host, rootCertificate: authority.rootCertificate });
new HostRole(
  "outside-role",
  { connection: sinkhole.connection, role: "outside", files: { "/etc/outside.conf": { content: "key = {{key}}\\n", secrets: { key: key.privateKey } } } },
  { dependsOn: sinkhole.ready, deletedWith: host.deletedWith! },
);
export const configuration = warrior.configuration;
export const hubIdentity = identity.v4;
`;

let folder: string;
beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "intranet-outside-"));
  const packed = execFileSync("npm", ["pack", "--json", "--loglevel=error", "--pack-destination", folder], {
    cwd: ROOT,
    encoding: "utf8",
  });
  const modules = path.join(folder, "node_modules");
  fs.mkdirSync(path.join(modules, "pulumi-intranet"), { recursive: true });
  const tarball = path.join(folder, (JSON.parse(packed) as { filename: string }[])[0]!.filename);
  execFileSync("tar", ["-xzf", tarball, "--strip-components=1", "-C", path.join(modules, "pulumi-intranet")]);
  // What npm would install beside it is what is installed here.
  for (const name of fs.readdirSync(path.join(ROOT, "node_modules"))) {
    if (name !== "pulumi-intranet") fs.symlinkSync(path.join(ROOT, "node_modules", name), path.join(modules, name));
  }
  fs.mkdirSync(path.join(folder, "state"));
  fs.writeFileSync(path.join(folder, "index.ts"), PROGRAM);
  fs.writeFileSync(path.join(folder, "package.json"), JSON.stringify({ name: "outside", main: "index.js" }));
  fs.writeFileSync(
    path.join(folder, "Pulumi.yaml"),
    "name: outside\nruntime: { name: nodejs, options: { typescript: false } }\n",
  );
}, 60_000);

const pulumi = (args: string[], more: Record<string, string> = {}) => {
  const env = {
    ...more,
    PULUMI_BACKEND_URL: `file://${folder}/state`,
    PULUMI_STACK: "outside",
    OPERATOR_KEY: deriveSshKey(KEY_LABELS.operator).publicKey,
  };
  return run(["pulumi", "-C", folder, "--non-interactive", ...args], { env, timeoutSeconds: 300 });
};
/** The same, and fails with what it said when the exit code is not 0. Returns stdout. */
const pulumiOk = async (...args: string[]): Promise<string> => {
  const { code, stdout, stderr } = await pulumi(args);
  if (code !== 0) throw new Error(`pulumi ${args.join(" ")}: ${code}\n${stdout}${stderr}`);
  return stdout;
};
afterAll(async () => {
  await tunnel("laptop", "down");
  if (fs.existsSync(path.join(folder, "index.js"))) await pulumi(["destroy", "--yes", "--skip-preview"]);
  fs.rmSync(folder, { recursive: true, force: true });
}, 200_000);

/** Compiles the program as strictly as can be, with these options. */
const compile = (...options: string[]) =>
  execFileSync(
    path.join(ROOT, "node_modules/.bin/tsc"),
    ["--strict", "--exactOptionalPropertyTypes", "--target", "es2022", "--types", "node", ...options, "index.ts"],
    { cwd: folder, stdio: "pipe", encoding: "utf8" },
  );
test("its types compile in a strict program", () => {
  compile("--module", "node16", "--skipLibCheck");
  expect(fs.existsSync(path.join(folder, "index.js"))).toBe(true);
}, 60_000);

// Pulumi's own templates had the first of these for years.
test.each([
  ["commonjs", "node10"],
  ["esnext", "bundler"],
])(
  "they are found by compilers with module %s, moduleResolution %s",
  (module, resolution) => {
    compile("--module", module, "--moduleResolution", resolution, "--skipLibCheck", "--noEmit");
  },
  60_000,
);

test.each(["pulumi-intranet", "pulumi-intranet/host", "pulumi-intranet/model"])(
  "a program that is an ES module finds all that %s exports",
  (name) => {
    const program = `
      import { createRequire } from "node:module";
      import * as all from ${JSON.stringify(name)};
      const names = Object.keys(createRequire(import.meta.url)(${JSON.stringify(name)})).filter((each) => each !== "__esModule");
      console.log(JSON.stringify({ some: names.length > 3, missing: names.filter((each) => !(each in all)) }));`;
    fs.writeFileSync(path.join(folder, "names.mjs"), program);
    const said = execFileSync(process.execPath, ["names.mjs"], { cwd: folder, encoding: "utf8" });
    expect(JSON.parse(said)).toEqual({ some: true, missing: [] });
  },
);

// Node.js does not come to the end of the stack lines that the SDK's source maps make (host/stack-lines.ts).
test.each([
  ["apply", /my own mistake/],
  ["setting", /Missing required configuration variable 'outside:missing'/],
  ["argument", /Error: /],
])(
  "a mistake of the program's own is said at once: %s",
  async (mistake, said) => {
    await pulumi(["stack", "select", "--create", "outside"]);
    const began = Date.now();
    const { code, stdout, stderr } = await pulumi(["preview"], { MISTAKE: mistake });
    expect(code).not.toBe(0);
    expect(stdout + stderr).toMatch(said);
    expect(stdout + stderr).not.toMatch(/heap|out of memory/);
    expect(Date.now() - began).toBeLessThan(60_000);
  },
  100_000,
);

test("up: components of one's choice work without the rest, beside another stack's", async () => {
  await pulumiOk("stack", "select", "--create", "outside");
  await pulumiOk("up", "--yes", "--skip-preview");
  // The friend is in.
  const { configuration, hubIdentity } = JSON.parse(await pulumiOk("stack", "output", "--json", "--show-secrets"));
  await tunnel("laptop", "up", configuration);
  await until("the laptop reaches the hub", async () => hubIdentity in (await pingEach("laptop", [hubIdentity])));
  // The CA answers by a certificate of its own, which the host trusts like any other.
  const health = ["curl", "--silent", "--resolve", `ca.outside.intranet.example:9000:${hubIdentity}`];
  expect(await execOk("outside", [...health, "https://ca.outside.intranet.example:9000/health"])).toContain("ok");
}, 400_000);

test("its state names the package, holds none of its code, and no key in clear; a second look finds nothing to do", async () => {
  await pulumiOk("preview", "--refresh", "--expect-no-changes");
  const state = await pulumiOk("stack", "export");
  expect(state).toContain("pulumi-intranet");
  const [key] = secretsIn(await execOk("outside", ["cat", "/etc/outside.conf"]));
  expect(key).toHaveLength(44);
  expect(state).not.toContain(key);
  for (const [, stub] of state.matchAll(/"__provider": "((?:[^"\\]|\\.)*)"/g)) expect(stub!.length).toBeLessThan(4096);
}, 120_000);

test("destroy leaves nothing of it, and the other stack's server", async () => {
  await pulumiOk("destroy", "--yes", "--skip-preview");
  expect((await hetzner("/servers?name=outside")).servers).toEqual([]);
  expect((await exec("outside", ["true"])).code).not.toBe(0);
}, 200_000);
