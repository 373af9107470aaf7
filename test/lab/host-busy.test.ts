/**
 * A host that is busy: apt's locks, sshd's limits, a wrong clock. Waiting says for whom, ends in success, and costs
 * nobody anything.
 */
import { rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Trial } from "./host-program/trial";
import { exec, execOk, run } from "./support";
import { TrialStack } from "./trial";
import { until } from "./intranet";

jest.setTimeout(300_000);

const trial = new TrialStack();
const script = (text: string) => execOk("home", ["sh", "-c", text]);
const HELD = "/run/trial-held";
const SSHD = "/etc/ssh/sshd_config.d/00-trial.conf";
/** Comes before the real one on the PATH of whoever logs in. */
const PYTHON = "/usr/local/bin/python3";

/** A role with a package that the host lacks. */
const tool: Trial["roles"] = { tool: { packages: ["jq"], files: { "/etc/trial/tool": { content: "x\n" } } } };
const files = (names: string[], more: object = {}): Trial["roles"] =>
  Object.fromEntries(
    names.map((name) => [name, { files: { [`/etc/trial/${name}`]: { content: `${name}\n` } }, ...more }]),
  );

beforeAll(async () => {
  await trial.init();
  await script("apt-get update -q && apt-get install -y -q --download-only jq");
});
afterAll(async () => {
  await script(
    `rm -f ${HELD} ${SSHD} ${PYTHON}; systemctl reload ssh; rm -rf /etc/trial; apt-get purge -y -q traceroute`,
  );
  await trial.remove();
});

/** As any program does that speaks to apt: a lock of fcntl(2), which tells who has it. */
const LOCK = [
  "import fcntl, os, sys, time",
  "lock = open(sys.argv[1], 'w')",
  "fcntl.lockf(lock, fcntl.LOCK_EX)",
  `open('${HELD}', 'w').close()`,
  `while os.path.exists('${HELD}'): time.sleep(0.1)`,
].join("\n");
const holders = [
  [
    "dpkg, by apt itself",
    ["apt-get", "-y", "-o", `DPkg::Pre-Invoke::=touch ${HELD}; while [ -e ${HELD} ]; do sleep 0.1; done`, "install"],
    ["traceroute"],
    /the lock \/var\/lib\/dpkg\/lock-frontend is held by process \d+ \(apt-get\); waiting for it, for 300 s at most/,
  ],
  [
    "the package index",
    ["python3", "-c", LOCK, "/var/lib/apt/lists/lock"],
    [],
    /the lock \/var\/lib\/apt\/lists\/lock is held by process \d+ \(python3\); waiting for it, for 300 s at most/,
  ],
] as const;

test.each(holders)("a lock of %s is waited for, and who has it is said", async (what, command, more, words) => {
  // Without an index the role has to fetch it, which takes the other lock.
  if (what === "the package index") await script("rm -f /var/lib/apt/lists/*_*");
  const holding = exec("home", [...command, ...more], { timeoutSeconds: 250 });
  await until("the lock is held", async () => (await exec("home", ["test", "-e", HELD])).code === 0);
  const up = trial.begin(tool);
  try {
    await up.said(words);
    // Its own daemons may restart meanwhile: our stop sign stands only while our own apt works.
    await until(
      "no policy stands",
      async () => (await exec("home", ["test", "-e", "/usr/sbin/policy-rc.d"])).code === 1,
    );
    expect((await exec("home", ["dpkg-query", "-W", "jq"])).code).not.toBe(0);
  } finally {
    await script(`rm -f ${HELD}`);
  }
  await holding;
  expect((await up.done).code).toBe(0);
  expect((await exec("home", ["jq", "--version"])).code).toBe(0);
  await trial.ok(["destroy", "--yes", "--skip-preview"], {});
  expect((await exec("home", ["dpkg-query", "-W", "jq"])).code).not.toBe(0);
});

test("a host whose sshd allows one session at a time gets every role, by refresh and up", async () => {
  await script(`printf 'MaxSessions 1\n' > ${SSHD}; systemctl reload ssh; mkdir -p /etc/trial`);
  const roles = { ...files(["a", "b", "c"]), ...files(["d"], { confirm: { timeoutSeconds: 30 } }) };
  await trial.ok(["up", "--yes", "--skip-preview"], roles);
  expect((await script("cat /etc/trial/[a-d]")).trim().split("\n")).toEqual(["a", "b", "c", "d"]);
  await trial.ok(["preview", "--refresh", "--expect-no-changes"], roles);
});

test("a host whose sshd has as many half-open logins as it allows is no host that is gone", async () => {
  await script(`printf 'MaxStartups 1:100:1\nPerSourcePenalties no\n' > ${SSHD}; systemctl reload ssh`);
  const flag = join(tmpdir(), `trial-startups-${process.pid}`);
  writeFileSync(flag, "");
  const STRANGER = [
    "import os, socket, sys, time",
    "link = socket.create_connection(('10.20.0.10', 22))",
    "link.recv(64)",
    "while os.path.exists(sys.argv[1]): time.sleep(0.1)",
  ].join("\n");
  const stranger = run(["python3", "-c", STRANGER, flag]);
  try {
    await until("sshd turns others away", async () => {
      const knock = await run(["ssh-keyscan", "-T", "3", "10.20.0.10"]);
      return !knock.stdout.includes("ssh-ed25519");
    });
    const up = trial.begin(files(["a", "b"]));
    await up.said(/takes no login now: it says "[^"]+"; trying for up to \d+ s/);
    rmSync(flag);
    expect((await up.done).code).toBe(0);
  } finally {
    rmSync(flag, { force: true });
    await stranger;
  }
});

test("a host whose clock is two hours ahead is told so, and keeps its time limits by another clock", async () => {
  await script(`rm -f ${SSHD}; systemctl reload ssh`);
  // What Python takes for the time of day; the agent's limits must not follow it.
  const jumping = [
    "#!/usr/bin/python3 -ISB",
    "import random, sys, time",
    "real = time.time",
    "time.time = lambda: real() + 7200 + random.choice([0, 60])",
    "exec(sys.argv[-1])",
  ];
  const write = 'cat >"$1" && chmod 755 "$1"';
  expect(await exec("home", ["sh", "-c", write, "sh", PYTHON], { stdin: `${jumping.join("\n")}\n` })).toMatchObject({
    code: 0,
  });
  const probes = [{ command: ["sh", "-c", "sleep 1"], timeoutSeconds: 30 }];
  const said = await trial.ok(
    ["up", "--yes", "--skip-preview"],
    files(["late"], { confirm: { timeoutSeconds: 30 }, probes }),
  );
  expect(said).toMatch(/the host's clock is 72\d\d s ahead of this machine's: .*see `timedatectl`/);
  expect(said.match(/clock is/g)!.length).toBeLessThanOrEqual(2);
  await script(`rm -f ${PYTHON}`);
});
