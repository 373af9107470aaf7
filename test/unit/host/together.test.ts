/** Several roles of one host in one exchange: each all or nothing by itself, and what they cost together. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectionOf } from "../../../host/connection/arguments";
import { Conversations } from "../../../host/resource/converse";
import { OWNER, type Run, Scratch } from "./scratch";
import { requestOf, resultOf } from "./agent-wire";
import { makeKey, SshServer } from "./ssh-server";

jest.setTimeout(60_000);

const file = (content: string) => ({ content, mode: "0644", owner: OWNER });
const role = (name: string, more: object = {}) => ({
  action: "apply",
  tx: Buffer.from(name.padEnd(8, "-")).toString("hex"),
  owner: "p/s/r",
  id: `${name}-1`,
  role: name,
  secrets: [`secret of ${name}`],
  confirm: 0,
  files: { [`/etc/${name}`]: file(`secret of ${name}\n`) },
  ...more,
});
const answersOf = ({ output }: Run) =>
  output
    .split("\n")
    .filter((line) => line.startsWith('{"event": "answer"'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe("on the host", () => {
  let host: Scratch;
  beforeEach(() => (host = new Scratch()));
  afterEach(() => host.remove());

  const refused = role("b", { checks: [{ command: ["sh", "-c", "echo secret of b and secret of a; exit 3"] }] });

  test("each role is a transaction of its own, and hides its own secrets", () => {
    const run = host.run({ action: "applyEach", requests: [role("a"), refused, role("c")] });
    expect(answersOf(run)).toEqual([
      expect.objectContaining({ of: 0, ok: true, state: "committed", changed: ["/etc/a"] }),
      expect.objectContaining({
        of: 1,
        ok: false,
        kind: "check",
        rolledBack: true,
        output: "[secret] and secret of a",
      }),
      expect.objectContaining({ of: 2, ok: true, state: "committed", changed: ["/etc/c"] }),
    ]);
    expect(run.answer).toMatchObject({ ok: true });
    expect(["a", "b", "c"].map((name) => host.read(`/etc/${name}`))).toEqual([
      "secret of a\n",
      undefined,
      "secret of c\n",
    ]);
    expect(Object.keys((JSON.parse(host.read("/var/lib/intranet/ledger.json")!) as { roles: object }).roles)).toEqual([
      "a",
      "c",
    ]);
  });

  test("killed in the second one: the first is made, the second undone, the third never begun", () => {
    const killed = host.run({ action: "applyEach", requests: [role("a"), role("b"), role("c")] }, "path:/etc/b");
    expect(killed.signal).toBe("SIGKILL");
    expect(answersOf(killed)).toHaveLength(1);
    expect(host.read("/etc/b")).toBe("secret of b\n");
    const ends = ["a", "b", "c"].map((name) => host.run({ action: "outcome", tx: role(name).tx }).answer!.state);
    expect(ends).toEqual(["committed", "rolled-back", "unknown"]);
    expect(["a", "b", "c"].map((name) => host.read(`/etc/${name}`))).toEqual(["secret of a\n", undefined, undefined]);
  });

  const UNIT = "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n";
  const service = (name: string, more: object = {}) =>
    role(name, {
      files: { [`/etc/systemd/system/${name}.service`]: file(UNIT) },
      units: { [`${name}.service`]: { restartOn: [] } },
      ...more,
    });
  /**
   * A systemd that knows a unit as soon as its file is there, unless it is told to be slow, and runs what it has
   * started.
   */
  const systemd = (slow = false) => {
    const log = host.pretend("systemctl");
    const show = [
      "for unit; do",
      '  if [ "$unit" = -- ]; then names=1; continue; fi; [ "$names" ] || continue',
      `  if [ -e "${host.root}/etc/systemd/system/$unit" ]${slow ? ' && grep -q daemon-reload "$log"' : ""}; then load=loaded; else load=not-found; fi`,
      '  if grep -q "^\\(start\\|restart\\) -- $unit" "$log"; then active=active; else active=inactive; fi',
      '  case "$*" in',
      '    *SubState*) printf "LoadState=$load\\nActiveState=$active\\nUnitFileState=\\nType=simple\\n\\n" ;;',
      '    *) printf "LoadState=$load\\nFragmentPath=/etc/systemd/system/$unit\\n\\n" ;;',
      "  esac",
      "done",
    ];
    const path = `${host.root}.bin/systemctl`;
    const head = ["#!/bin/sh", `log=${path}.log`, 'echo "$*" >>"$log"', '[ "$1" = show ] || exit 0'];
    writeFileSync(path, [...head, ...show, ""].join("\n"));
    return () => log().filter((line) => !line.startsWith("show"));
  };

  test("units that are new to systemd cost one reload for all roles together, after the last", () => {
    const called = systemd();
    const run = host.run({ action: "applyEach", requests: [service("a"), service("b")] });
    expect(answersOf(run).map(({ ok }) => ok)).toEqual([true, true]);
    expect(called()).toEqual([
      "enable --no-reload -- a.service",
      "start -- a.service",
      "enable --no-reload -- b.service",
      "start -- b.service",
      "daemon-reload",
    ]);
    expect(host.tree("/run")).toEqual({ "/run": expect.any(String) });
  });

  test("one that was killed before that reload leaves it to the next contact", () => {
    const called = systemd();
    host.run({ action: "applyEach", requests: [service("a"), service("b")] }, "path:/etc/systemd/system/b.service");
    expect(called()).not.toContain("daemon-reload");
    expect(host.run({ action: "outcome", tx: "0".repeat(16) }).answer).toMatchObject({ ok: true });
    expect(called()).toContain("daemon-reload");
    expect(Object.keys(host.tree("/run"))).toEqual(["/run"]);
  });

  test.each([
    ["has not seen the new file", true, service("a")],
    [
      "has to learn of another file too",
      false,
      service("a", {
        files: {
          "/etc/systemd/system/a.service.d/x.conf": file("[Service]\nNice=1\n"),
          "/etc/systemd/system/a.service": file(UNIT),
        },
      }),
    ],
  ])("a systemd that %s reads everything before the unit starts", (_, slow, wish) => {
    const called = systemd(slow);
    expect(host.run(wish).answer).toMatchObject({ ok: true });
    expect(called()).toEqual(["enable --no-reload -- a.service", "daemon-reload", "start -- a.service"]);
  });

  test("a unit whose file changes is read before it starts again", () => {
    const called = systemd();
    host.run(service("a"));
    const before = called().length;
    const files = { "/etc/systemd/system/a.service": file(`${UNIT}# other\n`) };
    expect(host.run(service("a", { files, tx: "f".repeat(16) })).answer).toMatchObject({ ok: true });
    expect(called().slice(before)).toEqual([
      "enable --no-reload -- a.service",
      "daemon-reload",
      "reset-failed -- a.service",
      "restart -- a.service",
    ]);
  });
});

