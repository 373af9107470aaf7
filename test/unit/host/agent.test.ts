import { OWNER, Scratch } from "./scratch";

/** The hook into boot is the agent's own and goes with the last role. */
const HOOK = /^\/etc\/systemd(\/|$)/;
const withoutHook = (tree: Record<string, string>) =>
  Object.fromEntries(Object.entries(tree).filter(([path]) => !HOOK.test(path)));

const file = (content: string, mode = "0644") => ({ content, mode, owner: OWNER });
const APPLY = {
  action: "apply",
  files: { "/etc/app.conf": file("new\n"), "/etc/deep/er/key": file("hunter2-secret\n", "0600") },
  directories: { "/etc/kept": { owner: OWNER, mode: "0750" } },
  links: { "/etc/link": "app.conf" },
  absent: ["/etc/bad"],
  secrets: ["hunter2-secret"],
};
const REMOVE = { action: "remove" };

let host: Scratch;
beforeEach(() => {
  host = new Scratch();
  host.write("/etc/app.conf", "old\n", 0o640);
  host.write("/etc/bad", "was here\n");
});
afterEach(() => host.remove());

test("applying makes files, directories and links, keeps what stood there, and deleting puts it back", () => {
  const before = host.tree();
  const applied = host.run(APPLY).answer!;
  expect(applied).toMatchObject({ ok: true, state: "committed" });
  expect(applied.adopted).toEqual({
    "/etc/app.conf": "/var/lib/intranet/backup/r/etc/app.conf",
    "/etc/bad": "/var/lib/intranet/backup/r/etc/bad",
  });
  expect(withoutHook(host.tree())).toEqual({
    "/etc": before["/etc"],
    "/etc/app.conf": "file 644 new\n",
    "/etc/deep": "directory 755",
    "/etc/deep/er": "directory 755",
    "/etc/deep/er/key": "file 600 hunter2-secret\n",
    "/etc/kept": "directory 750",
    "/etc/link": "link app.conf",
  });
  expect(host.read("/var/lib/intranet/backup/r/etc/app.conf")).toBe("old\n");
  expect(host.run(REMOVE).answer).toMatchObject({ ok: true });
  expect(withoutHook(host.tree())).toEqual(before);
  expect(host.tree("/var/lib/intranet")).toEqual({});
});

test("applying the same again changes nothing and says so", () => {
  host.run(APPLY);
  const before = host.tree();
  expect(host.run(APPLY).answer).toMatchObject({ ok: true, changed: [], adopted: {} });
  expect(host.tree()).toEqual(before);
});

test("records that are damaged are said, and nothing is done", () => {
  host.run(APPLY);
  host.write("/var/lib/intranet/ledger.json", "");
  const before = host.tree();
  for (const request of [APPLY, REMOVE, { action: "read", requests: [] }])
    expect(host.run(request).answer).toMatchObject({
      ok: false,
      message: expect.stringMatching(/ledger\.json on this host is damaged .* backup of the host; or move it away/),
    });
  expect(host.tree()).toEqual(before);
});

test("a path that the role lets go is put back at once", () => {
  host.run(APPLY);
  expect(host.run({ action: "apply", links: { "/etc/link": "app.conf" } }).answer).toMatchObject({ ok: true });
  expect(host.read("/etc/app.conf")).toBe("old\n");
  expect(host.read("/etc/bad")).toBe("was here\n");
  expect(host.read("/etc/deep")).toBeUndefined();
});

test("a checker sees the staged files under their own names and refuses before anything is changed", () => {
  const before = host.tree();
  const check = { command: ["grep", "-l", "never", { staged: "/etc/app.conf" }], description: "grep" };
  const { answer } = host.run({ ...APPLY, checks: [check] });
  expect(answer).toMatchObject({ ok: false, kind: "check", code: 1, rolledBack: true });
  expect((answer!.command as string[])[3]).toMatch(/\/staged\/etc\/app\.conf$/);
  expect(withoutHook(host.tree())).toEqual(before);
});

test("a failing probe puts everything back and reports command, exit code and output without secrets", () => {
  const before = host.tree();
  const probe = { command: ["sh", "-c", "echo it is hunter2-secret; exit 3"], timeoutSeconds: 1, description: "works" };
  const { answer, output } = host.run({ ...APPLY, probes: [probe] });
  expect(answer).toMatchObject({
    ok: false,
    kind: "probe",
    code: 3,
    output: "it is [secret]",
    rolledBack: true,
    leftovers: [],
  });
  expect(output).not.toContain("hunter2");
  expect(withoutHook(host.tree())).toEqual(before);
});

