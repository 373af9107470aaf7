import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectionOf } from "../../../host/connection/arguments";
import { ConnectionError } from "../../../host/connection/errors";
import { exchange } from "../../../host/connection/exchange";
import { blobOf, fingerprint } from "../../../host/connection/host-key";
import { ConnectionPool } from "../../../host/connection/pool";
import { TestAgent } from "./ssh-agent";
import { type KeyPair, SshServer, makeKey } from "./ssh-server";

const hostKey = makeKey();
const operator = makeKey();
const folder = mkdtempSync(join(tmpdir(), "intranet-ssh-"));
const saved = { ...process.env };
let servers: SshServer[] = [];
let pool: ConnectionPool;

beforeAll(() => writeFileSync(join(folder, "operator"), operator.private, { mode: 0o600 }));
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(() => {
  delete process.env.SSH_AUTH_SOCK;
  process.env.INTRANET_SSH_KEY = join(folder, "operator");
  pool = new ConnectionPool();
});
afterEach(async () => {
  await pool.close();
  for (const server of servers) await server.close();
  servers = [];
  process.env = { ...saved };
});

const serve = async (options: Partial<ConstructorParameters<typeof SshServer>[0]> = {}) => {
  const server = new SshServer({ hostKey, allowed: [operator.public], ...options });
  servers.push(server);
  return { server, port: await server.listen() };
};
const to = (port: number, more: object = {}) =>
  connectionOf({ address: "127.0.0.1", port, hostKeys: [hostKey.public], ...more });
const run = async (port: number, command = "true", more: object = {}) =>
  pool.use(to(port, more), { seconds: 3 }, (client) => client.execute(command, { silenceMs: 5000 }));
const failure = async (promise: Promise<unknown>): Promise<ConnectionError> => {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ConnectionError);
  return error as ConnectionError;
};
const print = (pair: KeyPair) => fingerprint(blobOf(pair.public));

test("a host with a pinned key is reached, and its command's output, error output and exit code come back", async () => {
  const { port } = await serve({
    onExec: (command, input) => ({ stdout: `${command}:${input}\nlast`, stderr: "oops", code: 7 }),
  });
  const lines: string[] = [];
  const ended = await pool.use(to(port), { seconds: 3 }, (client) =>
    client.execute("cat", { input: Buffer.from("hello"), silenceMs: 5000, onLine: (line) => lines.push(line) }),
  );
  expect(ended).toEqual({ code: 7, signal: undefined, stderr: "oops" });
  expect(lines).toEqual(["cat:hello", "last"]);
});

test("any of several pins is accepted, and nothing else", async () => {
  const { port, server } = await serve();
  expect((await run(port, "true", { hostKeys: [makeKey().public, `${hostKey.public} comment`] })).code).toBe(0);
  expect(server.logins).toBe(1);
});

test("another host key stops at once with both fingerprints and how to accept it", async () => {
  const { port, server } = await serve();
  const pinned = makeKey();
  const started = Date.now();
  const error = await failure(run(port, "true", { hostKeys: [pinned.public] }));
  expect(error.failure).toBe("host-key");
  expect(error.message).toContain(`shown ${print(hostKey)}, pinned ${print(pinned)}`);
  expect(error.message).toContain(`connection.hostKeys: ["${hostKey.public}"]`);
  expect(Date.now() - started).toBeLessThan(2500);
  expect(server).toMatchObject({ attempts: 1, logins: 0 });
});

test("without a pin nothing is sent, and the error shows the key and how to pin it", async () => {
  const { port, server } = await serve();
  const error = await failure(run(port, "true", { hostKeys: [] }));
  expect(error.failure).toBe("host-key");
  expect(error.message).toContain(print(hostKey));
  expect(error.message).toContain(`connection.hostKeys: ["${hostKey.public}"]`);
  expect(server.logins).toBe(0);
});

