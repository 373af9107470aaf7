/** The agent that a host keeps: it runs in the place of one that is sent, if it is the same; then none need be sent. */
import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { agentCommand, agentDigest, agentInput } from "../../../host/agent";
import { OWNER, Scratch } from "./scratch";

const AGENT = "/var/lib/intranet/agent.pyz";
const APPLY = { action: "apply", directories: { "/etc/made": { owner: OWNER } } };
const READ = { action: "read", requests: [{ id: "r-1", role: "r", directories: ["/etc/made"] }] };
const FOUND = { ok: true, answers: [{ known: true, directories: { "/etc/made": { kind: "directory" } } }] };

let host: Scratch;
beforeEach(() => (host = new Scratch()));
afterEach(() => host.remove());

/** What a host answers to whom sends no agent. */
const ask = (request: object) =>
  host.start(["sh", "-c", `exec ${agentCommand("root")}`], agentInput(request, true)).answer;

/** Changes the file of the agent as somebody else might. */
function spoil(change: (archive: Buffer) => Buffer): void {
  writeFileSync(host.at(AGENT), change(readFileSync(host.at(AGENT))));
}

test("a host that keeps none says so, and does nothing", () => {
  expect(ask({ ...APPLY, tx: "0".repeat(16), owner: "p/s/r", id: "r-1", role: "r" })).toMatchObject({
    ok: false,
    kind: "agent",
  });
  expect([host.tree("/etc"), host.tree("/var")]).toEqual([{}, {}]);
});

test("a host that was changed keeps it, and runs it without being sent one", () => {
  expect(host.run(APPLY).answer).toMatchObject({ ok: true });
  expect(readFileSync(host.at(AGENT)).subarray(-64).toString()).toBe(agentDigest());
  expect(ask(READ)).toMatchObject(FOUND);
});

test("it runs compiled: the source beside it is for another Python alone", () => {
  host.run(APPLY);
  const script = `import sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as old: parts = [(i, old.read(i), old.comment) for i in old.infolist()]
with zipfile.ZipFile(sys.argv[1], "w") as new:
    for part, text, new.comment in parts: new.writestr(part, text if part.filename.endswith(sys.argv[2]) else "broken")`;
  const only = (kind: string) => execFileSync("python3", ["-c", script, host.at(AGENT), kind]);
  only(".pyc");
  expect(ask(READ)).toMatchObject(FOUND);
  only(".py");
  expect(ask(READ)).toMatchObject({ ok: false, kind: "agent" });
});

test.each([
  [
    "that of another release",
    (archive: Buffer) => Buffer.concat([archive.subarray(0, -64), Buffer.from("0".repeat(64))]),
  ],
  ["one that is broken", () => Buffer.from(`no archive${agentDigest()}`)],
])("%s is passed over for one that is sent", (_what, change) => {
  host.run(APPLY);
  spoil(change);
  expect(ask(READ)).toMatchObject({ ok: false, kind: "agent" });
  expect(host.run(READ).answer).toMatchObject(FOUND);
});

test.each([
  [
    "that of another release",
    (archive: Buffer) => Buffer.concat([archive.subarray(0, -64), Buffer.from("0".repeat(64))]),
  ],
  ["one that is broken", () => Buffer.from(`no archive${agentDigest()}`)],
])("%s is replaced by the next change", (_what, change) => {
  host.run(APPLY);
  spoil(change);
  expect(host.run(APPLY).answer).toMatchObject({ ok: true, changed: [] });
  expect(ask(READ)).toMatchObject(FOUND);
});

test("which packages are installed is read from dpkg's own file, and asked where that is not the whole truth", () => {
  const paragraph = (name: string, status: string) =>
    `Package: ${name}\nEssential: yes\nStatus: ${status}\nDescription: Package: x\n`;
  const status = [
    paragraph("there", "install ok installed"),
    paragraph("held", "hold ok installed"),
    paragraph("half", "install ok half-installed"),
    paragraph("going", "deinstall ok installed"),
    paragraph("gone", "deinstall ok config-files"),
  ];
  host.write("/var/lib/dpkg/status", status.join("\n"));
  host.write("/var/lib/dpkg/updates/.keep", "");
  host.run(APPLY);
  const packages = ["there", "held", "half", "going", "gone", "never", "asked"];
  const asked = host.pretend("dpkg-query", "ii  asked");
  // A name is there that this dpkg has yet to write into its file.
  expect(host.look({ packages }).missing).toEqual(packages.slice(0, -1));
  expect(asked()).toHaveLength(1);
  rmSync(host.at("/var/lib/dpkg/updates/.keep"));
  expect(host.look({ packages }).missing).toEqual(packages.slice(2));
  expect(asked()).toHaveLength(1);
});
