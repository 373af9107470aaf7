// The engine, the language host, the dynamic shim and the cloudflare plugin, as `toolchain build` left them, on a real
// program: a file backend in a temporary folder, a Cloudflare in memory.
import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { fakeSshd, sshKey } from "../../unit/toolchain/fake-sshd";
import { type FakeCloudflare, fakeCloudflare, goodToken, zoneId } from "../../unit/toolchain/fake-cloudflare";

const run = promisify(execFile);
const root = path.resolve(__dirname, "../../..");

const program = `
const pulumi = require("@pulumi/pulumi");
const cloudflare = require("@pulumi/cloudflare");
class Note extends pulumi.dynamic.Resource {
  constructor(name, args) {
    super({
      create: async (inputs) => ({ id: inputs.text, outs: inputs }),
      update: async (id, olds, news) => ({ outs: news }),
    }, name, args);
  }
}
const config = new pulumi.Config();
const provider = new cloudflare.Provider("cf", { apiToken: config.requireSecret("token"), baseUrl: "http://example.invalid" });
const opts = { provider };
const zone = cloudflare.getZoneOutput({ filter: { name: "intranet.example" } }, opts);
const note = new Note("note", { text: config.require("text") });
new cloudflare.DnsRecord("a", { zoneId: zone.id, name: "*.Intranet.Example.", type: "AAAA", ttl: 300, content: "2001:DB8:0::1", comment: note.text }, opts);
new cloudflare.DnsRecord("caa", { zoneId: zone.id, name: "@", type: "CAA", ttl: 1, data: { flags: 0, tag: "issue", value: "ca.example" } }, opts);
new cloudflare.DnsRecord("txt", { zoneId: zone.id, name: "key.intranet.example", type: "TXT", ttl: 1, content: config.requireSecret("hidden") }, opts);
new cloudflare.ZoneSetting("ssl", { zoneId: zone.id, settingId: "ssl", value: "full" }, opts);
exports.ranges = cloudflare.getIpRangesOutput({}, opts).ipv4Cidrs;
exports.zone = zone.id;
`;

const remoteProgram = `
const pulumi = require("@pulumi/pulumi");
const command = require("@pulumi/command");
const { PORT, HOST_KEY, PRIVATE_KEY, FOLDER } = process.env;
const connection = { host: "127.0.0.1", port: Number(PORT), hostKey: HOST_KEY, privateKey: PRIVATE_KEY };
const stdin = pulumi.secret("typed in secretly");
const once = new command.remote.Command("once", { connection, create: "cat", delete: "echo gone", stdin });
const open = new command.remote.Command("open", { connection, create: "echo in the open", triggers: [1] }, { dependsOn: once });
new command.remote.CopyToRemote("copy", { connection, source: new pulumi.asset.StringAsset("hello"), remotePath: FOLDER + "/made/by/copy" });
new command.local.Command("local", { create: "echo here" });
exports.once = once.stdout;
exports.open = open.stdout;
`;

