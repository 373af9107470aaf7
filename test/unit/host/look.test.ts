/** What a preview finds out about hosts: the whole way of it, provider, SSH, the agent on a scratch root. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Conversations } from "../../../host/resource/converse";
import { RoleProvider } from "../../../host/resource/role-provider";
import type { Conversation } from "../../../host/resource/wish";
import { OWNER, Scratch } from "./scratch";
import { type KeyPair, SshServer, makeKey } from "./ssh-server";

jest.setTimeout(60_000); // on a busy machine

const SECRET = "hunter2-is-secret";
const OFF = /\. INTRANET_LOOK=off previews without looking at hosts$/;
const [hostKey, operator, stranger] = [makeKey(), makeKey(), makeKey()];
const folder = mkdtempSync(join(tmpdir(), "intranet-look-"));
const saved = { ...process.env };
let host: Scratch;
let server: SshServer;
let port: number;
let conversations: Conversations;
let provider: RoleProvider;
let said: string[];
let inputs: string[];
let others: Server[];

beforeEach(async () => {
  useKey(operator);
  delete process.env.SSH_AUTH_SOCK;
  delete process.env.INTRANET_LOOK;
  host = new Scratch();
  inputs = [];
  others = [];
  server = new SshServer({ hostKey, allowed: [operator.public], onExec: onHost });
  port = await server.listen();
  begin();
});
afterEach(async () => {
  await conversations.close();
  await server.close();
  for (const other of others) void other.close();
  host.remove();
  process.env = { ...saved };
});
afterAll(() => rmSync(folder, { recursive: true }));

function useKey(key: KeyPair): void {
  writeFileSync(join(folder, "operator"), key.private, { mode: 0o600 });
  process.env.INTRANET_SSH_KEY = join(folder, "operator");
}

/** Another process of the provider's. */
function begin(): void {
  said = [];
  conversations = new Conversations();
  provider = new RoleProvider(conversations, (line) => said.push(line));
}

function onHost(command: string, input: Buffer) {
  inputs.push(`${command}\n${input.toString("latin1")}`);
  const env = { PATH: `${host.root}.bin:${process.env.PATH}`, INTRANET_ROOT: host.root };
  const done = spawnSync("sh", ["-c", command], { input, env });
  return { stdout: done.stdout.toString(), stderr: done.stderr.toString(), code: done.status ?? 1 };
}