test("nothing that a report or the ledger keeps holds a secret", () => {
  host.run({ ...APPLY, live: { shown: { command: ["echo", "hunter2-secret"] } } });
  const kept = Object.entries(host.tree("/var/lib/intranet")).filter(([path]) => !path.includes("/backup/"));
  expect(JSON.stringify(kept)).not.toContain("hunter2");
});

test("another role's path, unit or sysctl is refused with both names; an equal directory is shared", () => {
  host.run(APPLY);
  const other = { role: "other", id: "o-1", owner: "q/s/o", action: "apply" };
  const refused = host.run({ ...other, files: { "/etc/app.conf": file("theirs\n") } }).answer!;
  expect(refused).toMatchObject({ ok: false, kind: "conflict" });
  expect(refused.message).toMatch(
    /path \/etc\/app\.conf is claimed by role other and already owned by role r \(p\/s\/r\)/,
  );
  expect(host.read("/etc/app.conf")).toBe("new\n");
  const shared = { ...other, directories: { "/etc/kept": { owner: OWNER, mode: "0750" } } };
  expect(host.run(shared).answer).toMatchObject({ ok: true });
  expect(host.run(REMOVE).answer).toMatchObject({ ok: true });
  expect(host.tree()["/etc/kept"]).toBe("directory 750");
  expect(host.run({ ...other, action: "remove" }).answer).toMatchObject({ ok: true });
  expect(host.tree()["/etc/kept"]).toBeUndefined();
});

test("a role of the same name from another stack is refused, and a stale resource's delete is left alone", () => {
  host.run(APPLY);
  const refused = host.run({ ...APPLY, owner: "other/stack/r", id: "r-2" }).answer!;
  expect(refused.message).toMatch(
    /role r on this host belongs to p\/s\/r, and other\/stack\/r wants a role of the same name/,
  );
  expect(host.run({ ...REMOVE, id: "r-of-earlier" }).answer).toMatchObject({ ok: true, changed: [] });
  expect(host.read("/etc/app.conf")).toBe("new\n");
});

test("a renamed stack or resource keeps its role, and a new resource of the same stack takes it over", () => {
  host.run(APPLY);
  expect(host.run({ ...APPLY, owner: "p/renamed/r" }).answer).toMatchObject({ ok: true, changed: [] });
  expect(host.run({ ...APPLY, owner: "p/renamed/other-name", id: "r-2" }).answer).toMatchObject({
    ok: true,
    changed: [],
  });
  expect(host.run({ ...REMOVE, id: "r-1" }).answer).toMatchObject({ ok: true, changed: [] });
  expect(host.read("/etc/app.conf")).toBe("new\n");
});

test("within a stack a path moves from role to role with what stood there before; nobody takes it back", () => {
  host.run(APPLY);
  const other = {
    role: "other",
    id: "o-1",
    owner: "p/s/o",
    action: "apply",
    files: { "/etc/app.conf": file("theirs\n") },
  };
  expect(host.run(other).answer).toMatchObject({ ok: true, adopted: {} });
  const back = host.run(APPLY).answer!;
  expect(back).toMatchObject({ ok: false, kind: "conflict" });
  expect(back.message).toMatch(/path \/etc\/app\.conf is claimed by role r and already owned by role other/);
  expect(host.run(REMOVE).answer).toMatchObject({ ok: true });
  expect(host.read("/etc/app.conf")).toBe("theirs\n");
  expect(host.run({ ...other, action: "remove" }).answer).toMatchObject({ ok: true });
  expect(host.read("/etc/app.conf")).toBe("old\n");
});

test("reading tells what differs: content, mode, what is gone, what is back", () => {
  host.run(APPLY);
  host.write("/etc/app.conf", "by hand\n", 0o644);
  host.write("/etc/bad", "back\n");
  const answer = host.look({
    files: { "/etc/app.conf": { sha256: "0" }, "/etc/gone": { sha256: "0" } },
    directories: ["/etc/kept"],
    links: ["/etc/link", "/etc/none"],
    absent: ["/etc/bad"],
    live: { said: { command: ["echo", "hello"] } },
  });
  expect(answer).toMatchObject({
    ok: true,
    known: true,
    id: "r-1",
    files: { "/etc/app.conf": { kind: "file", same: false, content: "by hand\n" }, "/etc/gone": { kind: "absent" } },
    directories: { "/etc/kept": { kind: "directory", mode: "0750", owner: OWNER } },
    links: { "/etc/link": { kind: "link", target: "app.conf" }, "/etc/none": { kind: "absent" } },
    present: ["/etc/bad"],
    observed: { said: "hello" },
  });
});

