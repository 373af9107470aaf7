/**
 * Ctrl-C, typed at a real terminal: after the first what runs comes to its end, after the second the host's own timer
 * sees to it; `up` goes on.
 */
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Trial } from "./host-program/trial";
import { until } from "./intranet";
import { exec, execOk, type Result } from "./support";
import { TrialStack, UP } from "./trial";

jest.setTimeout(600_000);

// A program in a terminal of its own; types Ctrl-C for each character that is added to the file. The kernel signals the
// foreground group.
const TERMINAL = [
  "import os, pty, select, sys",
  "child, terminal = pty.fork()",
  "if child == 0: os.execvp(sys.argv[2], sys.argv[2:])",
  "typed = 0",
  "while True:",
  "    wanted = os.path.getsize(sys.argv[1])",
  "    if wanted > typed: typed += os.write(terminal, b'\\x03')",
  "    if not select.select([terminal], [], [], 0.1)[0]: continue",
  "    try: said = os.read(terminal, 65536)",
  "    except OSError: break",
  "    if not said: break",
  "    os.write(1, said)",
  "sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))",
].join("\n");

const trial = new TrialStack();
const folder = mkdtempSync(join(tmpdir(), "intranet-terminal-"));
const script = async (text: string) => (await exec("home", ["sh", "-c", text])).stdout.trim();
const CONF = "/etc/trial/app.conf";
const GO = "/run/trial-go";
const HELD = { probes: [{ command: ["test", "-e", GO], timeoutSeconds: 300, description: "the test lets it go on" }] };
const app = (text: string, more: object = {}): Trial["roles"] => ({
  app: { files: { [CONF]: { content: `${text}\n` } }, ...more },
});
const there = (text: string) => until(`${text} is on the host`, async () => (await script(`cat ${CONF}`)) === text, 90);

/** An `up` at a terminal. */
function atTerminal(roles: Trial["roles"]) {
  const keys = join(folder, "keys");
  writeFileSync(keys, "");
  const up = trial.begin(roles, { wrap: ["python3", "-c", TERMINAL, keys] });
  return { ...up, ctrlC: () => appendFileSync(keys, "c") };
}

/** What an interruption may leave nowhere: journal, staging folder, armed timer. */
const traces = () =>
  script("ls /var/lib/intranet | grep -E '^(journal|tx)'; systemctl list-timers --all --no-legend 'intranet*'; true");

/** The next `up` needs no repair by hand, and then all is as the program says. */
async function goesOn(roles: Trial["roles"]): Promise<void> {
  await trial.ok(UP, roles);
  expect(await traces()).toBe("");
  await trial.ok(["preview", "--refresh", "--expect-no-changes"], roles);
}

/** How many seconds a stopped `up` took to end. It was cancelled, and says so. */
async function seconds(since: number, done: Promise<Result>): Promise<number> {
  const { code, stdout } = await done;
  expect(code).not.toBe(0);
  expect(stdout).toMatch(/\^C received; cancelling/);
  return (Date.now() - since) / 1000;
}

beforeAll(async () => {
  await trial.init();
  await trial.ok(UP, app("before"));
});
afterEach(() => execOk("home", ["rm", "-f", GO]));
afterAll(async () => {
  await trial.remove();
  rmSync(folder, { recursive: true });
  await execOk("home", ["rm", "-rf", "/etc/trial"]);
});

test("once, while a role is changed: the change comes to its end and is in the state", async () => {
  const up = atTerminal(app("one", HELD));
  await there("one");
  up.ctrlC();
  await up.said(/\^C received; cancelling/);
  await execOk("home", ["touch", GO]);
  const { code, stdout } = await up.done;
  expect(code).not.toBe(0);
  expect(stdout).toMatch(/update canceled/);
  expect(await script(`cat ${CONF}`)).toBe("one");
  expect(await traces()).toBe("");
  expect(await trial.ok(["stack", "export"], {})).toContain('"content": "one\\n"');
  await goesOn(app("one"));
});