describe("on the way there", () => {
  const hostKey = makeKey();
  const operator = makeKey();
  const folder = mkdtempSync(join(tmpdir(), "intranet-together-"));
  const saved = { ...process.env };
  let conversations: Conversations;
  let server: SshServer;
  /** What the host was asked, and how it answers. */
  let asked: Record<string, unknown>[];
  let answer: (request: Record<string, unknown>) => { stdout: string; code: number };
  let port: number;

  beforeEach(async () => {
    writeFileSync(join(folder, "operator"), operator.private, { mode: 0o600 });
    delete process.env.SSH_AUTH_SOCK;
    process.env.INTRANET_SSH_KEY = join(folder, "operator");
    conversations = new Conversations();
    asked = [];
    server = new SshServer({
      hostKey,
      allowed: [operator.public],
      onExec: (_, input) => {
        const request = requestOf(input);
        asked.push(request);
        return answer(request);
      },
    });
    port = await server.listen(0);
  });
  afterEach(async () => {
    await conversations.close();
    await server.close();
    process.env = { ...saved };
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const part = (of: number, fields: object) => `{"event": "answer", "of": ${of}, ${JSON.stringify(fields).slice(1)}\n`;
  const committed = { ok: true, state: "committed" };
  const said: string[] = [];
  const transact = (name: string, more: object = {}) => {
    const connection = connectionOf({ address: "127.0.0.1", port, hostKeys: [hostKey.public] });
    const talk = {
      connection,
      role: name,
      patience: { seconds: 5 },
      say: (text: string) => said.push(`${name}: ${text}`),
    };
    const request = role(name, more);
    return conversations.transact(talk, request, request.tx).then(
      ({ state }) => state,
      (error: Error) => error.message,
    );
  };

  test("all that wait for a host go in one exchange; who needs a confirmation goes alone", async () => {
    const words = '{"event": "progress", "of": 1, "text": "installing"}\n';
    answer = ({ action }) =>
      action === "applyEach"
        ? {
            stdout:
              words +
              part(1, committed) +
              part(0, { ok: false, kind: "probe", message: "no" }) +
              resultOf({ ok: true }).stdout,
            code: 0,
          }
        : resultOf(committed);
    const ends = await Promise.all([transact("a"), transact("b"), transact("c", { confirm: 30 })]);
    expect(ends).toEqual([expect.stringMatching(/role a on 127\.0\.0\.1[^]*no/), "committed", "committed"]);
    expect(said).toEqual(["b: installing"]);
    const exchanges = asked.map(({ action, requests, role }) => [
      action,
      (requests as { role: string }[] | undefined)?.map((one) => one.role) ?? role,
    ]);
    expect(exchanges.filter(([action]) => action !== "outcome")).toEqual([
      ["applyEach", ["a", "b"]],
      ["apply", "c"],
    ]);
  });

  test("after a lost connection each is looked up by itself, and what never began is sent again", async () => {
    const states: Record<string, object> = {
      [role("b").tx]: { ok: true, state: "rolled-back", reason: "the power failed" },
      [role("c").tx]: { ok: true, state: "unknown" },
    };
    answer = ({ action, tx }) => {
      if (action === "applyEach") return { stdout: part(0, committed), code: 137 };
      return resultOf(action === "outcome" ? states[String(tx)]! : committed);
    };
    expect(await Promise.all([transact("a"), transact("b"), transact("c")])).toEqual([
      "committed",
      expect.stringMatching(/role b on .*the host undid the change: the power failed/),
      "committed",
    ]);
    expect(asked.map(({ action, role }) => [action, role])).toEqual([
      ["applyEach", undefined],
      ["outcome", undefined],
      ["outcome", undefined],
      ["apply", "c"],
    ]);
  });
});
