/** Roles that hold the way to the host: they are marked over the connection, and removed by the host without it. */
import { rmSync } from "node:fs";
import { OWNER, Scratch } from "./scratch";

const file = (content: string) => ({ content, mode: "0644", owner: OWNER });
const stack = (name: string) => ({ role: name, id: `${name}-1`, owner: `p/s/${name}` });
const apply = (name: string) => ({
  action: "apply",
  ...stack(name),
  files: { [`/etc/${name}`]: file(`${name}\n`) },
  state: [`/var/lib/${name}`],
});
const own = (name: string) => ({
  action: "apply",
  ...stack(name),
  files: { [`/etc/${name}.d/conf`]: file(`${name}\n`) },
});
const leave = (name: string) => ({ action: "remove", lastWay: true, ...stack(name) });

jest.setTimeout(300_000);

let host: Scratch;
let runs: () => string[];
let before: Record<string, string>;
beforeEach(() => {
  host = new Scratch();
  host.pretend("systemctl");
  runs = host.pretend("systemd-run");
  host.write("/etc/tunnel", "of the owner\n");
  before = host.tree();
});
afterEach(() => host.remove());

const gone = () => {
  const { "/etc/systemd": _hook, ...tree } = host.tree();
  const left = Object.fromEntries(Object.entries(tree).filter(([path]) => !path.startsWith("/etc/systemd/")));
  expect(left).toEqual(before);
  expect(host.tree("/var/lib/intranet")).toEqual({});
};

test("asking only marks; the job waits for the last role of the stack, and leaves the host as it was", () => {
  host.run(apply("tunnel"));
  host.run(own("ssh"));
  expect(host.run(leave("tunnel")).answer).toMatchObject({ ok: true, state: "committed", leaving: 300 });
  expect(host.read("/etc/tunnel")).toBe("tunnel\n");
  expect(runs().at(-1)).toMatch(/--on-active=300 .*\/var\/lib\/intranet\/agent\.pyz leave$/);
  expect(host.run(leave("ssh")).answer).toMatchObject({ ok: true, leaving: 5 });
  expect(runs().at(-1)).toMatch(/--on-active=5 .*RuntimeMaxSec|RuntimeMaxSec.*--on-active=5 /);
  const job = host.own("leave");
  expect(job.code).toBe(0);
  expect(job.steps.filter((step) => step.startsWith("left:"))).toEqual(["left:tunnel", "left:ssh"]);
  gone();
});

test("a role that is not the last is removed alone when the others stay", () => {
  host.run(apply("tunnel"));
  host.run(own("ssh"));
  host.run(leave("tunnel"));
  expect(host.own("leave").code).toBe(0);
  expect(host.read("/etc/tunnel")).toBe("of the owner\n");
  expect(host.read("/etc/ssh.d/conf")).toBe("ssh\n");
  expect(host.read("/var/lib/intranet/leaving")).toBeUndefined();
});

test("applying a marked role takes the mark back", () => {
  host.run(apply("tunnel"));
  host.run(leave("tunnel"));
  host.run(apply("tunnel"));
  expect(host.own("leave").code).toBe(0);
  expect(host.read("/etc/tunnel")).toBe("tunnel\n");
  host.run(leave("tunnel"));
  host.own("leave");
  gone();
});

test("what an enrolment made and nobody adopted goes with the last of its stack; another stack's role stays", () => {
  host.run(apply("tunnel"));
  host.run({ ...own("identity"), id: "enrolment" });
  host.run({ ...own("theirs"), owner: "other/s/theirs" });
  expect(host.run(leave("tunnel")).answer).toMatchObject({ leaving: 5 });
  expect(host.own("leave").code).toBe(0);
  expect(host.read("/etc/identity.d/conf")).toBeUndefined();
  expect(host.read("/etc/theirs.d/conf")).toBe("theirs\n");
  expect(host.run({ action: "remove", ...stack("theirs"), owner: "other/s/theirs" }).answer).toMatchObject({
    ok: true,
  });
  gone();
});

test("a stale resource's role is not marked", () => {
  host.run(apply("tunnel"));
  expect(host.run({ ...leave("tunnel"), id: "earlier" }).answer).toMatchObject({ ok: true, changed: [] });
  expect(runs()).toEqual([]);
});