test("once, while the host waits for a confirmation that cannot come: it undoes the change in its time, and up ends", async () => {
  const rules = "table inet trial {\n chain in {\n  type filter hook input priority -10; tcp dport 22 drop;\n }\n}";
  const shut = app("shut", {
    confirm: { timeoutSeconds: 15 },
    files: {
      [CONF]: { content: "shut\n" },
      "/etc/trial/gate.nft": { content: `${rules}\n` },
      "/etc/systemd/system/trial-gate.service": {
        content:
          "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/usr/sbin/nft -f /etc/trial/gate.nft\nExecStop=/usr/sbin/nft delete table inet trial\n[Install]\nWantedBy=multi-user.target\n",
      },
    },
    units: { "trial-gate.service": {} },
    packages: ["nftables"],
  });
  const up = atTerminal(shut);
  await until("the way in is shut", async () => (await script("nft list table inet trial 2>/dev/null")) !== "", 90);
  const since = Date.now();
  up.ctrlC();
  expect(await seconds(since, up.done)).toBeLessThan(15 + 90); // docs/host.md: the time it was given, and the look afterwards
  expect(await script(`cat ${CONF}; nft list tables`)).toBe("one");
  await goesOn(app("one"));
});

test("once, while packages are installed: the installation ends, and the role with it", async () => {
  const up = atTerminal(app("packages", { packages: ["jq"] }));
  await up.said(/installing jq/);
  up.ctrlC();
  await seconds(Date.now(), up.done);
  expect(await script(`cat ${CONF}; dpkg-query -W -f '\${Status}' jq`)).toBe("packages\ninstall ok installed");
  await goesOn(app("packages", { packages: ["jq"] }));
});

test("once, while a host is waited for: no longer than for any host", async () => {
  const cut = (what: string) => execOk("home", ["nft", ...what.split(" ")]);
  await execOk("home", [
    "nft",
    "add table inet cut; add chain inet cut in { type filter hook input priority -300; }; add rule inet cut in tcp dport 22 drop",
  ]);
  try {
    const up = atTerminal(app("unheard"));
    await up.said(/trying for up to 60 s/);
    const since = Date.now();
    up.ctrlC();
    expect(await seconds(since, up.done)).toBeLessThan(60 + 45);
  } finally {
    await cut("delete table inet cut");
  }
  await goesOn(app("packages", { packages: ["jq"] }));
});

test("twice, while a change waits for its end: up is over at once, the host undoes or ends it by itself, and up goes on", async () => {
  const up = atTerminal(app("twice", { ...HELD, confirm: { timeoutSeconds: 15 } }));
  await there("twice");
  up.ctrlC();
  await up.said(/\^C received; cancelling/);
  up.ctrlC();
  expect((await up.done).code).not.toBe(0);
  await execOk("home", ["touch", GO]); // the host itself is still at it: now it waits for a confirmation, and nobody is left to send one
  await there("packages");
  await until("nothing is left", async () => (await traces()) === "", 60);
  await goesOn(app("after"));
});

test("twice, while a new role is made: the host has it, the state does not; the next up takes it over", async () => {
  const file = "/etc/trial/fresh.conf";
  const both = (more: object) => ({ ...app("after"), fresh: { files: { [file]: { content: "fresh\n" } }, ...more } });
  const up = atTerminal(both(HELD));
  await until("the new file is there", async () => (await script(`cat ${file}`)) !== "", 90);
  up.ctrlC();
  await up.said(/\^C received; cancelling/);
  up.ctrlC();
  expect((await up.done).code).not.toBe(0);
  await execOk("home", ["touch", GO]);
  await until("the host has ended it", async () => (await traces()) === "", 60);
  const said = await trial.ok(UP, both({}));
  expect(said).toMatch(/fresh, interrupted while creating/); // Pulumi remembers, until it is told that somebody has looked
  await trial.ok(["refresh", "--yes", "--clear-pending-creates"], both({}));
  expect(await trial.ok(UP, both({}))).not.toMatch(/interrupted/);
  await goesOn(app("after"));
  expect(await script(`cat ${file}`)).toBe("");
});
