/**
 * What a preview does with hosts: it changes nothing there, not even where Python is missing, and says before an `up`
 * what would stop it. On a server of its own, which is spoilt in every way.
 */
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ConnectionArgs } from "pulumi-intranet/host";
import { KEY_LABELS } from "../../lab/constants";
import { deriveSshKey } from "../../lab/keys";
import type { Trial } from "./host-program/trial";
import { until } from "./intranet";
import { makeManagedServers, removeManagedServers } from "./servers";
import { execOk } from "./support";
import { TrialStack, UP } from "./trial";

jest.setTimeout(300_000);

const HOST = "look-1";
const stranger = deriveSshKey("stranger");
const folder = mkdtempSync(join(tmpdir(), "intranet-look-"));
const trial = new TrialStack();
const other = new TrialStack("other");
const script = async (text: string) => (await execOk(HOST, ["sh", "-c", text])).trim();
let server: ConnectionArgs;

/** Packages and all of /var, each file with its time; but for what a login and the clock write. */
const everything = () =>
  script(
    "dpkg-query -W; find /var -xdev -not -path '/var/log/*' -not -path '/var/lib/systemd/*' -not -path '/var/lib/lastlog/*' " +
      "-printf '%p %y %m %s %T@\\n' | sort; find /etc /usr/bin /usr/local /root -xdev -newermt '2020-01-01' -printf '%p %s %T@\\n' | sort",
  );
/** Times that anybody has logged in. */
const logins = async () =>
  Number(await script("journalctl -o cat -t sshd -t sshd-session | grep -c '^Accepted publickey' || true"));

/** Three roles on the server. */
const roles = (more: Partial<ConnectionArgs> = {}, app: object = {}): Trial["roles"] => {
  const connection = { ...server, ...more };
  const file = (name: string) => ({ [`/etc/look/${name}`]: { content: `${name}\n` } });
  return {
    app: { connection, files: file("app"), ...app },
    second: { connection, files: file("second") },
    third: { connection, files: file("third") },
  };
};
/** A preview's exit code and words. */
async function preview(what: Trial["roles"], env: object = {}): Promise<{ code: number; said: string }> {
  const { code, stdout, stderr } = await trial.stack(["preview"], what, { env });
  return { code, said: stdout + stderr };
}
/** An SSH agent with these keys, in this order, while `use` runs. */
async function withAgent<T>(keys: readonly { privateKey: string }[], use: (socket: string) => Promise<T>): Promise<T> {
  const socket = join(folder, "agent.sock");
  const agent = spawn("ssh-agent", ["-D", "-a", socket], { stdio: "ignore" });
  try {
    await until("the agent answers", async () => existsSync(socket), 10);
    for (const { privateKey } of keys)
      execFileSync("ssh-add", ["-q", "-"], { input: privateKey, env: { ...process.env, SSH_AUTH_SOCK: socket } });
    return await use(socket);
  } finally {
    agent.kill();
    rmSync(socket, { force: true });
  }
}

/** How often the engine's list of what was said has such words; it shows them while it works as well. */
const count = (text: string, words: RegExp) =>
  text.slice(text.indexOf("\nDiagnostics:")).match(new RegExp(words, "g"))?.length ?? 0;

beforeAll(async () => {
  const [made] = await makeManagedServers(1, "look");
  server = { address: made!.ipv4, hostKeys: [made!.hostKey], name: "look" };
  writeFileSync(join(folder, "stranger"), stranger.privateKey, { mode: 0o600 });
  await trial.init();
  await other.init();
  await script("apt-get -q update && apt-get -q -y install sudo jq");
});
afterAll(async () => {
  await trial.remove();
  await other.remove();
  await removeManagedServers(1, "look");
  rmSync(folder, { recursive: true });
});

