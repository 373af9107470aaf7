/** The roll-back that a host arms before a change, and what it does when it cannot put everything back at once. */
import { mkdirSync, rmSync } from "node:fs";
import { OWNER, Scratch } from "./scratch";

jest.setTimeout(60_000);

const APPLY = {
  action: "apply",
  tx: "tx-a",
  confirm: 20,
  files: { "/etc/app.conf": { content: "new\n", mode: "0644", owner: OWNER } },
};

let host: Scratch;
let timers: () => string[];
beforeEach(() => {
  host = new Scratch();
  host.write("/etc/app.conf", "old\n");
  timers = host.pretend("systemd-run");
});
afterEach(() => host.remove());

const rollBack = () =>
  host.start(["python3", "-B", host.at("/var/lib/intranet/agent.pyz"), "rollback", "tx-a"], Buffer.alloc(0));

test("it is armed before anything is changed, and again before the first is disarmed", () => {
  const { steps, answer } = host.run(APPLY);
  expect(answer).toMatchObject({ ok: true, state: "awaiting", seconds: 20 });
  expect(steps.indexOf("armed")).toBeGreaterThan(-1);
  expect(steps.indexOf("armed")).toBeLessThan(steps.indexOf("staged"));
  expect(timers()).toEqual([
    expect.stringMatching(
      /^--unit=intranet-rollback-tx-a-change --on-active=600 .*Restart=on-failure.* rollback tx-a$/,
    ),
    expect.stringMatching(
      /^--unit=intranet-rollback-tx-a-confirm --on-active=20 .*Restart=on-failure.* rollback tx-a$/,
    ),
  ]);
});

test("killed between the two, the change is undone", () => {
  expect(host.run(APPLY, "armed again").signal).toBe("SIGKILL");
  expect(host.read("/etc/app.conf")).toBe("new\n");
  expect(rollBack().code).toBe(0);
  expect(host.read("/etc/app.conf")).toBe("old\n");
});

test("it ends with an error as long as something is in the way, and goes on when it is tried again", () => {
  host.run(APPLY, "armed again");
  rmSync(host.at("/etc/app.conf"));
  mkdirSync(host.at("/etc/app.conf/in/the/way"), { recursive: true });
  expect(rollBack().code).toBe(1);
  const contact = host.run({ action: "read" }).answer;
  expect(contact).toMatchObject({ ok: false, message: expect.stringMatching(/could not be undone yet: .*app\.conf/) });
  rmSync(host.at("/etc/app.conf"), { recursive: true });
  expect(rollBack().code).toBe(0);
  expect(host.read("/etc/app.conf")).toBe("old\n");
  expect(host.tree("/var/lib/intranet")).not.toHaveProperty("/var/lib/intranet/journal.json");
  expect(rollBack().code).toBe(0);
});

test("a boot that could not put everything back tries again", () => {
  host.run(APPLY);
  rmSync(host.at("/etc/app.conf"));
  mkdirSync(host.at("/etc/app.conf/in/the/way"), { recursive: true });
  host.own("boot");
  expect(timers()[2]).toMatch(/^--unit=intranet-rollback-tx-a-boot --on-active=10 .* rollback tx-a$/);
});

test("a role that needs no confirmation arms nothing", () => {
  expect(host.run({ ...APPLY, confirm: 0 }).answer).toMatchObject({ ok: true, state: "committed" });
  expect(timers()).toEqual([]);
});
