/** One kind of thing in the place of another: mended, undone and put back, and nobody's files are removed for it. */
import { mkdirSync, rmSync, symlinkSync } from "node:fs";
import { OWNER, Scratch } from "./scratch";

const file = (content: string) => ({ content, mode: "0644", owner: OWNER });
const ROLE = {
  action: "apply",
  directories: { "/etc/d": { owner: OWNER, mode: "0755" } },
  files: { "/etc/d/inside": file("ours\n"), "/etc/f": file("ours\n") },
  links: { "/etc/l": "f" },
  absent: ["/etc/a"],
};

let host: Scratch;
beforeEach(() => {
  host = new Scratch();
  mkdirSync(host.at("/etc"), { recursive: true });
});
afterEach(() => host.remove());
const tree = () => Object.fromEntries(Object.entries(host.tree()).filter(([path]) => !path.startsWith("/etc/systemd")));

/**
 * By hand: directory → link to another place that has the same file, file → directory, link → directory, absent →
 * directory.
 */
function muddle(): void {
  rmSync(host.at("/etc/d"), { recursive: true, force: true });
  host.write("/etc/moved/inside", "ours\n");
  symlinkSync("moved", host.at("/etc/d"));
  for (const path of ["/etc/f", "/etc/l", "/etc/a"]) {
    rmSync(host.at(path), { force: true });
    mkdirSync(host.at(path));
  }
}

test("any kind is mended to any other; what a link led to stays where it is", () => {
  host.run(ROLE);
  const good = tree();
  muddle();
  expect(host.run(ROLE).answer).toMatchObject({ ok: true });
  expect(tree()).toEqual({ ...good, "/etc/moved": "directory 755", "/etc/moved/inside": "file 644 ours\n" });
  expect(host.run(ROLE).answer).toMatchObject({ ok: true, changed: [] });
});

test("a failure puts the muddle back as it was, and deleting puts back what stood there before", () => {
  muddle();
  const before = tree();
  const failing = { ...ROLE, probes: [{ command: ["false"], timeoutSeconds: 1 }] };
  expect(host.run(failing).answer).toMatchObject({ ok: false, rolledBack: true, leftovers: [] });
  expect(tree()).toEqual(before);
  expect(host.run(ROLE).answer).toMatchObject({ ok: true });
  expect(tree()).toMatchObject({ "/etc/d/inside": "file 644 ours\n", "/etc/f": "file 644 ours\n", "/etc/l": "link f" });
  expect(host.run({ action: "remove" }).answer).toMatchObject({ ok: true });
  expect(tree()).toEqual(before);
});

test.each(["/etc/f", "/etc/l", "/etc/a"])(
  "%s: a directory that holds files is refused before anything is changed",
  (path) => {
    host.write(`${path}/precious`, "mine\n");
    const before = tree();
    const { answer } = host.run(ROLE);
    expect(answer).toMatchObject({ ok: false, kind: "conflict", rolledBack: true });
    expect(answer!.message).toMatch(
      new RegExp(`^${path} is a directory on this host that holds files, .*move it away first`),
    );
    expect(tree()).toEqual(before);
  },
);

test("a power cut in the middle of mending leaves the muddle or the mended state", () => {
  host.run(ROLE);
  muddle();
  const before = tree();
  const { steps } = host.run({ ...ROLE, probes: [{ command: ["false"], timeoutSeconds: 1 }] });
  expect(tree()).toEqual(before);
  for (const step of steps.filter((name) => name.startsWith("path:"))) {
    expect(host.run(ROLE, step).signal).toBe("SIGKILL");
    host.own("boot");
    expect([step, tree()]).toEqual([step, before]);
  }
});
