import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BARE_LOOK, bareHostOf } from "../../../host/connection/bare-host";

/** What the constant command prints on this machine, with programs of the test's own before the machine's. */
function look(programs: Record<string, string> = {}): string[] {
  const folder = mkdtempSync(join(tmpdir(), "intranet-bare-"));
  for (const [name, text] of Object.entries(programs))
    writeFileSync(join(folder, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  symlinkSync("/bin/sh", join(folder, "sh"));
  const { input, command } = BARE_LOOK;
  const done = spawnSync(command, [], { input, env: { PATH: `${folder}:${process.env.PATH}` }, encoding: "utf8" });
  rmSync(folder, { recursive: true });
  expect([done.status, done.stderr]).toEqual([0, ""]);
  return done.stdout.split("\n");
}

const PROGRAMS = {
  dpkg: "echo arm64",
  // What a policy says, and that it was asked without a cache to write.
  "apt-cache": `case "$*" in *pkgcache=\\ *srcpkgcache=*) printf 'python3:\\n  Installed: (none)\\n  Candidate: 3.13.5-1\\n' ;; esac`,
  df: `printf 'Filesystem 1024-blocks Used Available Capacity Mounted on\\n/dev/a 900 500 %s 12%% %s\\n' "$(expr length "$2")00" "$2"`,
  id: "echo 1000",
  sudo: "exit 1",
};

test("the one command says release, architecture, apt's python3, sudo and room", () => {
  const found = bareHostOf(look(PROGRAMS));
  expect(found).toMatchObject({ architecture: "arm64", python: "3.13.5-1", root: false });
  expect(found.room).toEqual({ "/usr": 400, "/var": 400 });
  expect(found.id).toMatch(/^[a-z]+$/); // this machine's own
  expect(found.name).not.toMatch(/"/);
  expect(bareHostOf(look({ ...PROGRAMS, sudo: "" })).root).toBe(true);
  expect(bareHostOf(look({ ...PROGRAMS, id: "echo 0" })).root).toBe(true);
});

test("what apt does not know, and programs that are not there, are absent and no error", () => {
  expect(bareHostOf(look({ ...PROGRAMS, "apt-cache": "echo '  Candidate: (none)'" })).python).toBeUndefined();
  const nothing = Object.fromEntries(Object.keys(PROGRAMS).map((name) => [name, "exit 127"]));
  expect(bareHostOf(look(nothing))).toMatchObject({ room: {}, root: false });
});

test("it reads nothing of what a login shell prints, and takes every line as text", () => {
  const lines = [
    "Welcome",
    "root=yes",
    "intranet-look ID='deb$(id)ian'",
    "intranet-look room=/usr 12x",
    "intranet-look root",
  ];
  expect(bareHostOf(lines)).toEqual({ id: "deb$(id)ian", lists: false, root: false, room: {} });
});
