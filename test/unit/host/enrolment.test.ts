/** The script that brings a host in, run on a scratch root; and the resource that looks for the host. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConnectionPool } from "../../../host/connection/pool";
import { EnrolmentProvider } from "../../../host/enrolment/provider";
import { renderScript } from "../../../host/enrolment/script";
import { testWith } from "../components/checkers";
import { OWNER, Scratch } from "./scratch";
import { SshServer, makeKey } from "./ssh-server";

const SECRET = "hunter2-is-secret\nEND_OF_FILE\nand 'more' $(of) `it`";
const role = (more: object = {}) => ({
  role: "tunnel",
  files: {
    "/etc/tunnel/key": { content: "key = {{key}}\n", secrets: { key: SECRET }, owner: OWNER },
    "/etc/hosts": { content: "ours\n", owner: OWNER },
  },
  probes: [{ command: ["sh", "-c", "echo hunter2-is-secret; exit 1"], description: "the tunnel", timeoutSeconds: 1 }],
  ...more,
});
const OWNS = "p/s/enrolment of cabin";

describe("the script", () => {
  let host: Scratch;
  beforeEach(() => {
    host = new Scratch();
    host.write("/etc/hosts", "before\n", 0o640);
  });
  afterEach(() => host.remove());
  const run = (script: string, ...words: string[]) => host.start(["sh", "-s", ...words], Buffer.from(script));
  const ledger = () => JSON.parse(host.read("/var/lib/intranet/ledger.json")!).roles.tunnel;

  testWith(
    "python3",
    "makes what the roles want, says so, and the second time changes nothing; no secret is printed",
    () => {
      const script = renderScript("cabin", OWNS, [role()]);
      const first = run(script);
      expect(first.output).toMatch(/^tunnel: set \/etc\/hosts, \/etc\/tunnel\/key$/m);
      expect(first.output).toMatch(/\/etc\/hosts stood there before; a copy is kept as/);
      expect(first.output).toMatch(/^not yet: the tunnel \(\[secret\]\)$/m);
      expect(first.output).toMatch(/cabin is enrolled\. Now run `pulumi up`/);
      expect([first.code, first.output.includes("hunter2")]).toEqual([0, false]);
      expect(host.tree()["/etc/tunnel/key"]).toBe(`file 600 key = ${SECRET}\n`);
      const tree = host.tree();
      const second = run(script);
      expect(second.output).toMatch(/^tunnel: is as it should be$/m);
      expect([second.code, host.tree()]).toEqual([0, tree]);
    },
  );

  testWith("python3", "a newer script brings what has changed, also after a resource has adopted the role", () => {
    run(renderScript("cabin", OWNS, [role()]));
    expect(ledger()).toMatchObject({ id: "enrolment", owner: OWNS });
    const adopted = {
      action: "apply",
      role: "tunnel",
      id: "tunnel-1",
      owner: "p/s/link",
      files: {
        "/etc/tunnel/key": { content: `key = ${SECRET}\n`, mode: "0600", owner: OWNER },
        "/etc/hosts": { content: "ours\n", mode: "0644", owner: OWNER },
      },
    };
    expect(host.run(adopted).answer).toMatchObject({ ok: true, changed: [], adopted: {} });
    const files = { "/etc/tunnel/key": { content: "key = {{key}}\n", secrets: { key: "rotated" }, owner: OWNER } };
    expect(run(renderScript("cabin", OWNS, [role({ files })])).code).toBe(0);
    expect(host.read("/etc/tunnel/key")).toBe("key = rotated\n");
    expect(ledger()).toMatchObject({ id: "tunnel-1", owner: "p/s/link" });
    expect(host.run({ action: "remove", role: "tunnel", id: "tunnel-1", owner: "p/s/link" }).answer).toMatchObject({
      ok: true,
    });
    expect(host.tree()["/etc/hosts"]).toBe("file 640 before\n");
    expect([host.read("/etc/tunnel/key"), host.tree("/var/lib/intranet")]).toEqual([undefined, {}]);
  });

  testWith("python3", "a newer script takes back what it does not list any more and nothing has adopted", () => {
    const old = { role: "old", files: { "/etc/old": { content: "x\n", owner: OWNER } } };
    run(renderScript("cabin", OWNS, [role(), old]));
    const file = { content: "x\n", mode: "0644", owner: OWNER };
    host.run({ action: "apply", role: "dns", id: "d", owner: "p/s/dns", files: { "/etc/dns": file } });
    host.run({ action: "apply", role: "their", id: "enrolment", owner: "q/s/t", files: { "/etc/their": file } });
    const newer = run(renderScript("cabin", OWNS, [role()]));
    expect(newer.output).toMatch(/^old: took back \/etc\/old$/m);
    expect(newer.code).toBe(0);
    expect(["/etc/old", "/etc/dns", "/etc/their"].map((path) => host.read(path))).toEqual([undefined, "x\n", "x\n"]);
  });

  testWith("python3", "`remove` takes back everything of the stack and nothing of another", () => {
    const before = host.tree();
    const script = renderScript("cabin", OWNS, [role()]);
    run(script);
    const file = { content: "x\n", mode: "0644", owner: OWNER };
    host.run({ action: "apply", role: "dns", id: "d", owner: "p/s/dns", files: { "/etc/dns": file } });
    host.run({ action: "apply", role: "their", id: "t", owner: "q/s/t", files: { "/etc/their": file } });
    const removed = run(script, "remove");
    expect(removed.output).toMatch(/^dns: took back \/etc\/dns\ntunnel: took back/m);
    expect([host.read("/etc/dns"), host.read("/etc/hosts"), host.read("/etc/their")]).toEqual([
      undefined,
      "before\n",
      "x\n",
    ]);
    host.run({ action: "remove", role: "their", id: "t", owner: "q/s/t" });
    const { "/etc/systemd": _hook, ...left } = host.tree();
    expect(Object.fromEntries(Object.entries(left).filter(([path]) => !path.startsWith("/etc/systemd/")))).toEqual(
      before,
    );
  });

  testWith("python3", "a refused check leaves the host as it was and ends with an error; so does one cut short", () => {
    const before = host.tree();
    const checks = [{ command: ["false"], description: "the checker" }];
    const refused = run(renderScript("cabin", OWNS, [role({ checks })]));
    expect([refused.code, refused.output.includes("The host was left as it was before")]).toEqual([1, true]);
    expect(host.read("/etc/hosts")).toBe("before\n");
    host.remove();
    host = new Scratch();
    host.write("/etc/hosts", "before\n", 0o640);
    const script = renderScript("cabin", OWNS, [role()]);
    for (const part of [0.3, 0.6, 0.99]) {
      const cut = run(script.slice(0, Math.floor(script.length * part)));
      expect([part, cut.code === 0, host.tree()]).toEqual([part, false, before]);
    }
  });

  testWith("python3", "another word, or another stack's role of the same name, is refused", () => {
    const script = renderScript("cabin", OWNS, [role()]);
    expect(run(script, "destroy").code).toBe(64);
    host.run({ action: "apply", role: "tunnel", id: "t", owner: "q/s/t" });
    const refused = run(script);
    expect(refused.output).toMatch(/role tunnel on this host belongs to q\/s\/t/);
    expect(refused.code).toBe(1);
  });
});

describe("the resource", () => {
  const [hostKey, otherKey, operator] = [makeKey(), makeKey(), makeKey()];
  const folder = mkdtempSync(join(tmpdir(), "intranet-enrol-"));
  const saved = { ...process.env };
  let server: SshServer;
  let pool: ConnectionPool;
  let provider: EnrolmentProvider;
  let said: string[];
  let inputs: { connection: never };
  let asked: number;
  beforeEach(async () => {
    writeFileSync(join(folder, "operator"), operator.private, { mode: 0o600 });
    delete process.env.SSH_AUTH_SOCK;
    process.env.INTRANET_SSH_KEY = join(folder, "operator");
    asked = 0;
    server = new SshServer({
      hostKey,
      allowed: [operator.public],
      onExec: () => {
        asked += 1;
        return { stdout: "", stderr: "", code: 0 };
      },
    });
    said = [];
    pool = new ConnectionPool();
    provider = new EnrolmentProvider(pool, (line) => said.push(line), 1);
    inputs = {
      connection: {
        address: "127.0.0.1",
        name: "cabin",
        port: await server.listen(),
        hostKeys: [hostKey.public],
      } as never,
    };
  });
  afterEach(async () => {
    await pool.close();
    await server.close();
    process.env = { ...saved };
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  const off = { connection: { address: "127.0.0.1", name: "cabin", port: 1, hostKeys: [hostKey.public] } as never };

  test("a host that is not there is not enrolled, within its time, and is told why", async () => {
    const begun = Date.now();
    expect((await provider.create(off)).outs).toEqual({ ...off, enrolled: false });
    expect(await provider.diff("", { ...off, enrolled: false }, off)).toEqual({ changes: false });
    expect(Date.now() - begun).toBeLessThan(5000);
    for (const line of said) expect(line).toMatch(/^cabin .* is not there yet: .*refused/);
    expect(said).toHaveLength(2);
  });

  test("a host that comes is a change, and enrolled for ever: it is not asked again, on or off, whatever its connection", async () => {
    const state = { ...inputs, enrolled: false };
    expect(await provider.diff("", state, inputs)).toEqual({ changes: true });
    expect(said).toEqual([expect.stringMatching(/^cabin \(127\.0\.0\.1:\d+\) was seen/)]);
    const { outs } = await provider.update("", state, inputs);
    expect(outs).toEqual({ ...inputs, enrolled: true });
    expect(asked).toBe(2);
    expect(await provider.diff("", outs, off)).toEqual({ changes: false });
    expect(await provider.diff("", outs, inputs)).toEqual({ changes: false });
    expect((await provider.update("", outs, off)).outs).toEqual({ ...off, enrolled: true });
    expect(asked).toBe(2);
  });

  test("a host with another key is told, and not enrolled", async () => {
    const other = { connection: { ...(inputs.connection as object), hostKeys: [otherKey.public] } as never };
    expect((await provider.create(other)).outs).toMatchObject({ enrolled: false });
    expect(said).toEqual([expect.stringMatching(/^cabin .* is there but cannot be used: .*another host key/)]);
  });

  test("what a preview does not know yet is not looked for; a wrong connection is refused by its path", async () => {
    const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
    const state = { ...off, enrolled: false };
    const hub = { connection: { ...(off.connection as object), address: unknown } as never };
    expect(await provider.diff("", state, hub)).toEqual({ changes: true });
    expect((await provider.check({}, { connection: { address: "a b", hostKeys: [] } })).failures).toEqual([
      { property: "connection.address", reason: expect.stringMatching(/must be a host name/) },
    ]);
  });
});