describe("on a host without Python", () => {
  // What is named python3 goes; the interpreter itself stays, under its versioned name, and nobody looks for that.
  const purge = "DEBIAN_FRONTEND=noninteractive apt-get -q -y purge python3 python3-minimal && ! command -v python3";

  test("a preview changes nothing and says that it will be installed, once; the update installs it", async () => {
    await script(purge);
    const before = await everything();
    const words = /look \([^)]*\): python3 is not on this host; it will be installed/;
    expect(count(await trial.ok(["preview"], roles()), words)).toBe(1);
    const shown = await trial.ok(["preview", "--diff"], roles());
    expect(shown).toMatch(words);
    expect(shown).not.toMatch(/installing/);
    expect(await everything()).toBe(before);
    expect(await trial.ok(UP, roles())).toMatch(/installing python3, which the host lacks/);
    await trial.ok(["preview", "--refresh", "--expect-no-changes"], roles());
    expect(await script("command -v python3; cat /etc/look/app")).toBe("/usr/bin/python3\napp");
  });

  test("a refresh changes nothing either: its roles could not be looked at, and the update mends that", async () => {
    await script(purge);
    const before = await everything();
    const said = await trial.ok(["refresh", "--yes", "--skip-preview"], roles());
    for (const name of ["app", "second", "third"])
      expect(said).toMatch(new RegExp(`python3 is not on this host any more, so role trial-${name} was not looked at`));
    const shown = await trial.ok(["preview", "--diff"], roles());
    expect(shown).toMatch(/python3 is not on the host any more/);
    expect(shown).toMatch(/it will be installed/);
    expect(await everything()).toBe(before);
    expect(await trial.ok(UP, roles())).toMatch(/installing python3/);
    await trial.ok(["preview", "--refresh", "--expect-no-changes"], roles());
  });
});

describe("a host that answers and cannot be managed ends the preview", () => {
  const refused = async (words: RegExp, what: Trial["roles"], env: object = {}) => {
    const { code, said } = await preview(what, env);
    expect([code !== 0, said]).toEqual([true, expect.stringMatching(words)]);
    expect(said).toMatch(/INTRANET_LOOK=off/);
    // What the way out says: then it is an update's own affair.
    expect((await preview(what, { ...env, INTRANET_LOOK: "off" })).code).toBe(0);
  };
  const changed = { files: { "/etc/look/app": { content: "changed\n" } } };

  test("for the wrong key, host key and user, also where a role is only changed", async () => {
    const wrong = { SSH_AUTH_SOCK: "", INTRANET_SSH_KEY: join(folder, "stranger") };
    await refused(
      /look \([^)]*\) did not accept the operator's SSH key for user root; give the right one/,
      roles({}, changed),
      wrong,
    );
    await refused(/did not accept the operator's SSH key for user nobody/, roles({ user: "nobody" }));
    const { app, ...rest } = roles();
    const stolen = {
      ...app,
      connection: { ...server, name: "stolen", hostKeys: [stranger.publicKey], address: server.address },
    };
    await refused(/stolen \([^)]*\) shows another host key than the pinned one/, {
      app: rest["second"]!,
      new: stolen,
    } as never);
  });

  test("for sudo with a password; without one it is managed", async () => {
    await script(
      "useradd -m -s /bin/sh pi; install -d -o pi ~pi/.ssh; cp /root/.ssh/authorized_keys ~pi/.ssh/; chown pi ~pi/.ssh/*; echo 'pi ALL=(ALL) ALL' >/etc/sudoers.d/pi",
    );
    const fresh = { new: { connection: { ...server, user: "pi" }, files: { "/etc/look/new": { content: "x" } } } };
    await refused(/look \([^)]*\): user pi needs sudo without a password/, { ...roles(), ...fresh });
    await script("echo 'pi ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/pi");
    expect((await preview({ ...roles(), ...fresh })).code).toBe(0);
    await script("rm /etc/sudoers.d/pi");
  });

  test("for another stack's role", async () => {
    const theirs = { theirs: { connection: server, files: { "/etc/look/theirs": { content: "x" } } } };
    await other.ok(UP, theirs);
    await refused(/role trial-theirs on this host belongs to host-trial\/other\/theirs/, { ...roles(), ...theirs });
    await other.ok(UP, {});
    expect((await preview({ ...roles(), ...theirs })).code).toBe(0);
  });

  test("for a package that apt does not have, and for too little room; apt's own are found", async () => {
    await refused(/no apt source of this host has no-such-package/, roles({}, { packages: ["jq", "no-such-package"] }));
    const before = await everything();
    expect((await preview(roles({}, { packages: ["jq", "nginx"] }))).code).toBe(0);
    expect(await everything()).toBe(before);
    await script("mkdir /srv/small; mount -t tmpfs -o size=64k tmpfs /srv/small");
    const big = (size: number) => roles({}, { files: { "/srv/small/file": { content: "x".repeat(size) } } });
    await refused(
      /\/srv\/small\/file cannot be written: the file system \/srv\/small .* has too little room/,
      big(100_000),
    );
    expect((await preview(big(1_000))).code).toBe(0);
    await script("umount /srv/small");
  });

  test("for a system that is not supported", async () => {
    await script(
      "cp --remove-destination /usr/lib/os-release /etc/os-release; sed -i 's/^VERSION_ID=.*/VERSION_ID=11/' /etc/os-release",
    );
    await refused(/it runs Debian .* on amd64; supported are Debian/, roles({}, changed));
    await script("ln -sf ../usr/lib/os-release /etc/os-release");
    expect((await preview(roles({}, changed))).code).toBe(0);
  });
});

