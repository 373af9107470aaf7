/**
 * A host that goes down while an `up` works on it: the up waits for it or says how it ended, the host is whole, the
 * next up goes on.
 */
import type { Trial } from "./host-program/trial";
import { until } from "./intranet";
import { exec, execOk, labOk, status } from "./support";
import { TrialStack, UP } from "./trial";

jest.setTimeout(300_000);

const CONF = "/etc/trial/app.conf";
const trial = new TrialStack();
const script = (text: string) => execOk("home", ["sh", "-c", text]);
const app = (text: string, more: object = {}): Trial["roles"] => ({
  app: {
    files: {
      [CONF]: { content: `${text}\n` },
      "/etc/systemd/system/trial.service": {
        content: "[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n",
      },
    },
    units: { "trial.service": { restartOn: [CONF] } },
    ...more,
  },
});
const running = () =>
  until(
    "home runs",
    async () => (await status()).hosts.find(({ name, state }) => name === "home" && state === "running"),
    120,
  );
const state = () =>
  script(
    `cat ${CONF}; systemctl is-active trial; systemctl is-enabled trial; ls /var/lib/intranet | grep -E 'journal|tx'; systemctl list-timers --no-legend 'intranet*'; true`,
  );

beforeAll(async () => {
  await trial.init();
  await trial.ok(UP, app("first"));
});
afterAll(async () => {
  await running();
  await trial.remove();
  await script("rm -rf /etc/trial");
});

const WAITS = [{ command: ["sleep", "40"], timeoutSeconds: 60 }];
const changed = () =>
  until("the new file is there", async () => (await exec("home", ["cat", CONF])).stdout === "second\n");
test.each([
  ["its power is cut with the files half changed", { probes: WAITS }, () => labOk(["reset", "home"])],
  [
    "its power is cut while it waits with the roll-back armed",
    { probes: WAITS, confirm: { timeoutSeconds: 30 } },
    () => labOk(["reset", "home"]),
  ],
  ["somebody reboots it in order", { probes: WAITS }, () => exec("home", ["systemctl", "reboot"])],
] as const)("%s: it is as before, up says so, the next up goes on", async (_what, more, strike) => {
  const before = await state();
  const up = trial.begin(app("second", more));
  await changed();
  await strike();
  const { code, stdout, stderr } = await up.done;
  expect(code).not.toBe(0);
  expect(stdout + stderr).toMatch(
    /the host undid the change: the host went down in the middle of the change|was told to stop|left as it was before/,
  );
  await running();
  await until("it is as before", async () => (await state()) === before);
  await trial.ok(["preview", "--refresh", "--expect-no-changes"], app("first"));
  await trial.ok(UP, app("second"));
  expect(await state()).toBe(before.replace("first", "second"));
  await trial.ok(UP, app("first"));
});

test("a host that is just booting is waited for, and the up succeeds", async () => {
  await labOk(["off", "home"]);
  const up = trial.begin(app("third"));
  await up.said(/home|10\.20\.0\.10.*(unreachable|did not answer|refused).*trying for up to \d+ s/);
  await labOk(["on", "home"]);
  expect((await up.done).code).toBe(0);
  expect(await script(`cat ${CONF}`)).toBe("third\n");
});
