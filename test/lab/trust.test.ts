/**
 * Host keys and login keys change while the way stays open; whoever shows an old key, or has an old one, is refused
 * from then on.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KEY_LABELS } from "../../lab/constants";
import { deriveSshKey } from "../../lab/keys";
import { ROOT, until } from "./intranet";
import { hetzner } from "./lifted";
import { exec, execOk, labOk, type Result, run } from "./support";

jest.setTimeout(400_000);
const PROGRAM = join(ROOT, "test/lab/enrol-program");
const [HUB, HOST] = ["trial-hub", "cabin"];
const folder = mkdtempSync(join(tmpdir(), "intranet-trust-"));
const UP = ["up", "--yes", "--skip-preview"];
const first = deriveSshKey(KEY_LABELS.operator).publicKey;
const second = deriveSshKey("second operator");
const SECOND_KEY = join(folder, "second");
/** What makes a command run with the second key alone. */
const AS_SECOND = { SSH_AUTH_SOCK: "", INTRANET_SSH_KEY: SECOND_KEY };

interface Trust {
  hub?: number;
  host?: number;
  operators?: string[];
  note?: string;
}
/** As the stack was last brought up. */
let trust: Trust = {};
let server: number;

const stack = (args: string[], wanted: Trust = trust, more: Record<string, string> = {}): Promise<Result> => {
  const { note = "first", ...keys } = wanted;
  const env = {
    PULUMI_BACKEND_URL: `file://${folder}`,
    TRIAL_HOST: HOST,
    TRIAL_NOTE: note,
    TRIAL_TRUST: JSON.stringify(keys),
    ...more,
  };
  const argv = ["pulumi", ...args, "--cwd", PROGRAM, "--stack", "trial", "--non-interactive"];
  return run(argv, { env, timeoutSeconds: 380 });
};
const ok = async (...args: Parameters<typeof stack>): Promise<string> => {
  const { code, stdout, stderr } = await stack(...args);
  if (code !== 0) throw new Error(`pulumi ${args[0].join(" ")}: ${code}\n${stdout}\n${stderr}`);
  return stdout + stderr;
};
const failing = async (...args: Parameters<typeof stack>): Promise<string> => {
  const { code, stdout, stderr } = await stack(...args);
  if (code === 0) throw new Error(`pulumi ${args[0].join(" ")} was to fail:\n${stdout}\n${stderr}`);
  return stdout + stderr;
};
const up = async (wanted: Trust, more: Record<string, string> = {}): Promise<string> => {
  const said = await ok(UP, wanted, more);
  trust = wanted;
  return said;
};
const output = async (name: string): Promise<any> =>
  JSON.parse(await ok(["stack", "output", "--json", "--show-secrets", name]));
const shownBy = async (host: string, file: string): Promise<string> =>
  (await execOk(host, ["ssh-keygen", "-y", "-f", file])).trim();
const HUB_KEY = "/etc/ssh/ssh_host_ed25519_key";
const HOST_KEY = "/etc/intranet/ssh/host_key";
const NOTHING_TO_DO = ["preview", "--refresh", "--expect-no-changes"];
const outcomes = async (host: string): Promise<string[]> =>
  (await execOk(host, ["ls", "/var/lib/intranet/outcomes"])).trim().split("\n");
/** Runs `during`; returns how many changes were made on a host meanwhile. */
const changesOn = async (host: string, during: () => Promise<unknown>): Promise<number> => {
  const before = await outcomes(host);
  await during();
  return (await outcomes(host)).filter((name) => !before.includes(name)).length;
};

beforeAll(async () => {
  writeFileSync(SECOND_KEY, second.privateKey, { mode: 0o600 });
  const env = { PULUMI_BACKEND_URL: `file://${folder}` };
  await run(["pulumi", "stack", "init", "trial", "--cwd", PROGRAM, "--non-interactive"], { env });
  await up({});
  const script = (await output("enrol"))[HOST];
  const joined = await exec(HOST, ["sh"], { stdin: script, timeoutSeconds: 180 });
  if (joined.code !== 0) throw new Error(joined.stdout + joined.stderr);
  await up({});
  server = (await hetzner(`/servers?name=${HUB}`)).servers[0].id;
});
afterAll(async () => {
  await stack(["destroy", "--yes", "--skip-preview"]);
  rmSync(folder, { recursive: true, force: true });
});

test("a new server shows the key of its user data only until the first role is there", async () => {
  const { deployment } = JSON.parse(await ok(["stack", "export"]));
  const key = (name: string) =>
    deployment.resources.find(({ urn }: any) => urn.endsWith(`::${name}`)).outputs.publicKey;
  expect(key("trial-first-host-key")).not.toBe(key("trial-host-key"));
  expect(await shownBy(HUB, HUB_KEY)).toBe(key("trial-host-key"));
  expect(await output("hostKeys")).toEqual({ hub: key("trial-host-key"), host: await shownBy(HOST, HOST_KEY) });
  await ok(NOTHING_TO_DO);
});

test("another version of both host keys: the preview says what it is, one change a host does it, no other key passes", async () => {
  const wanted = { hub: 2, host: 2 };
  const before = await output("hostKeys");
  const preview = await ok(["preview", "--diff"], wanted);
  expect(preview).toMatch(/the host gets another SSH host key, which role sinkhole-ssh installs/);
  expect(preview).toMatch(/cabin: the host gets another SSH host key, which role intranet-ssh installs/);
  expect(preview).toMatch(
    /a pinned SSH host key on the way there is another one. Roles with no other change only note it/,
  );
  let changes: number[] = [];
  const onHost = await changesOn(HOST, async () => {
    changes = [await changesOn(HUB, () => up(wanted))];
  });
  expect([...changes, onHost]).toEqual([1, 1]);
  const after = await output("hostKeys");
  expect(after).toEqual({ hub: await shownBy(HUB, HUB_KEY), host: await shownBy(HOST, HOST_KEY) });
  for (const at of ["hub", "host"]) expect(after[at]).not.toBe(before[at]);
  expect((await hetzner(`/servers?name=${HUB}`)).servers[0].id).toBe(server);
  await ok(NOTHING_TO_DO);
});

