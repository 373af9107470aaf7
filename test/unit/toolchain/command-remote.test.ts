import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Provider } from "@pulumi/pulumi/provider";
import { fingerprint, parseHostKey } from "../../../toolchain/plugins/command/host-key";
import { commandProvider } from "../../../toolchain/plugins/command/provider";
import { hasSecret, type Properties, secret, unwrapAll } from "../../../toolchain/plugins/common/values";
import { type FakeSshd, fakeSshd, rsaHostKey, sshKey } from "./fake-sshd";

const urn = "urn:pulumi:s::p::command:remote:Command::c";
const copyUrn = "urn:pulumi:s::p::command:remote:CopyToRemote::f";
const operator = sshKey();
const host = sshKey();

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe("the stand-in for command:remote", () => {
  const provider = commandProvider("1.2.1") as Required<Provider>;
  let sshd: FakeSshd;
  let logged: jest.SpyInstance;

  beforeEach(async () => {
    sshd = await fakeSshd({ authorized: operator.publicKey, hostKeys: [host.privateKey], acceptEnv: ["GREETING"] });
    logged = jest.spyOn(process.stderr, "write").mockReturnValue(true);
    delete process.env.SSH_AUTH_SOCK;
  });
  afterEach(async () => {
    logged.mockRestore();
    await sshd.close();
  });

  const connection = (changes: Properties = {}): Properties => ({
    host: "127.0.0.1",
    port: sshd.port,
    hostKey: sshd.hostKey,
    privateKey: operator.privateKey,
    dialErrorLimit: 3,
    ...changes,
  });
  const inputs = (changes: Properties = {}): Properties => ({ connection: secret(connection()), ...changes });
  const create = async (changes: Properties) => (await provider.create(urn, inputs(changes))).outs as Properties;
  const shown = () => logged.mock.calls.map(([text]) => String(text)).join("");
  const reasons = async (news: Properties) =>
    ((await provider.check(urn, {}, news)).failures ?? []).map(({ property }) => property);

  test("create runs once, hands stdin over and keeps both streams without the last line break", async () => {
    const outs = await create({ create: "cat; echo problem >&2; printf 'two\\n\\n'", stdin: "grüße\n" });
    expect(outs).toMatchObject({ stdout: "grüße\ntwo\n", stderr: "problem" });
    expect(sshd.commands.length).toBe(1);
    expect(sshd.connections).toBe(1);
  });

  test("update runs `update`, or `create` when there is none, with what was printed before at hand; delete runs `delete`", async () => {
    const both = inputs({ create: "echo made", update: "echo changed", delete: "echo gone" });
    const { id, outs } = await provider.create(urn, both);
    expect((await provider.update(id, urn, outs, both)).outs).toMatchObject({ stdout: "changed" });
    const { update: _, ...only } = both;
    expect((await provider.update(id, urn, outs, only)).outs).toMatchObject({ stdout: "made" });
    await provider.delete(id, urn, outs);
    expect(sshd.commands.map(({ command }) => command)).toEqual([
      "echo made",
      "echo changed",
      "echo made",
      "echo gone",
    ]);
    await provider.delete(id, urn, { ...(outs as Properties), delete: undefined });
    expect(sshd.commands.length).toBe(4);
  });

  test("a changed trigger replaces, any other change updates, no change is none", async () => {
    const old = inputs({ create: "true", triggers: [1, "a"] });
    const { id, outs } = await provider.create(urn, old);
    expect(await provider.diff(id, urn, outs, old)).toEqual({ changes: false, replaces: [] });
    expect(await provider.diff(id, urn, outs, { ...old, triggers: [2, "a"] })).toEqual({
      changes: true,
      replaces: ["triggers"],
    });
    expect(await provider.diff(id, urn, outs, { ...old, create: "false" })).toEqual({ changes: true, replaces: [] });
  });

  test("another host key is refused before anything is sent, with both fingerprints, and is not retried", async () => {
    const other = sshKey();
    const pinned = other.publicKey;
    const error = (await provider
      .create(urn, { connection: secret(connection({ hostKey: pinned })), create: "true" })
      .catch((reason: Error) => reason)) as Error;
    expect(error.message).toContain(fingerprint(parseHostKey(pinned).blob));
    expect(error.message).toContain(fingerprint(parseHostKey(sshd.hostKey).blob));
    expect([sshd.logins, sshd.commands.length, sshd.connections]).toEqual([0, 0, 1]);
  });

  test("a host that has no key of the pinned type is refused", async () => {
    const rsa = await fakeSshd({ authorized: operator.publicKey, hostKeys: [rsaHostKey()] });
    const attempt = provider.create(urn, { connection: connection({ port: rsa.port }), create: "true" });
    await expect(attempt).rejects.toThrow("no host key of the pinned type ssh-ed25519");
    await rsa.close();
  });

  test("of several host keys the pinned one is asked for, RSA with SHA-2 too", async () => {
    const rsa = rsaHostKey();
    const many = await fakeSshd({ authorized: operator.publicKey, hostKeys: [rsa, host.privateKey] });
    for (const hostKey of [many.hostKey, host.publicKey]) {
      const { outs } = await provider.create(urn, {
        connection: connection({ port: many.port, hostKey }),
        create: "echo in",
      });
      expect(outs.stdout).toBe("in");
    }
    await many.close();
  });

  test("a refused login is told apart, tried a few times only, and shows no key", async () => {
    const stranger = sshKey();
    const attempt = provider.create(urn, {
      connection: secret(connection({ privateKey: stranger.privateKey, dialErrorLimit: 50 })),
      create: "true",
    });
    const error = (await attempt.catch((reason: Error) => reason)) as Error;
    expect(error.message).toMatch(/refused the login with the private key.*authorized_keys.*3 tries/);
    expect(error.message).not.toContain(stranger.privateKey.split("\n")[1]);
    expect(sshd.connections).toBe(3);
  });

  test("a login that works at the second try is enough", async () => {
    sshd.refuse = 1;
    expect(await create({ create: "echo in" })).toMatchObject({ stdout: "in" });
  });

  test("a host that comes up late is waited for; one that does not is named", async () => {
    const port = await freePort();
    const waiting = provider.create(urn, { connection: connection({ port, dialErrorLimit: 10 }), create: "echo up" });
    const late = await fakeSshd({ authorized: operator.publicKey, hostKeys: [host.privateKey], port });
    expect((await waiting).outs).toMatchObject({ stdout: "up" });
    await late.close();
    const never = provider.create(urn, {
      connection: connection({ port: await freePort(), dialErrorLimit: 2 }),
      create: "true",
    });
    await expect(never).rejects.toThrow(/cannot be reached.*ECONNREFUSED.*2 tries/);
  });

  test("a connection that is cut in the middle is an error", async () => {
    sshd.cut = true;
    await expect(create({ create: "sleep 60" })).rejects.toThrow(/did not end|lost/);
  });

  test("a failing command is named with its exit code and its stderr; secrets and stdin are not", async () => {
    const command = "cat >/dev/null; echo 'token s3cret-t0ken is bad' >&2; echo on stdout; exit 3 # s3cret-t0ken";
    const attempt = create({ create: command, stdin: secret("line one of stdin\ns3cret-t0ken") });
    const error = (await attempt.catch((reason: Error) => reason)) as Error;
    expect(error.message).toContain("ended with exit code 3");
    expect(error.message).not.toContain("s3cret-t0ken");
    expect(error.message).not.toContain("line one of stdin");
    expect(error.stack).not.toContain("s3cret-t0ken");
    await expect(create({ create: "echo 'no such file' >&2; exit 4" })).rejects.toThrow(
      /exit code 4.*\n?.*no such file/,
    );
    await expect(create({ create: "kill -TERM $$" })).rejects.toThrow("signal");
  });

  test("what a secret went into is a secret and is not logged; the rest is logged as asked for", async () => {
    const outs = await create({ create: "cat", stdin: secret("hidden in stdin") });
    expect(unwrapAll(outs).stdout).toBe("hidden in stdin");
    expect(hasSecret(outs.stdout) && hasSecret(outs.stdin) && hasSecret(outs.connection)).toBe(true);
    expect(shown()).toBe("");
    const open = await create({ create: "echo seen; echo unseen >&2", logging: "stdout" });
    expect(hasSecret(open.stdout)).toBe(false);
    expect(shown()).toBe("seen\n");
  });

  test("a variable that sshd does not accept is an error, not a silent loss", async () => {
    expect(await create({ create: "echo $GREETING", environment: { GREETING: "hello" } })).toMatchObject({
      stdout: "hello",
    });
    await expect(create({ create: "true", environment: { OTHER: "x" } })).rejects.toThrow(
      /does not accept OTHER.*AcceptEnv/,
    );
  });

  test("a proxy is passed through, with a pinned key of its own", async () => {
    const proxyKey = sshKey();
    const proxy = await fakeSshd({ authorized: operator.publicKey, hostKeys: [proxyKey.privateKey] });
    const via = { host: "127.0.0.1", port: proxy.port, hostKey: proxy.hostKey, privateKey: operator.privateKey };
    const { outs } = await provider.create(urn, { connection: connection({ proxy: via }), create: "echo through" });
    expect(outs.stdout).toBe("through");
    expect([proxy.connections, proxy.commands.length]).toEqual([1, 0]);
    const wrong = provider.create(urn, {
      connection: connection({ proxy: { ...via, hostKey: host.publicKey } }),
      create: "true",
    });
    await expect(wrong).rejects.toThrow("is pinned");
    await proxy.close();
  });

  test("bad connections are refused by field, never by value", async () => {
    expect(await reasons({})).toEqual(["connection"]);
    expect(await reasons({ connection: secret({ host: "h" }) })).toEqual(["connection.hostKey"]);
    expect(await reasons({ connection: secret({ ...connection(), privatekey: "oops" }) })).toEqual([
      "connection.privatekey",
    ]);
    expect(
      await reasons({ connection: connection({ port: "22" }), create: 1, logging: "all", environment: { "A B": "x" } }),
    ).toEqual(["connection.port", "create", "environment", "logging"]);
    const { failures } = await provider.check(
      urn,
      {},
      { connection: secret(connection({ hostKey: "not-a-key-but-hidden" })) },
    );
    expect(failures?.[0]?.reason).not.toContain("not-a-key-but-hidden");
    expect(await reasons({ connection: "04da6b54-80e4-46f7-96ec-b56ff0331ba9" })).toEqual([]);
    const broken = provider.create(urn, { connection: connection({ privateKey: "nonsense" }), create: "true" });
    await expect(broken).rejects.toThrow("connection.privateKey cannot be read");
  });

  describe("CopyToRemote", () => {
    const signature = "4dabf18193072939515e22adb298388d";
    const asset = (fields: object) => ({ [signature]: "c44067f5952c0a294b673a41bacd8c17", hash: "h1", ...fields });
    let folder: string;
    beforeEach(() => {
      folder = mkdtempSync(path.join(tmpdir(), "copy-"));
    });
    afterEach(() => rmSync(folder, { recursive: true }));
    const copy = (source: unknown, remotePath: string) => provider.create(copyUrn, inputs({ source, remotePath }));

    test("a text makes its parents; a changed hash is an update", async () => {
      const remotePath = path.join(folder, "a/b/note.txt");
      const { id, outs } = await copy(asset({ text: "grüße" }), remotePath);
      expect(readFileSync(remotePath, "utf8")).toBe("grüße");
      const news = inputs({ source: asset({ text: "other", hash: "h2" }), remotePath });
      expect(await provider.diff(id, copyUrn, outs, news)).toEqual({ changes: true, replaces: [] });
      await provider.update(id, copyUrn, outs, news);
      expect(readFileSync(remotePath, "utf8")).toBe("other");
      expect(await provider.diff(id, copyUrn, news, news)).toEqual({ changes: false, replaces: [] });
    });

    test("a file goes into an existing folder under its own name, and over a file", async () => {
      const source = path.join(folder, "source");
      mkdirSync(path.join(source, "deep"), { recursive: true });
      writeFileSync(path.join(source, "deep/one"), "1");
      mkdirSync(path.join(folder, "into"));
      await copy(asset({ path: path.join(source, "deep/one") }), path.join(folder, "into"));
      expect(readFileSync(path.join(folder, "into/one"), "utf8")).toBe("1");
      writeFileSync(path.join(folder, "into/one"), "old");
      await copy(asset({ path: path.join(source, "deep/one") }), path.join(folder, "into/one"));
      expect(readFileSync(path.join(folder, "into/one"), "utf8")).toBe("1");
    });

    test("a folder goes below the path under its own name, also where nothing is, with hidden and empty ones", async () => {
      const source = path.join(folder, "source");
      mkdirSync(path.join(source, "deep/empty"), { recursive: true });
      writeFileSync(path.join(source, "deep/.one"), "1");
      const remotePath = path.join(folder, "made/tree");
      const { id, outs } = await copy(asset({ path: source }), remotePath);
      expect(readFileSync(path.join(remotePath, "source/deep/.one"), "utf8")).toBe("1");
      expect(readdirSync(path.join(remotePath, "source/deep"))).toEqual([".one", "empty"]);
      // The second copy goes where the first did, and overwrites.
      writeFileSync(path.join(source, "deep/.one"), "2");
      const news = inputs({ source: asset({ path: source, hash: "h2" }), remotePath });
      await provider.update(id, copyUrn, outs, news);
      expect(readdirSync(remotePath)).toEqual(["source"]);
      expect(readFileSync(path.join(remotePath, "source/deep/.one"), "utf8")).toBe("2");
      await copy(asset({ path: `${source}/` }), remotePath);
      expect(readdirSync(remotePath)).toEqual(["deep", "source"]);
      await expect(copy(asset({ path: source }), path.join(source, "deep/.one"))).rejects.toThrow(
        "is a file on the host",
      );
    });

    test("an update copies for another content or path, and not for another connection alone", async () => {
      const remotePath = path.join(folder, "note");
      const source = asset({ text: "ours" });
      const { id, outs } = await copy(source, remotePath);
      writeFileSync(remotePath, "changed by hand");
      const again = inputs({ source, remotePath, connection: connection({ perDialTimeout: 20 }) });
      expect((await provider.diff(id, copyUrn, outs, again)).changes).toBe(true);
      await provider.update(id, copyUrn, outs, again);
      expect(readFileSync(remotePath, "utf8")).toBe("changed by hand");
      await provider.update(id, copyUrn, outs, inputs({ source, remotePath: path.join(folder, "other") }));
      expect(readFileSync(path.join(folder, "other"), "utf8")).toBe("ours");
    });

    test("what is no asset is refused", async () => {
      const { failures } = await provider.check(
        copyUrn,
        {},
        inputs({ source: asset({ assets: {} }), remotePath: "/x" }),
      );
      expect(failures?.map(({ property }) => property)).toEqual(["source"]);
    });
  });
});
