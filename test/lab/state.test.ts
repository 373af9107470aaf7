/**
 * The state of a stack in an S3 bucket that a team shares: two people at once, an `up` that is killed, a bucket that
 * goes away.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Trial } from "./host-program/trial";
import { until } from "./intranet";
import { ObjectStore } from "./object-store";
import { exec, execOk } from "./support";
import { TrialStack, UP } from "./trial";

jest.setTimeout(600_000);

const store = new ObjectStore();
const trial = new TrialStack("trial", undefined, store.environment);
const script = async (text: string) => (await exec("home", ["sh", "-c", text])).stdout.trim();

const GO = "/run/trial-go";
/** A role with one file. `held`: its `up` waits on the host until the test lets it go on. */
const role = (text: string, held = false): Trial["roles"][string] => ({
  files: { [`/etc/trial/${text.split(" ")[0]}.conf`]: { content: `${text}\n` } },
  probes: held ? [{ command: ["test", "-e", GO], timeoutSeconds: 300, description: "the test lets it go on" }] : [],
});
const held = (file: string) =>
  until(`${file} is there`, async () => (await script(`cat /etc/trial/${file}`)) !== "", 120);

/** The locks that lie in the bucket, as Pulumi writes them. */
const locks = (): { pid: number; username: string; hostname: string }[] => {
  const folder = join(store.objects, ".pulumi/locks/organization/host-trial", trial.name);
  if (!existsSync(folder)) return [];
  return readdirSync(folder).map((name) => JSON.parse(readFileSync(join(folder, name), "utf8")));
};

beforeAll(async () => {
  await store.start();
  await trial.init();
}, 600_000);
afterEach(() => execOk("home", ["rm", "-f", GO]));
afterAll(async () => {
  await trial.remove();
  await store.remove();
  await execOk("home", ["rm", "-rf", "/etc/trial"]);
});

test("the bucket holds no secret in clear, and nothing of it opens without the passphrase", async () => {
  const roles = { one: { files: { "/etc/trial/key.conf": { content: "{{key}}\n", secret: true } } } };
  await trial.ok(UP, roles);
  const secret = await script("cat /etc/trial/key.conf");
  expect(secret).toHaveLength(44);
  const holds = (text: string) => {
    try {
      return execFileSync("grep", ["-rlF", "--", text, store.objects], { encoding: "utf8" });
    } catch {
      return ""; // grep's exit code 1: nowhere
    }
  };
  expect(holds("/etc/trial/key.conf")).toMatch(/\.pulumi\/stacks\/host-trial\/trial\.json/);
  expect(holds(secret)).toBe("");
  const wrong = { env: { PULUMI_CONFIG_PASSPHRASE: "wrong" } };
  const opened = await trial.stack(["stack", "output", "--show-secrets", "--json"], {}, wrong);
  expect([opened.code === 0, opened.stdout.includes(secret)]).toEqual([false, false]);
  expect(opened.stderr).toMatch(/incorrect passphrase/);
});

test("two people at once: the second is refused and told who is at it; both changes are made, one after the other", async () => {
  const first = trial.begin({ one: role("one of the first", true) });
  await held("one.conf");
  const [lock] = locks();
  const second = { one: role("one of the first"), two: role("two of the second") };
  const refused = await trial.failing(second);
  expect(refused).toMatch(/the stack is currently locked by 1 lock\(s\)/);
  expect(refused).toContain(`created by ${lock!.username}@${lock!.hostname} (pid ${lock!.pid}) at 20`);
  expect(refused).not.toContain(store.environment.AWS_SECRET_ACCESS_KEY);
  expect(await script("cat /etc/trial/two.conf")).toBe("");
  await execOk("home", ["touch", GO]);
  expect((await first.done).code).toBe(0);
  expect(locks()).toEqual([]);
  await trial.ok(UP, second);
  expect(await script("cat /etc/trial/one.conf /etc/trial/two.conf")).toBe("one of the first\ntwo of the second");
  await trial.ok(["preview", "--refresh", "--expect-no-changes"], second);
});

test("an up is killed: its lock stays and says whose it is; after `pulumi cancel` the next up goes on", async () => {
  const killed = trial.begin({ one: role("one that is killed", true) });
  await until(
    "the change is on the host",
    async () => (await script("cat /etc/trial/one.conf")).includes("killed"),
    120,
  );
  process.kill(locks()[0]!.pid, "SIGKILL");
  expect((await killed.done).code).not.toBe(0);
  await execOk("home", ["touch", GO]);
  const after = { one: role("one after that") };
  expect(await trial.failing(after)).toMatch(/locked by 1 lock\(s\)[^]*`pulumi cancel`[^]*\(pid \d+\)/);
  await trial.ok(["cancel", "--yes"], {});
  await trial.ok(UP, after);
  expect(await script("cat /etc/trial/one.conf")).toBe("one after that");
  await trial.ok(["preview", "--refresh", "--expect-no-changes"], after);
});

test("the bucket goes away in the middle of an up: the up fails, and the next one takes over what it had made", async () => {
  // No repetitions of the store's own client, which would make minutes of Pulumi's: there is no token in its bucket for
  // one.
  const env = { PULUMI_BACKEND_URL: `${store.environment.PULUMI_BACKEND_URL}&rate_limiter_capacity=1` };
  const cut = trial.begin({ one: role("one after that"), three: role("three without a record", true) }, { env });
  await held("three.conf");
  await store.stop();
  await execOk("home", ["touch", GO]);
  const { code, stdout, stderr } = await cut.done;
  expect(code).not.toBe(0);
  expect(stdout + stderr).toMatch(/connection refused/);
  expect(await script("cat /etc/trial/three.conf")).toBe("three without a record");
  await store.start();
  await trial.ok(["cancel", "--yes"], {});
  const roles = { one: role("one after that"), three: role("three with one") };
  await trial.ok(UP, roles);
  await trial.ok(["preview", "--refresh", "--expect-no-changes"], roles);
  await trial.ok(UP, { one: roles.one });
  expect(await script("ls /etc/trial")).toBe("one.conf");
});

test("two stacks change one host at once: the host lets one after the other", async () => {
  const other = new TrialStack("other", undefined, store.environment);
  await other.init();
  try {
    const first = trial.begin({ one: role("one more", true) });
    await until(
      "the first is on the host",
      async () => (await script("cat /etc/trial/one.conf")).includes("more"),
      120,
    );
    const second = other.begin({ four: role("four") });
    await second.said(/waiting for another transaction on this host/);
    expect(await script("cat /etc/trial/four.conf")).toBe("");
    await execOk("home", ["touch", GO]);
    expect((await first.done).code).toBe(0);
    expect((await second.done).code).toBe(0);
    expect(await script("cat /etc/trial/one.conf /etc/trial/four.conf")).toBe("one more\nfour");
  } finally {
    await other.remove();
  }
});
