import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Conversations } from "../../../host/resource/converse";
import { RoleProvider } from "../../../host/resource/role-provider";
import { OWNER, Scratch } from "./scratch";
import { SshServer, makeKey } from "./ssh-server";

jest.setTimeout(60_000); // on a busy machine

/** The whole way of a resource: provider, SSH, the agent on a scratch root. */
const SECRET = "hunter2-is-secret";
const hostKey = makeKey();
const operator = makeKey();
const folder = mkdtempSync(join(tmpdir(), "intranet-role-"));
const saved = { ...process.env };
let host: Scratch;
let server: SshServer;
let port: number;
let conversations: Conversations;
let provider: RoleProvider;
let said: string[];
let fault: "drop" | undefined;
/** Called after each command. */
let onChange: () => void;
let commands: number;

beforeEach(async () => {
  writeFileSync(join(folder, "operator"), operator.private, { mode: 0o600 });
  delete process.env.SSH_AUTH_SOCK;
  process.env.INTRANET_SSH_KEY = join(folder, "operator");
  host = new Scratch();
  fault = undefined;
  onChange = () => undefined;
  commands = 0;
  server = new SshServer({
    hostKey,
    allowed: [operator.public],
    onExec: (command, input) => {
      commands += 1;
      const done = spawnSync("sh", ["-c", command], {
        input,
        env: { PATH: `${host.root}.bin:${process.env.PATH}`, INTRANET_ROOT: host.root },
      });
      onChange();
      if (fault === "drop") {
        fault = undefined;
        return "drop";
      }
      return { stdout: done.stdout.toString(), stderr: done.stderr.toString(), code: done.status ?? 1 };
    },
  });
  port = await server.listen();
  said = [];
  conversations = new Conversations();
  provider = new RoleProvider(conversations, (line) => said.push(line));
});
afterEach(async () => {
  await conversations.close();
  await server.close();
  host.remove();
  process.env = { ...saved };
});
afterAll(() => rmSync(folder, { recursive: true }));

const role = (more: object = {}) => ({
  connection: { address: "127.0.0.1", port, hostKeys: [hostKey.public] } as never,
  role: "web",
  owner: "p/s/web",
  files: {
    "/etc/app.conf": { content: "port = 1\n", owner: OWNER },
    "/etc/key": { content: "key = {{key}}\n", secrets: { key: SECRET }, owner: OWNER },
  },
  live: { said: { command: ["echo", "state"] } },
  __provider: "stub",
  ...more,
});
const make = async (more: object = {}) => {
  const { id, outs } = await provider.create(role(more));
  return { id, outs: { ...outs, __provider: "stub" } as never };
};
const message = (promise: Promise<unknown>) =>
  promise.then(
    () => "no error",
    (error: Error) => `${error.message}\n${error.stack}`,
  );

test("create, refresh without drift, update, delete: one connection, and the host as it was", async () => {
  host.write("/etc/app.conf", "by hand\n");
  const before = host.read("/etc/app.conf");
  const { id, outs } = await make();
  expect(id).toMatch(/^web-[0-9a-f]{8}$/);
  expect(said.join("\n")).toMatch(
    /\/etc\/app\.conf stood there before role web; a copy is kept as \/var\/lib\/intranet\/backup\/web/,
  );
  expect(host.read("/etc/key")).toBe(`key = ${SECRET}\n`);
  const read = await provider.read(id, outs);
  expect(read.props).toEqual(outs);
  expect((await provider.diff(id, read.props!, role())).changes).toBe(false);
  const news = role({ files: { "/etc/app.conf": { content: "port = 2\n", owner: OWNER } } });
  const { outs: updated } = await provider.update(id, outs, news);
  expect(host.read("/etc/app.conf")).toBe("port = 2\n");
  expect(host.read("/etc/key")).toBeUndefined();
  await provider.delete(id, updated as never);
  expect(host.read("/etc/app.conf")).toBe(before);
  expect(server.logins).toBe(1);
});

test("a hand edit is drift by line under the same path, a diff, and mended by an update", async () => {
  const { id, outs } = await make();
  host.write("/etc/app.conf", "port = 9\n");
  host.write("/etc/key", "key = another-secret-by-hand\n");
  const read = (await provider.read(id, outs)) as {
    props: { files: Record<string, { content: string }> };
    inputs: object;
  };
  expect(read.props.files["/etc/app.conf"]!.content).toBe("port = 9\n");
  expect(JSON.stringify(read.props.files["/etc/key"]!.content)).not.toMatch(/another-secret|hunter2/);
  expect((await provider.diff(id, read.props, role())).changes).not.toBe(false);
  await provider.update(id, read.props, role());
  expect(host.read("/etc/app.conf")).toBe("port = 1\n");
  expect(host.read("/etc/key")).toBe(`key = ${SECRET}\n`);
});