test("several roles are read at once: each with its own secrets hidden, and one that cannot be read spoils no other", () => {
  host.run({ ...APPLY, role: "r" });
  const live = (word: string) => ({ said: { command: ["echo", word] } });
  const { answer } = host.run({
    action: "read",
    requests: [
      { role: "r", id: "r-1", live: live("hunter22 hunter33"), secrets: ["hunter22"] },
      { role: "none", id: "x", live: live("hunter22 hunter33"), secrets: ["hunter33"] },
      { role: "r", id: "r-1", files: { "/etc/app.conf": {} } },
    ],
  });
  expect(answer).toMatchObject({
    ok: true,
    answers: [
      { ok: true, known: true, observed: { said: "[secret] hunter33" } },
      { ok: true, known: false, observed: { said: "hunter22 [secret]" } },
      { ok: false, kind: "internal", message: expect.stringMatching(/sha256/) },
    ],
  });
});

test("hostile names and contents are carried literally", () => {
  const contents = [
    "",
    "\r\n\r",
    "\0\0",
    "$(reboot) `id` 'x' \"y\" \\",
    "{{not}} {{.ID}} %s %n",
    "\u2028\u202e😀é",
    "x".repeat(200_000),
  ];
  const names = ["a b", "$(id)", "'q'", '"q"', "-rf", "*", "ünï😀", "back\\slash", ".hidden", "a;b|c&d"];
  const files = Object.fromEntries(
    names.map((name, index) => [`/etc/hostile/${name}`, file(contents[index % contents.length]!)]),
  );
  expect(host.run({ action: "apply", files }).answer).toMatchObject({ ok: true });
  for (const [path, { content }] of Object.entries(files)) expect(host.read(path)).toBe(content);
  expect(host.run(REMOVE).answer).toMatchObject({ ok: true });
  expect(host.read("/etc/hostile")).toBeUndefined();
});

test("a directory that holds somebody's file is left when the role goes", () => {
  host.run(APPLY);
  host.write("/etc/kept/precious", "x");
  host.run(REMOVE);
  expect(host.read("/etc/kept/precious")).toBe("x");
});

test("killed at any step, the host has the old state or the new at the next contact, and nothing is left over", () => {
  host.run(APPLY); // the folders of systemd are there from now on
  host.run(REMOVE);
  const steps = host.run(APPLY).steps;
  host.run(REMOVE);
  expect(steps.length).toBeGreaterThan(30);
  const old = host.tree();
  const whole = (tree: Record<string, string>) => JSON.stringify(withoutHook(tree));
  host.run(APPLY);
  const fresh = host.tree();
  host.run(REMOVE);
  for (const step of steps) {
    expect(host.run(APPLY, step).signal).toBe("SIGKILL");
    const seen = host.look();
    expect(seen).toMatchObject({ ok: true });
    const tree = host.tree();
    expect([whole(old), whole(fresh)]).toContain(whole(tree));
    expect(host.tree("/var/lib/intranet")).not.toHaveProperty("/var/lib/intranet/journal.json");
    expect(host.tree("/var/lib/intranet")).not.toHaveProperty("/var/lib/intranet/tx");
    expect(Object.keys(tree).filter((path) => path.includes("intranet-new"))).toEqual([]);
    expect(seen.known).toBe(whole(tree) === whole(fresh));
    if (seen.known) expect(host.run(REMOVE).answer).toMatchObject({ ok: true });
    expect(whole(host.tree())).toBe(whole(old));
  }
}, 300_000);

test("killed while it puts things back, it goes on at the next contact", () => {
  const probes = [{ command: ["false"], timeoutSeconds: 1 }];
  const before = host.tree();
  const undoing = host.run({ ...APPLY, probes }).steps.filter((step) => step.startsWith("undo:"));
  expect(undoing.length).toBeGreaterThan(4);
  for (const step of undoing) {
    expect(host.run({ ...APPLY, probes }, step).signal).toBe("SIGKILL");
    host.look();
    expect(withoutHook(host.tree())).toEqual(before);
  }
}, 300_000);