describe("the toolchain", () => {
  let folder: string;
  let api: FakeCloudflare;
  let env: NodeJS.ProcessEnv;
  const pulumi = async (...args: string[]) => {
    const { stdout, stderr } = await run("pulumi", [...args, "--non-interactive", "--color", "never"], {
      cwd: folder,
      env,
    });
    return stdout + stderr;
  };

  beforeAll(async () => {
    const toolchain = execFileSync(path.join(root, "toolchain/bin/toolchain"), ["env", "--json"], { encoding: "utf8" });
    api = await fakeCloudflare();
    folder = mkdtempSync(path.join(tmpdir(), "toolchain-smoke-"));
    symlinkSync(path.join(root, "node_modules"), path.join(folder, "node_modules"));
    writeFileSync(
      path.join(folder, "Pulumi.yaml"),
      "name: smoke\nruntime:\n  name: nodejs\n  options: { typescript: false }\nmain: index.js\n",
    );
    writeFileSync(path.join(folder, "index.js"), program);
    env = {
      ...process.env,
      ...(JSON.parse(toolchain) as Record<string, string>),
      PULUMI_BACKEND_URL: `file://${folder}`,
      PULUMI_CONFIG_PASSPHRASE: "smoke",
      CLOUDFLARE_API_TOKEN: goodToken,
      CLOUDFLARE_BASE_URL: api.url,
    };
    await pulumi("stack", "init", "smoke");
    await pulumi("config", "set", "text", "first");
    await pulumi("config", "set", "--secret", "hidden", "a-secret-content");
    await pulumi("config", "set", "--secret", "token", goodToken);
  }, 120_000);

  afterAll(async () => {
    await api.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test("creates, finds nothing to do, updates in place, sees drift, destroys", async () => {
    await pulumi("up", "--yes", "--skip-preview");
    expect([...api.records.values()].map(({ name, type }) => `${String(type)} ${String(name)}`).sort()).toEqual([
      "AAAA *.intranet.example",
      "CAA intranet.example",
      "TXT key.intranet.example",
    ]);
    expect(api.settings.get("ssl")?.value).toBe("full");
    expect(JSON.parse(await pulumi("stack", "output", "--json"))).toEqual({ ranges: ["192.0.2.0/24"], zone: zoneId });

    await pulumi("preview", "--expect-no-changes");
    await pulumi("refresh", "--yes", "--skip-preview", "--expect-no-changes");
    await pulumi("preview", "--expect-no-changes");

    await pulumi("config", "set", "text", "second");
    const updated = await pulumi("up", "--yes", "--skip-preview", "--diff");
    expect(updated).toMatch(/~ 2 updated/);
    expect([...api.records.values()].find(({ type }) => type === "AAAA")?.comment).toBe("second");

    const record = [...api.records.values()].find(({ type }) => type === "AAAA");
    Object.assign(record ?? {}, { content: "2001:db8::bad" });
    expect(await pulumi("refresh", "--yes", "--skip-preview", "--diff")).toContain("2001:db8::bad");
    expect(await pulumi("preview")).toMatch(/~ 1 to update/);
    await pulumi("up", "--yes", "--skip-preview");
    expect([...api.records.values()].find(({ type }) => type === "AAAA")?.content).toBe("2001:db8::1");

    const state = readFileSync(path.join(folder, ".pulumi/stacks/smoke/smoke.json"), "utf8");
    expect(state).not.toContain("a-secret-content");
    expect(state).not.toContain(goodToken);

    await pulumi("destroy", "--yes", "--skip-preview");
    expect(api.records.size).toBe(0);
  }, 300_000);

  test("a wrong token is a clear error that does not repeat it", async () => {
    const wrong = "W".repeat(40);
    const failed = await run("pulumi", ["up", "--yes", "--skip-preview", "--non-interactive"], {
      cwd: folder,
      env: { ...env, CLOUDFLARE_API_TOKEN: wrong },
    }).catch((error: Error & { stdout: string; stderr: string }) => error);
    const said = failed.stdout + failed.stderr;
    expect(said).toContain("Authentication error (code 10000)");
    expect(said).toContain("Check CLOUDFLARE_API_TOKEN");
    expect(said).not.toContain(wrong);
  }, 60_000);

  test("commands run over SSH; keys and what a secret went into are in no state, preview or output", async () => {
    const [operator, host] = [sshKey(), sshKey()];
    const sshd = await fakeSshd({ authorized: operator.publicKey, hostKeys: [host.privateKey] });
    writeFileSync(path.join(folder, "index.js"), remoteProgram);
    Object.assign(env, {
      PORT: String(sshd.port),
      HOST_KEY: sshd.hostKey,
      PRIVATE_KEY: operator.privateKey,
      FOLDER: folder,
    });
    const said = [await pulumi("preview", "--diff"), await pulumi("up", "--yes", "--skip-preview", "--diff")];
    said.push(await pulumi("preview", "--expect-no-changes", "--diff"));
    expect(readFileSync(path.join(folder, "made/by/copy"), "utf8")).toBe("hello");
    const outputs = await pulumi("stack", "output", "--json", "--show-secrets");
    expect(JSON.parse(outputs)).toEqual({ once: "typed in secretly", open: "in the open" });
    said.push(
      await pulumi("stack", "output"),
      readFileSync(path.join(folder, ".pulumi/stacks/smoke/smoke.json"), "utf8"),
    );
    const keyLine = String(operator.privateKey.split("\n")[1]);
    for (const text of said) {
      expect(text).not.toContain("typed in secretly");
      expect(text).not.toContain(keyLine);
    }
    await pulumi("destroy", "--yes", "--skip-preview");
    expect(sshd.commands.map(({ command }) => command)).toEqual(["cat", "echo in the open", "echo gone"]);
    await sshd.close();
  }, 300_000);
});