test("all roles of a host are read in one exchange, and each gets its own answer, drift or error", async () => {
  const { id, outs } = await make();
  host.write("/etc/app.conf", "port = 9\n");
  const other = role({ role: "other", files: { "/etc/other": { content: "x", owner: OWNER } } });
  const made = await provider.create(other);
  await conversations.close();
  commands = 0;
  const [first, second, gone] = await Promise.all([
    provider.read(id, outs),
    provider.read(made.id, made.outs as never),
    provider.read("web-00000000", outs),
  ]);
  expect(commands).toBe(1);
  expect(first).toMatchObject({ props: { files: { "/etc/app.conf": { content: "port = 9\n" } } } });
  expect(second).toMatchObject({ id: made.id, props: { files: { "/etc/other": { content: "x" } } } });
  expect(gone).toEqual({});
  await server.close();
  await conversations.close();
  const both = await Promise.allSettled([provider.read(id, outs), provider.read(made.id, made.outs as never)]);
  expect(both.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
}, 60_000);

test("secrets are nowhere but under their own path in what the engine stores", async () => {
  const { outs } = await make();
  const stored = structuredClone(outs) as { files: Record<string, { secrets?: object }> };
  delete stored.files["/etc/key"]!.secrets;
  expect(JSON.stringify(stored)).not.toContain(SECRET);
});

test("a refused change is an error with command, exit code and output, without the secret, and nothing is recorded", async () => {
  const checks = [{ command: ["sh", "-c", `echo bad ${SECRET} >&2; exit 4`], description: "the checker" }];
  const error = await provider.create(role({ checks })).catch((reason: Error) => reason);
  expect(error).not.toHaveProperty("id");
  expect(await message(Promise.reject(error))).toMatch(
    /role web on 127\.0\.0\.1:\d+: the checker: the new files were refused[^]*exit code: 4[^]*bad \[secret\]/,
  );
  expect(await message(Promise.reject(error))).not.toContain(SECRET);
  expect(host.read("/etc/app.conf")).toBeUndefined();
  expect(host.tree("/var/lib/intranet")).toEqual({});
});

test("a connection that is lost under the change: the host is asked how it ended", async () => {
  fault = "drop";
  const { id, outs } = await make();
  expect(said.join("\n")).toMatch(/looking again how the change ended/);
  expect(host.read("/etc/app.conf")).toBe("port = 1\n");
  expect((outs as { observed: object }).observed).toEqual({ said: "state" });
  expect((await provider.read(id, outs)).id).toBe(id);
});

test("a connection that is lost under a change that failed: the error has the host's reason", async () => {
  fault = "drop";
  const probes = [{ command: ["false"], timeoutSeconds: 1, description: "it answers" }];
  expect(await message(provider.create(role({ probes })))).toMatch(
    /the host undid the change: it answers: did not succeed within 1 s/,
  );
  expect(host.read("/etc/app.conf")).toBeUndefined();
});

test("a role that is gone from the host, or is another resource's, is gone from the state", async () => {
  const { id, outs } = await make();
  expect(await provider.read("web-00000000", outs)).toEqual({});
  await provider.delete(id, outs);
  expect(await provider.read(id, outs)).toEqual({});
});

test("a refresh installs nothing: a role on a host that has lost its Python is drift, and mended by an update", async () => {
  const { id, outs } = await make();
  await conversations.close();
  for (const [name, text] of [
    ["python3", 'echo "sh: python3: not found" >&2; exit 127'],
    ["apt-get", `rm -f ${host.root}.bin/python3`],
  ] as const) {
    host.pretend(name);
    writeFileSync(`${host.root}.bin/${name}`, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  }
  said.length = 0;
  const read = (await provider.read(id, outs)) as { props: object; inputs: object };
  expect(said).toEqual([expect.stringMatching(/python3 is not on this host any more, so role web was not looked at/)]);
  expect(JSON.stringify(read.props)).not.toContain(`"${SECRET}"]`);
  expect((await provider.diff(id, read.props, role())).changes).toBe(true);
  said.length = 0;
  const { outs: mended } = await provider.update(id, read.props, role());
  expect(said).toEqual([expect.stringMatching(/installing python3, which the host lacks/)]);
  expect((await provider.diff(id, mended, role())).changes).toBe(false);
  expect((await provider.read(id, mended as never)).props).toEqual(mended);
});

test("an unreachable host: refresh and delete say the way out; a cloud server is left to its own resource", async () => {
  const { id, outs } = await make();
  await conversations.close();
  await server.close();
  const quick = new RoleProvider(new Conversations(), () => undefined);
  const shorter = jest.spyOn(Date, "now");
  let clock = 0;
  shorter.mockImplementation(() => (clock += 10_000));
  expect(await message(quick.delete(id, outs))).toMatch(/refused the connection[^]*pulumi state delete[^]*deletedWith/);
  expect(await message(quick.read(id, outs))).toMatch(/Bring the host back, or run without --refresh/);
  const cloud = { ...(outs as object), machine: "4711" } as never;
  const kept = await quick.read(id, cloud);
  expect(kept).toMatchObject({ id, props: cloud });
  const behind = {
    ...(outs as object),
    connection: { ...(role().connection as object), via: role().connection },
  } as never;
  expect(await quick.read(id, behind)).toMatchObject({ id, props: behind });
  shorter.mockRestore();
});

test("check reports every broken rule and a collision of two roles on one host, without secrets", async () => {
  const wrong = await provider.check({}, role({ role: "Web", packages: ["-x"] }));
  expect(wrong.failures.map((failure) => failure.property)).toEqual(["role", "packages[0]"]);
  expect((await provider.check({}, role())).failures).toEqual([]);
  const other = await provider.check({}, role({ role: "other", owner: "p/s/other" }));
  expect(other.failures[0]!.reason).toMatch(
    /path \/etc\/app\.conf is claimed by role other and by role web \(p\/s\/web\)/,
  );
  expect(JSON.stringify(other.failures)).not.toContain(SECRET);
});

test("the role that installs a host key takes the old one until a new connection has seen the new one, and no other role does", async () => {
  host.pretend("systemd-run");
  host.write("/etc/machine-id", "0123456789abcdef\n");
  const [fresh, stolen] = [makeKey(), makeKey()];
  const installs = (key: string, more: object = {}) =>
    role({
      connection: { address: "127.0.0.1", port, hostKeys: [key] },
      confirm: { timeoutSeconds: 15 },
      installsHostKey: { first: [hostKey.public] },
      ...more,
    });
  const unpinned = await message(provider.create(role({ connection: installs(fresh.public).connection })));
  expect(unpinned).toMatch(/shows another host key/);
  // Made: the first key is taken, and what confirms has to see the pinned one.
  onChange = () => server.show(fresh);
  const { id, outs } = await provider.create(installs(fresh.public));
  // Made once, the first key is as foreign as any other, also to this role.
  server.show(hostKey);
  const olds = { ...outs, __provider: "stub" } as never;
  const changed = installs(fresh.public, { files: {} });
  expect(await message(provider.update(id, olds, changed))).toMatch(/shows another host key/);
  // Another version: the last state's key is taken until then, a third one never.
  const second = makeKey();
  server.show(stolen);
  expect(await message(provider.update(id, olds, installs(second.public)))).toMatch(/shows another host key/);
  server.show(fresh);
  onChange = () => server.show(second);
  const { outs: rotated } = await provider.update(id, olds, installs(second.public, { files: {} }));
  expect(said.join("\n")).not.toContain("PRIVATE");
  // What a state says that is older than this: the process knows better.
  expect(
    await provider.read(id, { ...(olds as object), connection: installs(fresh.public).connection } as never),
  ).toHaveProperty("id", id);
  await provider.delete(id, { ...(rotated as object), installsHostKey: undefined } as never);
}, 60_000);

test("a changed pin alone is noted without a connection, but for what was left half made", async () => {
  host.write("/etc/machine-id", "0123456789abcdef\n");
  const { id, outs } = await make();
  const other = makeKey();
  const news = role({ connection: { address: "127.0.0.1", port, hostKeys: [other.public] } });
  expect((await provider.diff(id, outs, news)).changes).not.toBe(false);
  expect(said.join("\n")).toMatch(/a pinned SSH host key on the way there is another one/);
  const { outs: noted } = await provider.update(id, outs, news);
  expect(noted).toEqual({ ...(outs as object), connection: (news as { connection: object }).connection });
  expect(server.logins).toBe(1);
  const half = { ...(outs as object), hostId: "" } as never;
  expect(await message(provider.update(id, half, news))).toMatch(/shows another host key/);
});