describe("what daemons gather", () => {
  const STATE = "/var/lib/app";
  /** Stands in for a daemon: it writes below the state folder while the change is made. */
  const gathering = (more: object = {}) => ({
    action: "apply",
    files: { "/etc/app.conf": file("new\n") },
    state: [STATE],
    probes: [{ command: ["sh", "-c", 'mkdir -p "$1/deep"; echo x >"$1/deep/db"', "daemon", host.at(STATE)] }],
    ...more,
  });

  test("stays with a change and goes with the role", () => {
    expect(host.run(gathering()).answer).toMatchObject({ ok: true });
    expect(host.run(gathering({ files: { "/etc/app.conf": file("newer\n") }, probes: [] })).answer).toMatchObject({
      ok: true,
    });
    expect(host.read(`${STATE}/deep/db`)).toBe("x\n");
    expect(host.run(REMOVE).answer).toMatchObject({ ok: true });
    expect(Object.keys(host.tree("/var/lib"))).toEqual(["/var/lib"]);
  });

  test("stays when it stood there before the role", () => {
    host.write(`${STATE}/mine`, "kept\n");
    host.run(gathering());
    host.run(REMOVE);
    expect(host.read(`${STATE}/mine`)).toBe("kept\n");
  });

  test("stays while another role lists it, and goes with the last", () => {
    const other = { role: "other", id: "other-1" };
    host.run(gathering());
    expect(host.run({ action: "apply", state: [STATE], ...other }).answer).toMatchObject({ ok: true });
    host.run(REMOVE);
    expect(host.read(`${STATE}/deep/db`)).toBe("x\n");
    host.run({ ...REMOVE, ...other });
    expect(host.read(`${STATE}/deep/db`)).toBeUndefined();
  });

  test("goes when a first change fails, and stays when a later one does", () => {
    const fails = { command: ["sh", "-c", "exit 1"], timeoutSeconds: 1 };
    const failing = () => gathering({ probes: [...gathering().probes, fails] });
    expect(host.run(failing()).answer).toMatchObject({ ok: false, rolledBack: true });
    expect(host.read(`${STATE}/deep/db`)).toBeUndefined();
    host.run(gathering());
    expect(host.run(failing()).answer).toMatchObject({ ok: false, rolledBack: true });
    expect(host.read(`${STATE}/deep/db`)).toBe("x\n");
  });

  test("goes even if the agent dies right after the role has gone", () => {
    host.run({ action: "apply", role: "stays", id: "stays-1" });
    host.run(gathering());
    expect(host.run(REMOVE, "ended").signal).toBe("SIGKILL");
    expect(host.read(`${STATE}/deep/db`)).toBe("x\n");
    expect(host.run({ action: "apply", role: "stays", id: "stays-1" }).answer).toMatchObject({ ok: true });
    expect(host.read(`${STATE}/deep/db`)).toBeUndefined();
  });

  test("is never a link's target", () => {
    host.write("/srv/elsewhere/file", "kept\n");
    const probe = { command: ["ln", "-s", host.at("/srv/elsewhere"), host.at(STATE)] };
    host.run(gathering({ probes: [{ command: ["mkdir", "-p", host.at("/var/lib")] }, probe] }));
    host.run(REMOVE);
    expect(host.read("/srv/elsewhere/file")).toBe("kept\n");
  });
});

test("a probe that is not required keeps the change, and is said as a warning without secrets", () => {
  const probe = { command: ["sh", "-c", "echo it is hunter2-secret; exit 3"], timeoutSeconds: 1, description: "works" };
  const { answer, output } = host.run({ ...APPLY, probes: [{ ...probe, required: false }] });
  expect(answer).toMatchObject({ ok: true, state: "committed" });
  expect(answer!.warnings).toEqual(["warning: works: did not succeed within 1 s: it is [secret]"]);
  expect(output).not.toContain("hunter2");
  expect(host.read("/etc/app.conf")).toBe("new\n");
  // One that is fine says nothing.
  const fine = host.run({
    ...APPLY,
    files: { "/etc/app.conf": file("newer\n") },
    probes: [{ command: ["true"], required: false }],
  });
  expect(fine.answer).toMatchObject({ ok: true, warnings: [] });
});
