/** A line of 200 ms that loses 5 % of the packets each way: everything works over it, with few logins and sessions. */
import type { Trial } from "./host-program/trial";
import { exec, execOk, labOk } from "./support";
import { TrialStack, UP } from "./trial";

jest.setTimeout(400_000);

const SSHD = "/etc/ssh/sshd_config.d/00-trial.conf";
const trial = new TrialStack();
const script = (text: string) => execOk("home", ["sh", "-c", text]);
const roles = (text: string): Trial["roles"] => ({
  tool: { packages: ["jq"], files: { "/etc/trial/tool": { content: `${text}\n` } } },
  big: { files: { "/etc/trial/big": { content: `${text}\n`.repeat(10_000) } } },
  gate: { files: { "/etc/trial/gate": { content: `${text}\n` } }, confirm: { timeoutSeconds: 60 } },
});
/** Logins and sessions on the host since a mark in its journal. */
const counted = async (mark: string) => {
  const lines = await script(`journalctl -q --no-pager -o cat -u ssh --after-cursor='${mark}'`);
  const of = (words: RegExp) => lines.split("\n").filter((line) => words.test(line)).length;
  return { logins: of(/^Accepted publickey/), sessions: of(/^Starting session: command/) };
};
const mark = async () =>
  (await script("journalctl --sync; journalctl -q --no-pager -n 0 --show-cursor")).replace(/^-- cursor: /, "").trim();

beforeAll(async () => {
  await trial.init();
  await script(`printf 'LogLevel VERBOSE\n' > ${SSHD}; systemctl reload ssh; apt-get update -q`);
  await labOk(["slow", "home", "--delay", "200ms", "--loss", "5%"]);
});
afterAll(async () => {
  await labOk(["mend", "home"]);
  await trial.remove();
  await script(`rm -rf ${SSHD} /etc/trial; systemctl reload ssh`);
});

test("packages, large files and a confirmed change come through, each role in one session", async () => {
  const before = await mark();
  await trial.ok(UP, roles("first"));
  expect((await exec("home", ["jq", "--version"])).code).toBe(0);
  expect(await script("wc -l < /etc/trial/big; cat /etc/trial/gate")).toBe("10000\nfirst\n");
  const used = await counted(before);
  // One connection for all, and one that proves the way in; a session for what changes at once, and one to confirm. An
  // update looks at nothing before.
  expect(used.logins).toBeLessThanOrEqual(2);
  expect(used.sessions).toBeGreaterThanOrEqual(3);
  expect(used.sessions).toBeLessThanOrEqual(7);
});

test("refresh finds drift, up mends it, and destroy takes all away", async () => {
  await script("echo drift >> /etc/trial/big");
  const before = await mark();
  expect(await trial.ok(["refresh", "--yes", "--skip-preview", "--diff"], roles("first"))).toMatch(/\+\s*drift/);
  const used = await counted(before);
  // All roles of the host are read in one session.
  expect(used).toEqual({ logins: 1, sessions: 1 });
  await trial.ok(UP, roles("first"));
  expect(await script("tail -1 /etc/trial/big")).toBe("first\n");
  await trial.ok(["destroy", "--yes", "--skip-preview"], {});
  expect((await exec("home", ["ls", "/var/lib/intranet"])).code).not.toBe(0);
});