/** A program of the host's that does as `text` says, in sh. */
function program(name: string, text: string): void {
  host.pretend(name);
  writeFileSync(`${host.root}.bin/${name}`, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
}

const role = (more: object = {}) => ({
  connection: { address: "127.0.0.1", port, hostKeys: [hostKey.public] },
  role: "web",
  owner: "p/s/web",
  files: {
    "/etc/app.conf": { content: "port = 1\n", owner: OWNER },
    "/etc/key": { content: "key = {{key}}\n", secrets: { key: SECRET }, owner: OWNER },
  },
  __provider: "stub",
  ...more,
});
const plain = (name: string, more: object = {}) => role({ role: name, owner: `p/s/${name}`, files: {}, ...more });
const previewing = (news: object, olds: object = {}) => provider.check(olds, { ...news, preview: true });
/** Why a preview of a role fails. */
const reasons = async (news: object, olds: object = {}) =>
  (await previewing(news, olds)).failures.map(({ reason }) => reason);
const elsewhere = (at: number, more: object = {}) => ({
  address: "127.0.0.1",
  port: at,
  hostKeys: [hostKey.public],
  ...more,
});

test("before a role is made, its preview says what it would replace, and changes nothing; an update's check does not look", async () => {
  host.write("/etc/app.conf", "by hand\n");
  const before = host.tree("");
  expect(await reasons(role())).toEqual([]);
  expect(said).toEqual([
    expect.stringMatching(/\/etc\/app\.conf stands there already; role web replaces it and keeps a copy/),
  ]);
  expect(host.tree("")).toEqual(before);
  expect(server.logins).toBe(1);
  const looks = inputs.length;
  const { inputs: checked } = await provider.check({}, plain("other"));
  expect([inputs.length, checked]).toEqual([looks, plain("other")]);
});

test("that it is a preview is no input, whatever else it says", async () => {
  const { inputs: checked } = await previewing(role());
  expect(checked).toEqual(role());
  process.env.INTRANET_LOOK = "off";
  expect((await provider.check({}, { ...role(), preview: false })).inputs).toEqual(role());
});

test("all roles of a host go over one connection; one that does not change asks nothing, one that does sends no secret", async () => {
  await previewing(role(), role());
  await previewing(plain("two"), plain("two"));
  expect(server.attempts).toBe(0);
  host.write("/etc/app.conf", "by hand\n");
  const news = role({ files: { ...role().files, "/etc/app.conf": { content: "port = 2\n", owner: OWNER } } });
  expect(await reasons(news, role())).toEqual([]);
  expect(await reasons(plain("two", { links: { "/etc/a": "b" } }), plain("two"))).toEqual([]);
  expect(await reasons(plain("three"))).toEqual([]);
  expect([server.attempts, inputs.length]).toEqual([1, 4]); // the first was asked whether it keeps the agent
  // It is the role's own file that differs: nothing is replaced.
  expect(said).toEqual([]);
  expect(inputs.join("\n")).not.toContain(SECRET);
});

test("a host that keeps the agent is sent none to look at a role that it has", async () => {
  host.run({ action: "apply", owner: "p/s/web", role: "web", files: {} });
  const changed = plain("web", { links: { "/etc/a": "b" } });
  expect(await reasons(changed, plain("web"))).toEqual([]);
  expect([inputs.length, inputs[0]!.length < 4_000]).toEqual([1, true]);
  host.write("/var/lib/intranet/agent.pyz", "damaged");
  await conversations.close();
  begin();
  expect(await reasons(changed, plain("web"))).toEqual([]);
  expect([inputs.length, inputs[2]!.length > 20_000]).toEqual([3, true]);
});

test("only a changed pin is nothing to look for, and a host whose key is about to change is not judged by it", async () => {
  const pinned = (key: KeyPair) => ({ connection: elsewhere(port, { hostKeys: [key.public] }) });
  expect(await reasons(role(pinned(stranger)), role())).toEqual([]);
  expect(await reasons(plain("two", pinned(stranger)))).toEqual([]);
  expect(server.attempts).toBe(0);
  begin();
  // What a new host shows first is taken for every role of it, once the role that installs the other one has said so.
  const installs = { installsHostKey: { first: [hostKey.public] }, confirm: true, ...pinned(stranger) };
  expect(await reasons(plain("ssh", installs))).toEqual([]);
  expect(await reasons(plain("two", pinned(stranger)))).toEqual([]);
  expect(server.logins).toBe(1);
});

test("a cloud server that may have been made a moment ago is not looked at, one that the state has roles of is", async () => {
  expect(await reasons(plain("one", { machine: "4711" }))).toEqual([]);
  expect(server.attempts).toBe(0);
  await previewing(role({ machine: "4711" }), role({ machine: "4711" }));
  expect(await reasons(plain("two", { machine: "4712" }))).toEqual([]);
  expect(await reasons(plain("one", { machine: "4713" }), plain("one", { machine: "4711" }))).toEqual([]);
  expect(server.attempts).toBe(0);
  expect(await reasons(plain("three", { machine: "4711" }))).toEqual([]);
  expect(server.logins).toBe(1);
});

describe("a host that answers and cannot be managed is an error", () => {
  const one = async (words: RegExp, news: object = plain("one"), olds: object = {}) => {
    const found = await reasons(news, olds);
    expect(found).toEqual([expect.stringMatching(words)]);
    expect(found[0]).toMatch(OFF);
  };

  test("whose key is not the operator's, for each of its roles, by one login", async () => {
    useKey(stranger);
    await one(/did not accept the operator's SSH key for user root; give the right one/);
    const changed = plain("two", { links: { "/etc/a": "b" } });
    await one(/did not accept the operator's SSH key/, changed, plain("two"));
    expect([server.attempts, said]).toEqual([1, []]);
  });

  test("whose host key is another", () =>
    one(
      /shows another host key than the pinned one/,
      plain("one", { connection: elsewhere(port, { hostKeys: [stranger.public] }) }),
    ));

  test("for which the named key cannot be read", async () => {
    process.env.INTRANET_SSH_KEY = join(folder, "none");
    await one(/INTRANET_SSH_KEY names .*none, which cannot be read/);
  });

  test("whose user has to give sudo a password, also where there is no Python", async () => {
    program("sudo", 'echo "sudo: a password is required" >&2; exit 1');
    await one(/user pi needs sudo without a password/, plain("one", { connection: elsewhere(port, { user: "pi" }) }));
  });

  test("on which another stack has a role of that name, or what the role claims", async () => {
    host.run({
      action: "apply",
      owner: "p/other/web",
      role: "web",
      files: { "/etc/app.conf": { content: "x", owner: OWNER } },
    });
    await one(
      /role web on this host belongs to p\/other\/web, and p\/s\/web wants a role of the same name/,
      plain("web"),
    );
    const claims = { files: { "/etc/app.conf": { content: "y" } } };
    await one(
      /\/etc\/app\.conf is claimed by role two and already owned by role web \(p\/other\/web\)/,
      plain("two", claims),
    );
    // The stack was called so before: it is its own role.
    expect(await reasons(plain("web"), plain("web", { owner: "p/other/web" }))).toEqual([]);
  });

  test("whose ledger is damaged", async () => {
    host.write("/var/lib/intranet/ledger.json", "{");
    await one(/ledger\.json on this host is damaged/);
  });

  test.each([
    [
      "ID=debian\nVERSION_ID=11\nPRETTY_NAME='Old Debian'\n",
      "amd64",
      /it runs Old Debian on amd64; supported are Debian .*: upgrade it first/,
    ],
    ["ID=fedora\n", "amd64", /it runs fedora on amd64; .*: take another host/],
    ['ID=ubuntu\nVERSION_ID="22.04"\nID_LIKE=debian\n', "arm64", /it runs ubuntu on arm64; .*upgrade it/],
    ["ID=debian\nVERSION_ID=13\n", "i386", /it runs debian on i386/],
    ["ID=debian\n", "arm64", undefined],
    ["ID=mint\nID_LIKE='ubuntu debian'\nVERSION_ID=3\n", "amd64", undefined],
    ["ID=raspbian\nVERSION_ID=12\n", "armhf", undefined],
  ])("which is too old or another system: %j on %s", async (release, architecture, words) => {
    host.write("/etc/os-release", release);
    program("dpkg", `echo ${architecture}`);
    if (words) await one(words);
    else expect(await reasons(plain("one"))).toEqual([]);
  });

  describe("which lacks", () => {
    const wanted = () => plain("one", { packages: ["bird2", "there"] });
    const apt = (text: string, code = 0) =>
      program("apt-get", `echo "$*" >>${host.root}.asked\ncat <<'END'\n${text}\nEND\nexit ${code}`);
    beforeEach(() => {
      host.write("/var/lib/dpkg/status", "Package: there\nStatus: install ok installed\n");
      host.write("/var/lib/dpkg/updates/x", "");
      rmSync(host.at("/var/lib/dpkg/updates/x"));
      host.write("/var/lib/apt/lists/debian_Packages", "");
    });

    test("a package in every apt source, unless none was read or the update brings one", async () => {
      apt("Reading package lists...\nE: Unable to locate package bird2", 100);
      await one(/no apt source of this host has bird2: add the one that has/, wanted());
      await one(/no apt source of this host has bird2/, wanted(), plain("one"));
      await previewing(
        plain("sources", { files: { "/etc/apt/sources.list.d/its.sources": { content: "x", owner: OWNER } } }),
      );
      expect(await reasons(wanted())).toEqual([]);
      begin();
      rmSync(host.at("/var/lib/apt/lists/debian_Packages"));
      expect(await reasons(wanted())).toEqual([]);
      begin();
      expect(await reasons(plain("one", { packages: ["there"] }))).toEqual([]);
    });

    test("a package's dependency", async () => {
      apt(
        "The following packages have unmet dependencies:\n bird2 : Depends: libssh-4 but it is not installable\nE: Unable to correct problems",
        100,
      );
      await one(
        /apt could not install bird2:\n\s+bird2 : Depends: libssh-4 but it is not installable\n\s+E: Unable/,
        wanted(),
      );
    });

    test("room for packages", async () => {
      apt(
        "After this operation, 900 TB of additional disk space will be used.\n'http://x/a.deb' a.deb 752668 MD5Sum:3",
      );
      await one(
        /\/(usr|var\/cache\/apt\/archives) cannot be written: .* has too little room: \d+ KiB are free, \d+ KiB are needed/,
        wanted(),
      );
      apt(
        "After this operation, 2,247 kB of additional disk space will be used.\n'http://x/a.deb' a.deb 752668 MD5Sum:3",
      );
      begin();
      expect(await reasons(wanted())).toEqual([]);
    });
  });

  test("which has neither Python nor an apt source or room for it; one that has installs it, which is said once", async () => {
    program("python3", "echo 'sh: python3: not found' >&2; exit 127");
    program("apt-get", `touch ${host.root}.asked; exit 1`);
    program("apt-cache", "echo '  Candidate: 3.13.5-1'");
    program("df", "echo '/dev/a 1 1 99999999 1% /'");
    program("id", "echo 0");
    expect(await reasons(plain("one"))).toEqual([]);
    expect(await reasons(plain("two"))).toEqual([]);
    expect(said).toEqual([expect.stringMatching(/python3 is not on this host; it will be installed/)]);
    expect(inputs.length).toBe(2); // the agent's command, and the one that looks without it
    await conversations.close();
    begin();
    program("df", "echo '/dev/a 1 1 1000 99% /'");
    program("id", "echo 1000");
    program("sudo", "exit 1");
    const found = await reasons(plain("one"));
    expect(found).toEqual([
      expect.stringMatching(/the user that logs in needs sudo without a password/),
      expect.stringMatching(/too little room for it at \/usr: 1000 KiB are free/),
      expect.stringMatching(/too little room for it at \/var/),
    ]);
  });
});

describe("a host that cannot be looked at is one warning, and no error", () => {
  const warning = (why: string) =>
    expect.stringMatching(new RegExp(`^warning: 127\\.0\\.0\\.1:\\d+ was not looked at, .*${why}.*INTRANET_LOOK=off`));

  test("since it refuses the connection", async () => {
    await server.close();
    for (const name of ["one", "two", "three"]) expect(await reasons(plain(name))).toEqual([]);
    expect(said).toEqual([warning("refused the connection")]);
  });

  test("since there is no key at all, without a connection", async () => {
    delete process.env.INTRANET_SSH_KEY;
    for (const name of ["one", "two"]) expect(await reasons(plain(name))).toEqual([]);
    expect(said).toEqual([warning("no SSH key to log in with")]);
    expect(server.attempts).toBe(0);
  });

  test("since nobody is told to look", async () => {
    process.env.INTRANET_LOOK = "off";
    useKey(stranger);
    expect(await reasons(plain("one"))).toEqual([]);
    expect([said, server.attempts]).toEqual([[], 0]);
    process.env.INTRANET_LOOK = "maybe";
    expect((await previewing(plain("one"))).failures).toEqual([
      { property: "INTRANET_LOOK", reason: expect.stringMatching(/must be "on" or "off"/) },
    ]);
  });
});

test("silent hosts are waited for three seconds all together, each for a moment", async () => {
  jest.useFakeTimers({ doNotFake: ["nextTick", "setImmediate", "queueMicrotask"] });
  const never = { ask: () => new Promise(() => undefined) } as unknown as Conversations;
  const lines: string[] = [];
  const silent = new RoleProvider(never, (line) => lines.push(line));
  const waited = async (name: string, at: number) => {
    const begun = Date.now();
    const done = silent.check({}, { ...plain(name, { connection: elsewhere(at) }), preview: true });
    await jest.runAllTimersAsync();
    expect((await done).failures).toEqual([]);
    return Date.now() - begun;
  };
  const first = [await waited("one", 1001), await waited("two", 1001)];
  const rest = [await waited("one", 1002), await waited("one", 1003)];
  jest.useRealTimers();
  expect([first, rest]).toEqual([
    [3000, 0],
    [300, 300],
  ]);
  expect(lines.length).toBe(3);
  expect(lines[0]).toMatch(/1001 was not looked at, .*it did not answer within 3\.0 s/);
});

test("after them, one that answers and cannot be managed is an error all the same", async () => {
  useKey(stranger);
  const mixed = {
    ask: (talk: Conversation, request: object) =>
      talk.connection.port === 1001 ? new Promise(() => undefined) : conversations.ask(talk, request),
  } as unknown as Conversations;
  const looking = new RoleProvider(mixed, (line) => said.push(line));
  const failures = async (news: object) => (await looking.check({}, { ...news, preview: true })).failures;
  expect(await failures(plain("one", { connection: elsewhere(1001) }))).toEqual([]);
  expect(await failures(plain("two"))).toEqual([
    { property: "connection", reason: expect.stringMatching(/did not accept the operator's SSH key/) },
  ]);
  expect(said.length).toBe(1);
});

test("one that takes the connection and is slow is waited for until it is known", async () => {
  const slow = createServer((socket) => setTimeout(() => socket.end("Not allowed at this time\r\n"), 4_000));
  others.push(slow);
  await new Promise<void>((resolve) => slow.listen(0, "127.0.0.1", resolve));
  const at = (slow.address() as { port: number }).port;
  expect(await reasons(plain("one", { connection: elsewhere(at) }))).toEqual([]);
  expect(said).toEqual([expect.stringMatching(/takes no login now: it says "Not allowed at this time"/)]);
});
