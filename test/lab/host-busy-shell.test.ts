/**
 * Logins that are not as expected: another shell, a talkative or broken one, sudo, no home, a broken Python, no room in
 * /tmp.
 */
import type { ConnectionArgs } from "../../host";
import { FIXED_HOSTS, KEY_LABELS } from "../../lab/constants";
import { deriveSshKey } from "../../lab/keys";
import type { Trial } from "./host-program/trial";
import { execOk } from "./support";
import { TrialStack, UP } from "./trial";

jest.setTimeout(300_000);

const trial = new TrialStack();
const script = (text: string) => execOk("home", ["sh", "-c", text]);
const home: ConnectionArgs = {
  address: FIXED_HOSTS.find(({ name }) => name === "home")!.ipv4,
  hostKeys: [deriveSshKey(KEY_LABELS.homeHostKey).publicKey],
};
const USER = "trial-admin";
let count = 0;
/** A role that has something to do each time. */
const role = (user: string, more: object = {}): Trial["roles"] => ({
  shell: {
    connection: { ...home, user },
    files: { "/etc/trial-shell": { content: `${(count += 1)} it's "quoted" $HOME !x\n` } },
    ...more,
  },
});
const applied = async () => {
  const written = await script("cat /etc/trial-shell");
  return Number(written.split(" ")[0]) === count && written.endsWith(` it's "quoted" $HOME !x\n`);
};

beforeAll(async () => {
  await trial.init();
  await script(
    "apt-get update -q && apt-get install -y -q --no-install-recommends sudo && " +
      `useradd --no-create-home --home-dir /nonexistent ${USER} && ` +
      `mkdir -p /etc/trial-keys && cp /root/.ssh/authorized_keys /etc/trial-keys/${USER} && chmod -R a+rX /etc/trial-keys && ` +
      "printf 'AuthorizedKeysFile .ssh/authorized_keys /etc/trial-keys/%%u\n' > /etc/ssh/sshd_config.d/00-trial.conf && systemctl reload ssh",
  );
});
afterAll(async () => {
  await script("chmod 0755 /usr/bin/python3.13; mountpoint -q /tmp && umount /tmp; rm -f /root/.bashrc.trial; true");
  await trial.remove();
  await script(
    `userdel ${USER}; rm -rf /etc/trial-keys /etc/trial-shell /etc/sudoers.d/trial /etc/ssh/sshd_config.d/00-trial.conf; ` +
      "systemctl reload ssh; apt-get purge -y -q sudo >/dev/null 2>&1; true",
  );
});

test("a user without sudo's leave is told so; with it, and without a home, roles are applied", async () => {
  const refused = await trial.failing(role(USER));
  expect(refused).toMatch(/user trial-admin needs sudo without a password \(.*sudo: a password is required\)/);
  await script(`echo '${USER} ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/trial`);
  await trial.ok(UP, role(USER));
  expect(await applied()).toBe(true);
});

test("a login shell that runs nothing is told, with its words", async () => {
  await script(`usermod -s /usr/sbin/nologin ${USER}`);
  const said = await trial.failing(role(USER));
  expect(said).toMatch(
    /did not run the agent \(exit code 1\): This account is currently not available\..*login shell that runs commands/,
  );
  await script(`usermod -s /bin/bash ${USER}`);
});

test("start-up files may print what they like; those that end the shell or eat its input are told", async () => {
  await script("cp -a /root/.bashrc /root/.bashrc.trial");
  const bashrc = (text: string) =>
    execOk("home", ["python3", "-c", `open('/root/.bashrc', 'w').write(${JSON.stringify(text)})`]);
  try {
    await bashrc("echo Welcome; echo to stderr >&2; printf 'no end of line {\"event\": '\n");
    const said = await trial.failing(role("root")).catch(() => "it went well");
    expect(said).toBe("it went well");
    expect(await applied()).toBe(true);
    await bashrc("echo Goodbye; exit 0\n");
    expect(await trial.failing(role("root"))).toMatch(/did not run the agent \(exit code 0\): Goodbye\. Check/);
    await bashrc("cat >/dev/null\n");
    expect(await trial.failing(role("root"))).toMatch(
      /did not run the agent \(exit code 1\): .*start-up files neither end it nor read its input/,
    );
  } finally {
    await script("mv /root/.bashrc.trial /root/.bashrc");
  }
});

test("a /tmp that is full, or runs nothing, is in nobody's way", async () => {
  await script("mount -t tmpfs -o size=16k,noexec,mode=1777 trial /tmp; cat /dev/zero > /tmp/fill 2>/dev/null; true");
  const checks = [{ command: ["sh", "-c", "echo said on a full disk; exit 4"], description: "words" }];
  expect(await trial.failing(role("root", { checks }))).toMatch(/exit code: 4\s+output:\s+said on a full disk/);
  await trial.ok(UP, role("root"));
  expect(await applied()).toBe(true);
  await script("umount /tmp");
});

test("a Python that cannot run is told", async () => {
  await script("chmod a-x /usr/bin/python3.13");
  expect(await trial.failing(role("root"))).toMatch(
    /did not run the agent \(exit code 126\): .*[Pp]ermission denied.*that python3 works there/,
  );
  await script("chmod a+x /usr/bin/python3.13");
});