test("a preview of a host's roles is one login, and none where nothing changes", async () => {
  const before = await logins();
  await trial.ok(["preview", "--expect-no-changes"], roles());
  expect(await logins()).toBe(before);
  const all = Object.entries(roles()).map(([name, role]) => [
    name,
    { ...role, links: { [`/etc/look/${name}-link`]: name } },
  ]);
  await trial.ok(["preview"], Object.fromEntries(all) as Trial["roles"]);
  expect(await logins()).toBe(before + 1);
});

describe("with an SSH agent of many keys and no key file", () => {
  const strangers = Array.from({ length: 13 }, (_, index) => deriveSshKey(`stranger ${index}`));
  const operator = deriveSshKey(KEY_LABELS.operator);
  const fresh = (more: Partial<ConnectionArgs>) => ({
    ...roles(),
    fresh: { connection: { ...server, ...more }, files: { "/etc/look/fresh": { content: "x" } } },
  });
  const env = (socket: string) => ({ SSH_AUTH_SOCK: socket, INTRANET_SSH_KEY: "" });

  test("the one that the stack knows gets in, though the server would end the login before it is its turn", () =>
    withAgent([...strangers, operator], async (socket) => {
      const { code, said } = await preview(fresh({ operatorKeys: [operator.publicKey] }), env(socket));
      expect([code, said]).toEqual([0, expect.not.stringMatching(/warning/)]);
    }));

  test("none that may get in is an error that counts them, and the server does not lock the operator out", async () => {
    const all = [...strangers, stranger];
    const { code, said } = await withAgent(all, (socket) => preview(fresh({}), env(socket)));
    expect([code !== 0, said]).toEqual([
      true,
      expect.stringMatching(
        /10 keys were offered and 4 of the agent's 14 were not, for a host locks out who offers many/,
      ),
    ]);
    expect(await preview(fresh({}))).toEqual({
      code: 0,
      said: expect.not.stringMatching(/takes no login now|warning/),
    });
  });
});

test("a host that is silent, or a runner without any key, is one warning", async () => {
  const fresh = Object.fromEntries(
    Object.entries(roles()).map(([name, role]) => [`${name}-more`, { ...role, files: {} }]),
  );
  const one = async (words: RegExp, env: object = {}) => {
    const { code, said } = await preview({ ...roles(), ...fresh }, env);
    expect([code, count(said, /warning: look/)]).toEqual([0, 1]);
    expect(said).toMatch(words);
  };
  await one(/warning: look .* was not looked at, .*no SSH key to log in with/, {
    SSH_AUTH_SOCK: "",
    INTRANET_SSH_KEY: "",
  });
  await script(
    "nft add table inet shut; nft 'add chain inet shut input { type filter hook input priority -10; tcp dport 22 drop; }'",
  );
  await one(/warning: look .* was not looked at, .*it did not answer within/);
  await script("nft delete table inet shut");
  expect(count((await preview({ ...roles(), ...fresh })).said, /warning/)).toBe(0);
});