test("a key that the host does not take is told apart and not retried", async () => {
  const { port, server } = await serve({ allowed: [makeKey().public] });
  const error = await failure(run(port));
  expect(error.failure).toBe("authentication");
  expect(error.message).toMatch(/did not accept the operator's SSH key for user root.*authorized_keys/);
  expect(server.attempts).toBe(1);
});

test("while a host boots for the first time a refused key is retried", async () => {
  const allowed: string[] = [];
  const { port, server } = await serve({ allowed });
  setTimeout(() => allowed.push(operator.public), 600);
  const client = await pool.get(to(port), { seconds: 10, firstBoot: true });
  expect(client.alive).toBe(true);
  expect(server.attempts).toBe(2); // not before the host has forgotten the first
}, 20_000);

test("without any key of the operator the error says where to put one", async () => {
  delete process.env.INTRANET_SSH_KEY;
  const { port } = await serve();
  const error = await failure(run(port));
  expect(error.message).toMatch(/no SSH key to log in with.*ssh-add.*INTRANET_SSH_KEY/);
});

test("a dead agent does not hide the key file", async () => {
  process.env.SSH_AUTH_SOCK = join(folder, "nothing.sock");
  const { port } = await serve();
  expect((await run(port)).code).toBe(0);
});

describe("of many keys", () => {
  const many = Array.from({ length: 14 }, makeKey);
  let agent: TestAgent;
  afterEach(() => agent?.close());
  /** An agent with these keys, and no key file unless one is named. */
  const holding = async (keys: KeyPair[], named?: KeyPair) => {
    agent = new TestAgent(join(folder, "agent.sock"), keys);
    await agent.listen();
    process.env.SSH_AUTH_SOCK = agent.path;
    delete process.env.INTRANET_SSH_KEY;
    if (named === undefined) return;
    writeFileSync(join(folder, "named"), named.private, { mode: 0o600 });
    process.env.INTRANET_SSH_KEY = join(folder, "named");
  };
  const keys = (count: number) => many.slice(0, count);
  const allow = (key: KeyPair, more: Partial<Parameters<typeof serve>[0]> = {}) =>
    serve({ allowed: [key.public], maxAuthTries: 6, ...more });

  test("those that the stack knows are offered first, wherever they are in the agent", async () => {
    await holding(many);
    const { port, server } = await allow(many[13]!);
    expect((await run(port, "true", { operatorKeys: [many[13]!.public, makeKey().public] })).code).toBe(0);
    expect([server.attempts, server.offered]).toEqual([1, 1]);
  });

  test("the one that INTRANET_SSH_KEY names goes before a full agent, and is not offered twice", async () => {
    await holding(many, operator);
    const { port, server } = await allow(operator);
    expect((await run(port, "true", { operatorKeys: [many[0]!.public] })).code).toBe(0);
    expect([server.attempts, server.offered]).toEqual([1, 1]);
    await agent.close();
    await holding([operator, ...keys(3)], operator);
    const shut = await allow(makeKey());
    await failure(run(shut.port));
    expect(shut.server.offered).toBe(4);
  });

  test("of which none is known, the right one is found on a second connection; then it is the first", async () => {
    await holding(many);
    const { port, server } = await allow(many[7]!);
    expect((await run(port)).code).toBe(0);
    expect([server.attempts, server.offered]).toEqual([2, 8]);
    const other = await allow(many[7]!);
    expect((await run(other.port)).code).toBe(0);
    expect([other.server.attempts, other.server.offered]).toEqual([1, 1]);
    (await pool.fresh(to(port), { seconds: 3 })).close();
    expect([server.attempts, server.offered]).toEqual([3, 9]);
  });

  test("a host that bears fewer goes on where it has ended the first connection", async () => {
    await holding(many);
    const { port, server } = await allow(many[4]!, { maxAuthTries: 3 });
    expect((await run(port)).code).toBe(0);
    expect([server.attempts, server.offered]).toEqual([2, 5]);
  });

  test("a refused login is not repeated until the host locks the operator out, and the error counts the keys", async () => {
    await holding(many);
    const { port, server } = await allow(makeKey());
    const error = await failure(run(port));
    expect(error.failure).toBe("authentication");
    expect(error.message).toMatch(/10 keys were offered and 4 of the agent's 14 were not.*INTRANET_SSH_KEY/);
    for (let again = 0; again < 5; again += 1) expect(await failure(run(port))).toBe(error);
    await failure(pool.fresh(to(port), { seconds: 3 }));
    expect([server.attempts, server.offered]).toEqual([2, 10]);
    // Later only the best are tried.
    jest.spyOn(Date, "now").mockReturnValue(Date.now() + 5_001);
    await failure(run(port));
    jest.restoreAllMocks();
    expect([server.attempts, server.offered]).toEqual([3, 15]);
  });

  test("an empty agent and one that does not answer are told apart", async () => {
    await holding([]);
    const { port, server } = await allow(operator);
    expect(await failure(run(port))).toMatchObject({
      failure: "authentication",
      message: expect.stringMatching(/agent at .*agent\.sock \(SSH_AUTH_SOCK\) holds no key: `ssh-add`/),
    });
    await agent.close();
    expect((await failure(run(port))).message).toMatch(/does not answer, and there is no key file/);
    expect(server.attempts).toBe(0);
  });
});

test("refused connections are retried with growing pauses until the deadline, which the error names", async () => {
  const { server, port } = await serve();
  await server.close();
  const started = Date.now();
  const error = await failure(run(port));
  expect(error.failure).toBe("refused");
  expect(error.message).toMatch(/refused the connection; given up after \d attempts in 3 s/);
  expect(Date.now() - started).toBeGreaterThan(1000);
  expect(Date.now() - started).toBeLessThan(4500);
});

test("a host that comes up meanwhile is reached", async () => {
  const first = await serve();
  await first.server.close();
  const second = new SshServer({ hostKey, allowed: [operator.public] });
  servers.push(second);
  setTimeout(() => void second.listen(first.port), 700);
  expect((await run(first.port)).code).toBe(0);
});

test("roles share one connection a host with at most 8 sessions, and a reset makes a new one", async () => {
  const { server, port } = await serve();
  const ended = await Promise.all(Array.from({ length: 30 }, () => run(port)));
  expect(ended.every((one) => one.code === 0)).toBe(true);
  expect(server.logins).toBe(1);
  expect(server.mostSessions).toBeLessThanOrEqual(8);
  server.dropAll();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect((await run(port)).code).toBe(0);
  expect(server.logins).toBe(2);
});

test("a host that allows one session at a time gets them one after the other", async () => {
  const { server, port } = await serve({ maxSessions: 1, reapMs: 30 });
  const ended = await Promise.all(Array.from({ length: 5 }, () => run(port)));
  expect(ended.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0]);
  expect(server).toMatchObject({ logins: 1, mostSessions: 1 });
});

test("a host that turns connections away is tried again, and what it says is told", async () => {
  const { port } = await serve();
  let turned = 0;
  const door = createServer((socket) => {
    socket.on("error", () => undefined);
    if ((turned += 1) > 2) {
      const onward = connect(port, "127.0.0.1");
      socket.on("close", () => onward.destroy());
      return void socket.pipe(onward).pipe(socket);
    }
    socket.end("Exceeded MaxStartups\r\n");
  });
  await new Promise<void>((resolve) => door.listen(0, "127.0.0.1", resolve));
  const said: string[] = [];
  const patience = { seconds: 10, onWait: (reason: string) => void said.push(reason) };
  const client = await pool.get(to((door.address() as AddressInfo).port), patience);
  expect(client.alive).toBe(true);
  client.close();
  door.close();
  expect(said).toEqual([expect.stringMatching(/takes no login now: it says "Exceeded MaxStartups"; trying for up to/)]);
});

test("an exit code that comes after the output's end is waited for", async () => {
  const { port } = await serve({ onExec: (_command, input) => ({ stdout: `${input.length}`, code: 3 }), reapMs: 100 });
  expect((await run(port)).code).toBe(3);
  const lines: string[] = [];
  const large = Buffer.alloc(5_000_000, "x");
  const ended = await pool.use(to(port), { seconds: 3 }, (client) =>
    client.execute("wc -c", { input: large, silenceMs: 5000, onLine: (line) => lines.push(line) }),
  );
  expect([ended.code, lines]).toEqual([3, ["5000000"]]);
});

test("a command that is over as soon as it has begun is heard", async () => {
  const { port } = await serve({ onExec: () => ({ stdout: "there", code: 3 }), atOnce: true });
  const lines: string[] = [];
  const ended = await pool.use(to(port), { seconds: 3 }, (client) =>
    client.execute("true", { silenceMs: 5000, onLine: (line) => lines.push(line) }),
  );
  expect([ended.code, lines]).toEqual([3, ["there"]]);
});

test("a connection that is lost under a command is an error, not a success", async () => {
  const { port } = await serve({ onExec: () => "drop" });
  expect((await failure(run(port))).failure).toBe("closed");
});

test("a host that falls silent under a command is given up", async () => {
  const { port } = await serve({ onExec: () => "hang" });
  const error = await failure(
    pool.use(to(port), { seconds: 3 }, (client) => client.execute("sleep", { silenceMs: 300 })),
  );
  expect(error.message).toMatch(/said nothing for 0.3 s/);
});

test("through a jump host the connection is end to end, with its own pin", async () => {
  const inner = makeKey();
  const target = await serve({ hostKey: inner });
  const jump = await serve();
  const via = { address: "127.0.0.1", port: jump.port, hostKeys: [hostKey.public] };
  expect((await run(target.port, "true", { hostKeys: [inner.public], via })).code).toBe(0);
  expect([target.server.logins, jump.server.logins]).toEqual([1, 1]);
  const error = await failure(run(target.port, "true", { hostKeys: [hostKey.public], via }));
  expect(error.failure).toBe("host-key");
});

test.each([
  ["hang", "timeout", /^cabin \(127\.0\.0\.1:\d+ via 127\.0\.0\.1:\d+\) did not answer in time/],
  ["refuse", "unreachable", /^cabin \(.*\) is unreachable from there/],
] as const)(
  "a host that is off behind a jump host (%s) costs the others nothing",
  async (forward, reason, words) => {
    const jump = await serve({ forward });
    const via = { address: "127.0.0.1", port: jump.port, hostKeys: [hostKey.public] };
    await run(jump.port);
    const error = failure(run(1, "true", { name: "cabin", via }));
    expect((await run(jump.port)).code).toBe(0);
    expect([(await error).failure, (await error).message]).toEqual([reason, expect.stringMatching(words)]);
    expect((await run(jump.port)).code).toBe(0);
    expect(jump.server.logins).toBe(1);
  },
  30_000,
);

test("a jump host that is silent itself is given up, and reached anew", async () => {
  const jump = await serve({ forward: "hang", onExec: () => "hang" });
  const via = { address: "127.0.0.1", port: jump.port, hostKeys: [hostKey.public] };
  const error = await failure(run(1, "true", { name: "cabin", via }));
  expect(error.message).toMatch(/^127\.0\.0\.1:\d+ said nothing for 5 s/);
  expect((await pool.get(to(jump.port), { seconds: 3 })).alive).toBe(true);
  expect(jump.server.logins).toBe(2);
}, 30_000);

test("that a host has taken the connection is told before the login, which may fail, and not of a host on the way", async () => {
  const [open, shut] = [await serve(), await serve({ allowed: [] })];
  const jump = await serve({ forward: "refuse" }); // as sshd does with a host that refuses
  const via = { address: "127.0.0.1", port: jump.port, hostKeys: [hostKey.public] };
  let answers = 0;
  const patience = { seconds: 0, onAnswer: () => (answers += 1) };
  await failure(pool.get(to(shut.port), patience));
  expect([answers, shut.server.logins]).toEqual([1, 0]);
  await failure(pool.get(to(1), patience));
  await failure(pool.get(to(1, { via }), patience));
  expect([answers, jump.server.logins]).toEqual([1, 1]);
  await pool.get(to(open.port), patience);
  expect(answers).toBe(2);
  await pool.use(to(open.port), patience, async () => undefined); // it stands already
  expect(answers).toBe(3);
});

test("who only looks whether a host is there does not try one again that refuses; others do", async () => {
  const { port, server } = await serve();
  await server.close();
  const dialled = jest.spyOn(Socket.prototype, "connect");
  const error = await failure(pool.get(to(port), { seconds: 3, onlyIfThere: true }));
  expect([error.failure, dialled.mock.calls.length]).toEqual(["refused", 1]);
  await failure(pool.get(to(port), { seconds: 1 }));
  expect(dialled.mock.calls.length).toBeGreaterThan(2);
  dialled.mockRestore();
});

test("a fresh connection takes a new way throughout and leaves the shared one alone", async () => {
  const target = await serve();
  const jump = await serve();
  const via = { address: "127.0.0.1", port: jump.port, hostKeys: [hostKey.public] };
  await run(target.port, "true", { via });
  const fresh = await pool.fresh(to(target.port, { via }), { seconds: 3 });
  expect([target.server.logins, jump.server.logins]).toEqual([2, 2]);
  fresh.close();
  expect((await run(target.port, "true", { via })).code).toBe(0);
  expect([target.server.logins, jump.server.logins]).toEqual([2, 2]);
});

test("a fresh connection goes to the address that a name has led to before", async () => {
  const { port } = await serve();
  const dialled = jest.spyOn(Socket.prototype, "connect");
  const named = to(port, { address: "localhost" });
  expect((await pool.use(named, { seconds: 3 }, (client) => client.execute("true", { silenceMs: 5000 }))).code).toBe(0);
  (await pool.fresh(named, { seconds: 3 })).close();
  const addresses = dialled.mock.calls.map((call) => (call as unknown[])[1]).filter((word) => typeof word === "string");
  dialled.mockRestore();
  expect(addresses).toEqual(["localhost", "127.0.0.1"]);
});

/** A host without Python until apt-get has been run; notes every command. */
async function pythonless() {
  const commands: string[] = [];
  let installed = false;
  const { port } = await serve({
    onExec: (command, input) => {
      commands.push(command === "sh" ? `sh <${input.toString().split("\n")[1]}` : command);
      if (command.includes("apt-get")) {
        installed = true;
        return { code: 0 };
      }
      if (command === "sh") return { code: 0, stdout: "Welcome!intranet-look no\nintranet-look ID=debian\n" };
      if (!installed) return { code: 127, stderr: "sh: python3: not found" };
      return {
        code: 0,
        stdout: 'Welcome!\n{"event": "progress", "text": "hi"}\n{"event": "result", "ok": true, "n": 1}\n',
      };
    },
  });
  const said: string[] = [];
  const ask = (action: string) =>
    pool.use(to(port), { seconds: 3 }, (client) =>
      exchange(client, to(port), { action }, { say: (text) => said.push(text) }),
    );
  return { ask, said, commands };
}

test.each(["apply", "applyEach", "remove"])(
  "a host without Python gets it for %s, and a greeting of the login shell is no answer",
  async (action) => {
    const { ask, said } = await pythonless();
    expect(await ask(action)).toEqual({ ok: true, n: 1 });
    expect(said).toEqual(["installing python3, which the host lacks", "hi"]);
  },
);

test.each(["read", "survey", "outcome", "confirm"])(
  "for %s nothing is installed, and the host is looked at without it once",
  async (action) => {
    const { ask, said, commands } = await pythonless();
    const bare = { id: "debian", lists: false, root: false, room: {} };
    expect(await ask(action)).toEqual({ ok: false, kind: "python", message: "python3 is not on this host", bare });
    expect(await ask("survey")).toMatchObject({ kind: "python" });
    expect(said).toEqual([]);
    expect(commands.filter((command) => !command.includes("python3"))).toEqual([
      expect.stringMatching(/^sh <LC_ALL=C/),
    ]);
    expect(await ask("apply")).toEqual({ ok: true, n: 1 });
    expect(await ask("read")).toEqual({ ok: true, n: 1 });
  },
);

test.each([
  [
    { code: 1, stdout: "This account is currently not available.\n" },
    "arguments",
    /did not run the agent \(exit code 1\): This account is currently/,
  ],
  [{ code: 0, stdout: "Bye!\n" }, "arguments", /exit code 0\): Bye!\. Check that user root has a login shell/],
  [
    { code: 127, stderr: "bash: line 1: sudo: command not found\n" },
    "arguments",
    /needs sudo without a password \(bash/,
  ],
  [
    { code: 1, stderr: "sudo: a password is required\n" },
    "arguments",
    /needs sudo without a password \(sudo: a password/,
  ],
  [{ code: 137, stderr: "Killed\n" }, "closed", /ended without an answer \(exit code 137\): Killed/],
  [{ code: 1, stdout: '{"event": "alive"}\n' }, "closed", /ended without an answer \(exit code 1\)/],
] as const)("a host that does not run the agent is told: %j", async (answer, kind, words) => {
  const { port } = await serve({ onExec: () => answer });
  const asked = pool.use(to(port), { seconds: 3 }, (client) =>
    exchange(client, to(port), {}, { say: () => undefined }),
  );
  const error = await failure(asked);
  expect([error.failure, error.message]).toEqual([kind, expect.stringMatching(words)]);
});

test("what a login shell prints without an end of line hides nothing, and a clock that is wrong is told once", async () => {
  const clock = Date.now() / 1000 - 3600;
  const { port } = await serve({
    onExec: () => ({ code: 0, stdout: `Welcome to {"prod"}: {"event": "result", "ok": true, "clock": ${clock}}\n` }),
  });
  const said: string[] = [];
  const ask = () =>
    pool.use(to(port), { seconds: 3 }, (client) => exchange(client, to(port), {}, { say: (text) => said.push(text) }));
  expect([await ask(), await ask()]).toEqual([{ ok: true }, { ok: true }]);
  expect(said).toEqual([
    expect.stringMatching(/^the host's clock is 3[56]\d\d s behind this machine's: .*timedatectl/),
  ]);
});
