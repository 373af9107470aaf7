/**
 * Waiting that ends: apt's locks with a short limit; clocks that jump. The agent's own modules, with programs that only
 * pretend.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OWNER, Scratch } from "./scratch";

const agent = join(__dirname, "../../../host/agent");
const folder = mkdtempSync(join(tmpdir(), "intranet-busy-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs Python in the agent's folder, with a scratch root and programs of the test's own before the machine's. */
const python = (...lines: string[]): string =>
  execFileSync("python3", ["-B", "-c", lines.join("\n")], {
    cwd: agent,
    encoding: "utf8",
    env: { ...process.env, PATH: `${folder}:${process.env.PATH}`, INTRANET_ROOT: join(folder, "root") },
  });
const aptSays = (text: string, code = 100) =>
  writeFileSync(join(folder, "apt-get"), `#!/bin/sh\ncat <<'END'\n${text}\nEND\nexit ${code}\n`, { mode: 0o755 });
const INSTALL = [
  "import packages, util",
  "import os; os.makedirs(util.at('/usr/sbin'), exist_ok=True)",
  "packages.LOCK_SECONDS, packages.LOOK_SECONDS, packages.TELL_SECONDS = 1, 0.1, 0.4",
  "try: packages.install(['jq'])",
  "except util.Failure as failure: print(failure.kind, '|', failure)",
];

test("apt's lock is waited for, said more than once, and given up with who holds it", () => {
  aptSays(`E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process ${process.pid} (somebody)`);
  const said = python(...INSTALL);
  const holder = `the lock /var/lib/dpkg/lock-frontend is held by process ${process.pid} \\(\\S*node`;
  expect(said.match(new RegExp(`${holder}.*; waiting for it, for \\d s at most`, "g"))!.length).toBeGreaterThan(1);
  expect(said).toMatch(new RegExp(`^lock \\| ${holder}.*that was waited for 1 s\\..*pulumi up`, "m"));
});

test.each([
  [
    "E: Could not get lock /var/lib/apt/lists/lock - open (11: Resource temporarily unavailable)",
    /lists\/lock is held by another program/,
  ],
  [
    "dpkg: error: dpkg frontend lock was locked by another process with pid 99999999",
    /the lock of dpkg or debconf is held by process 99999999/,
  ],
  [
    'debconf: DbDriver "config": /var/cache/debconf/config.dat is locked by another process',
    /dpkg or debconf is held by another program/,
  ],
])("another form of a lock is one too: %s", (text, words) => {
  aptSays(text);
  expect(python(...INSTALL)).toMatch(words);
});

test.each([
  [
    "E: Release file for http://h/InRelease is not valid yet (invalid for another 3h 2min). Updates ...",
    /^package \| .*check the host's clock, which says 20\d\d-/m,
  ],
  [
    "Certificate verification failed: The certificate is NOT trusted. The certificate chain uses not yet valid certificate.",
    /check the host's clock/,
  ],
  [
    "E: You don't have enough free space in /var/cache/apt/archives/.",
    /^package \| .*archives cannot be written: the file system .* has too little room: \d+ KiB/m,
  ],
  [
    "W: Unable to write '/var/cache/apt/pkgcache.bin': Read-only file system",
    /pkgcache.bin cannot be written: the file system .* is read-only/,
  ],
])("what apt says is told as its cause: %s", (text, words) => {
  aptSays(text);
  expect(python(...INSTALL)).toMatch(words);
});

test("a package that a killed dpkg has left half-installed goes with its configuration", () => {
  const state = join(folder, "state");
  const steps = `case $(cat ${state}) in half-installed) echo config-files;; *) echo not-installed;; esac`;
  writeFileSync(join(folder, "apt-get"), `#!/bin/sh\n${steps} >${state}.new; mv ${state}.new ${state}\n`, {
    mode: 0o755,
  });
  writeFileSync(join(folder, "dpkg-query"), `#!/bin/sh\necho "$(cat ${state}) jq"\n`, { mode: 0o755 });
  writeFileSync(state, "half-installed\n");
  const purge =
    "import os, packages, util; os.makedirs(util.at('/usr/sbin'), exist_ok=True); print(packages.purge(['jq']))";
  expect(python(purge)).toMatch(/^None$/m);
  expect(readFileSync(state, "utf8")).toBe("not-installed\n");
  rmSync(join(folder, "dpkg-query"));
});

test("a package that a role lets go of goes with what came with it, and not with what was there before", () => {
  const ledger = `{"roles": {"r": {"packages": ["nginx"], "users": {}}}, "installed": {"nginx": ["nginx"], "nginx-common": ["nginx"]}}`;
  const next = (packages: string, brought: string, from: string): string =>
    `transaction.next_ledger({"role": "r", "packages": ${packages}}, ${from}, {"packages": ${packages}, "users": {}, "state": {}, "paths": {}}, ${brought}, [])`;
  const said = python(
    "import json, transaction",
    "transaction.plan.hand_over = lambda request, ledger: dict(ledger['roles'])",
    `more = ${next('["nginx", "mod"]', '["mod", "libmod"]', ledger)}`,
    `less = ${next('["nginx"]', "[]", "more")}`,
    "print(json.dumps([more['after']['packages'], less['after']['packages']]))",
  );
  expect(JSON.parse(said)).toEqual([[], ["libmod", "mod"]]);
});

test("no time limit follows the clock of the day", () => {
  aptSays("E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 1 (init)");
  const jumping = ["import random, time", "time.time = lambda: random.uniform(0, 4e9)"];
  expect(python(...jumping, ...INSTALL)).toMatch(/^lock \| /m);
});

test("how a change ended is known when the clock was set back", () => {
  const host = new Scratch();
  const file = (content: string) => ({ "/etc/x": { content, mode: "0644", owner: OWNER } });
  for (let index = 0; index < 22; index += 1) host.run({ action: "apply", tx: `t${index}`, files: {} });
  const back = [
    "import os",
    `d = '${host.at("/var/lib/intranet/outcomes")}'`,
    "[os.utime(f'{d}/{n}', (4e9, 4e9)) for n in os.listdir(d)]",
  ];
  execFileSync("python3", ["-c", back.join("\n")]);
  host.run({ action: "apply", tx: "last", files: file("x") });
  expect(host.run({ action: "outcome", tx: "last" }).answer).toMatchObject({ state: "committed" });
  host.remove();
}, 60_000);