describe("a way that another interface may have taken the place of", () => {
  const replaced = { ...leave("tunnel"), lastWay: { interface: "wg-vps", unless: "wg-vps-b" } };
  const routeBy = (name: string) => host.pretend("ip", `10.31.0.1 dev ${name} src 10.31.0.2 uid 0`);
  beforeEach(() => {
    host.run(apply("tunnel"));
    host.run(own("ssh"));
    host.variables = { SSH_CONNECTION: "10.31.0.1 40000 10.31.0.2 2222" };
  });

  test.each(["wg-vps-b", "wg-office"])("is removed at once when whoever asks is answered through %s", (name) => {
    host.write("/sys/class/net/wg-vps-b", "");
    const asked = routeBy(name);
    expect(host.run(replaced).answer).toMatchObject({ ok: true, state: "committed" });
    expect(asked()).toEqual(["-oneline route get 10.31.0.1"]);
    expect([host.read("/etc/tunnel"), runs()]).toEqual(["of the owner\n", []]);
  });

  test.each([
    ["it is itself the way of the answer", "wg-vps", "/sys/class/net/wg-vps-b"],
    ["the other one is not there", "wg-office", "/sys/class/net/wg-office"],
  ])("is only marked when %s", (_case, name, there) => {
    host.write(there, "");
    routeBy(name);
    expect(host.run(replaced).answer).toMatchObject({ ok: true, leaving: 300 });
    expect(host.read("/etc/tunnel")).toBe("tunnel\n");
  });
});

test("a role stays when what must succeed before does not, and the answer says what", () => {
  host.run(own("ssh"));
  const probe = { command: ["sh", "-c", "echo not yet; exit 1"], description: "the other one", timeoutSeconds: 1 };
  const asked = { action: "remove", ...stack("ssh"), beforeDelete: [probe] };
  const { answer } = host.run(asked);
  expect(answer).toMatchObject({
    ok: false,
    rolledBack: true,
    message: expect.stringMatching(/the other one: did not/),
  });
  expect(host.read("/etc/ssh.d/conf")).toBe("ssh\n");
  expect(host.run({ ...asked, beforeDelete: [{ command: ["true"] }] }).answer).toMatchObject({ ok: true });
  gone();
});

describe("the power fails", () => {
  const names = ["tunnel", "ssh"];
  const prepared = () => {
    const fresh = new Scratch();
    fresh.pretend("systemctl");
    const calls = fresh.pretend("systemd-run");
    fresh.write("/etc/tunnel", "of the owner\n");
    for (const name of names) fresh.run(name === "tunnel" ? apply(name) : own(name));
    fresh.write("/var/lib/tunnel/gathered", "data\n");
    return { fresh, calls };
  };
  const steps = () => {
    const { fresh } = prepared();
    const asking = fresh.run(leave("tunnel")).steps;
    fresh.run(leave("ssh"));
    const working = fresh.own("leave").steps;
    fresh.remove();
    return { asking, working };
  };

  test("while a role is asked to go: it is marked or it is not, and asking again does it", () => {
    for (const step of steps().asking) {
      const { fresh } = prepared();
      expect(fresh.run(leave("tunnel"), step).signal).toBe("SIGKILL");
      fresh.own("boot");
      fresh.own("leave");
      fresh.run(leave("tunnel"));
      fresh.run(leave("ssh"));
      fresh.own("leave");
      expect([step, fresh.read("/etc/tunnel"), fresh.tree("/var/lib/intranet")]).toEqual([step, "of the owner\n", {}]);
      fresh.remove();
    }
  });

  test("at any step of the job: boot begins it again, and it ends with the host as it was", () => {
    const { working } = steps();
    expect(working.length).toBeGreaterThan(20);
    for (const step of working) {
      const { fresh, calls } = prepared();
      for (const name of names) fresh.run(leave(name));
      expect(fresh.own("leave", step).signal).toBe("SIGKILL");
      if (fresh.read("/var/lib/intranet/agent.pyz") !== undefined) {
        fresh.own("boot");
        if (fresh.read("/var/lib/intranet/leaving") !== undefined) {
          expect(calls().at(-1)).toMatch(/--no-block --property=After=multi-user\.target .*agent\.pyz leave$/);
          fresh.own("leave");
        }
      } else {
        // The rest is the boot hook's, which needs no program: see the lab's test of steps.
        expect([step, fresh.read("/var/lib/intranet/ledger.json")]).toEqual([step, undefined]);
        rmSync(fresh.at("/var/lib/intranet"), { recursive: true, force: true });
      }
      expect([step, fresh.read("/etc/tunnel"), fresh.tree("/var/lib/intranet")]).toEqual([step, "of the owner\n", {}]);
      expect([step, fresh.read("/var/lib/tunnel/gathered")]).toEqual([step, undefined]);
      fresh.remove();
    }
  });
});