/** Runs `during` while a host shows another key in the place of its own. */
async function withKey(host: string, file: string, key: string, during: () => Promise<void>): Promise<void> {
  const own = await execOk(host, ["cat", file]);
  const put = (text: string) => exec(host, ["sh", "-c", 'cat > "$1"', "sh", file], { stdin: text });
  const reload = () => (host === HUB ? execOk(host, ["systemctl", "reload", "ssh.service"]) : Promise.resolve(""));
  await put(key);
  await reload();
  try {
    await during();
  } finally {
    await put(own);
    await reload();
  }
}

test("a host that shows an old key again is refused by every command, and told apart from its jump host", async () => {
  const { deployment } = JSON.parse(await ok(["stack", "export", "--show-secrets"]));
  const userData = JSON.parse(
    deployment.resources.find(({ urn }: any) => urn.endsWith("::trial-first-host-key")).outputs.privateKey.plaintext,
  ) as string;
  const prints = /shows another host key than the pinned one: shown SHA256:[A-Za-z0-9+/]{43}, pinned SHA256:/;
  const hub = await output("hub4");
  await withKey(HUB, HUB_KEY, userData, async () => {
    for (const command of [NOTHING_TO_DO, UP]) {
      const said = await failing(command, { ...trust, note: "not written" });
      expect(said).toMatch(prints);
      expect(said).toMatch(new RegExp(`trial-hub \\(${hub.replaceAll(".", "\\.")}\\) shows another host key`));
      expect(said).not.toMatch(/cabin \(.*\) shows another host key/);
      expect(said).toMatch(/connection\.hostKeys: \["ssh-ed25519 /);
    }
  });
  await withKey(HOST, HOST_KEY, second.privateKey, async () => {
    const said = await failing(UP, { ...trust, note: "not written" });
    expect(said).toMatch(prints);
    expect(said).toMatch(/cabin \(10\.31\.255\.2:2222 via trial-hub\) shows another host key/);
  });
  expect(await execOk(HOST, ["cat", "/etc/trial-note"])).toBe("first\n");
  await ok(NOTHING_TO_DO);
});

const mayLogIn = async (address: string, env: Record<string, string>): Promise<boolean> => {
  const options = ["-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"];
  const identity = env["INTRANET_SSH_KEY"] ? ["-o", "IdentitiesOnly=yes", "-i", env["INTRANET_SSH_KEY"]] : [];
  return (await run(["ssh", ...options, ...identity, `root@${address}`, "true"], { env })).code === 0;
};

test("a login key is changed in two steps, which the preview counts; a key that is out is out everywhere", async () => {
  const hub = await output("hub4");
  const both = { ...trust, operators: [first, second.publicKey] };
  expect(await mayLogIn(hub, AS_SECOND)).toBe(false);
  expect(await ok(["preview"], both)).toMatch(/comes beside what is there.*step 1 of 2/);
  await up(both);
  expect(await mayLogIn(hub, AS_SECOND)).toBe(true);
  await ok(NOTHING_TO_DO, both, AS_SECOND);

  // The key that this very update runs with is to go: the host takes it back.
  const own = { ...trust, operators: [second.publicKey] };
  const said = await failing(UP, own);
  expect(said).toMatch(/no new connection got in within 60 s: .* did not accept the operator's SSH key/);
  expect(said).toMatch(/The host undid it by itself and answers as before/);
  expect(await mayLogIn(hub, {})).toBe(true);

  expect(await ok(["preview"], own, AS_SECOND)).toMatch(/ goes\. .*step 2 of 2/);
  await up(own, AS_SECOND);
  expect([await mayLogIn(hub, {}), await mayLogIn(hub, AS_SECOND)]).toEqual([false, true]);
  expect(await failing(UP, { ...own, note: "not written" })).toMatch(
    /cabin .* did not accept the operator's SSH key|did not accept the operator's SSH key/,
  );
  expect((await hetzner(`/servers?name=${HUB}`)).servers[0].id).toBe(server);
  await ok(NOTHING_TO_DO, own, AS_SECOND);
  // In one step: the update runs with a key that may log in afterwards.
  expect(await up({ ...trust, operators: [first] }, AS_BOTH())).toMatch(/comes and SHA256:.* goes in one step/);
  await ok(NOTHING_TO_DO);
});

/** The agent has the first key; the file is the second's. */
function AS_BOTH(): Record<string, string> {
  return { INTRANET_SSH_KEY: SECOND_KEY };
}

test("rotated, deleted at the provider, refreshed: the next up makes a new server, takes the first key there once and never again", async () => {
  await up({ ...trust, hub: 3 });
  await hetzner(`/servers/${server}/actions/change_protection`, "POST", { delete: false, rebuild: false });
  await hetzner(`/servers/${server}`, "DELETE");
  await until("the server is gone", async () => (await hetzner(`/servers?name=${HUB}`)).servers.length === 0, 30);
  await ok(["refresh", "--yes"]);
  await up(trust);
  const next = (await hetzner(`/servers?name=${HUB}`)).servers[0].id;
  expect(next).not.toBe(server);
  expect(await shownBy(HUB, HUB_KEY)).toBe((await output("hostKeys")).hub);
  await labOk(["status"]);
  await until("nothing is left to do", async () => (await stack(NOTHING_TO_DO)).code === 0, 120);
});
