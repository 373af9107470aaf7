/**
 * Twenty hosts in one up: one is off, one is slow, one has a full disk. The others converge, and each error names host
 * and reason.
 */
import { FIXED_HOSTS, KEY_LABELS } from "../../lab/constants";
import { deriveSshKey } from "../../lab/keys";
import type { Trial } from "./host-program/trial";
import { until } from "./intranet";
import { makeManagedServers, type ManagedServer, removeManagedServers } from "./servers";
import { exec, execOk, labOk, status } from "./support";
import { TrialStack, UP } from "./trial";

jest.setTimeout(900_000);

const COUNT = 19;
const PREFIX = "many";
const trial = new TrialStack();
let servers: ManagedServer[];
const names = () => ["home", ...servers.map(({ name }) => name)];
const home = {
  address: FIXED_HOSTS.find(({ name }) => name === "home")!.ipv4,
  hostKeys: [deriveSshKey(KEY_LABELS.homeHostKey).publicKey],
};
/** A role on each host: files, a unit. */
const roles = (text: string): Trial["roles"] =>
  Object.fromEntries(
    names().map((name) => {
      const server = servers.find((one) => one.name === name);
      const connection = { ...(server ? { address: server.ipv4, hostKeys: [server.hostKey] } : home), name };
      const files = {
        "/etc/trial/app.conf": { content: `${text}\n`.repeat(100) },
        "/etc/systemd/system/trial.service": { content: "[Service]\nExecStart=/bin/sleep infinity\n" },
      };
      return [
        name,
        { connection, files, units: { "trial.service": { enabled: false, restartOn: ["/etc/trial/app.conf"] } } },
      ];
    }),
  );
const text = async (host: string) => (await exec(host, ["head", "-1", "/etc/trial/app.conf"])).stdout.trim();
const logins = async (host: string) =>
  Number(
    await execOk(host, ["sh", "-c", "journalctl -q --no-pager -o cat -u ssh | grep -c '^Accepted publickey'; true"]),
  );
/** Runs a command, and says how large the largest of its processes became. */
const MEASURE = [
  "import resource, subprocess, sys",
  "code = subprocess.call(sys.argv[1:])",
  "print('largest process: %d MiB' % (resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024))",
  "sys.exit(code)",
].join("\n");
const wrap = ["python3", "-c", MEASURE];

beforeAll(async () => {
  await trial.init();
  servers = await makeManagedServers(COUNT, PREFIX);
});
afterAll(async () => {
  for (const { state, name } of (await status()).hosts)
    if (state === "off" && name.startsWith(PREFIX)) await labOk(["on", name]);
  await labOk(["mend", `${PREFIX}-2`]);
  await exec(`${PREFIX}-3`, ["umount", "/etc/trial"]);
  await trial.remove();
  await removeManagedServers(COUNT, PREFIX);
});

test("all of them, each over one connection and in bounded memory", async () => {
  const before = await Promise.all(names().map(logins));
  const said = await trial.ok(UP, roles("first"), { wrap });
  expect(await Promise.all(names().map(text))).toEqual(names().map(() => "first"));
  const after = await Promise.all(names().map(logins));
  expect(after.map((count, index) => count - before[index]!)).toEqual(names().map(() => 1));
  expect(Number(/largest process: (\d+) MiB/.exec(said)![1])).toBeLessThan(600);
});

test("one off, one slow, one full: the others converge, the errors name host and reason; so does refresh", async () => {
  const [off, slow, full] = [`${PREFIX}-1`, `${PREFIX}-2`, `${PREFIX}-3`] as const;
  await labOk(["off", off]);
  await labOk(["slow", slow, "--delay", "400ms", "--loss", "5%"]);
  await execOk(full, [
    "sh",
    "-c",
    "cp -a /etc/trial /run/trial && mount -t tmpfs -o size=8k,mode=755 trial /etc/trial && cp -a /run/trial/. /etc/trial",
  ]);
  // Without the option Pulumi begins nothing new after the first error.
  const updated = await trial.stack([...UP, "--continue-on-error"], roles("second"));
  expect(updated.code).not.toBe(0);
  const said = updated.stdout + updated.stderr;
  expect(said).toMatch(
    /many-1 \(198\.51\.100\.\d+\) (did not answer in time|is unreachable)[^\n]*; given up after \d+ attempts in 60 s/,
  );
  expect(said).toMatch(
    /role trial-many-3 on many-3 \(198\.51\.100\.\d+\): \/etc\/trial\/app\.conf cannot be written: the file system \/etc\/trial .* has too little room/,
  );
  const well = names().filter((name) => name !== off && name !== full);
  expect(await Promise.all(well.map(text))).toEqual(well.map(() => "second"));
  expect(await text(full)).toBe("first");
  const refreshed = await trial.stack(["refresh", "--yes"], roles("second"));
  expect(refreshed.code).not.toBe(0);
  expect(refreshed.stdout + refreshed.stderr).toMatch(/many-1 [^\n]*given up after \d+ attempts in 30 s/);

  await labOk(["on", off]);
  await labOk(["mend", slow]);
  await execOk(full, ["umount", "/etc/trial"]);
  await until(`${off} runs`, async () =>
    (await status()).hosts.some(({ name, state }) => name === off && state === "running"),
  );
  await trial.ok(UP, roles("second"));
  expect(await Promise.all(names().map(text))).toEqual(names().map(() => "second"));
  await trial.ok(["preview", "--refresh", "--expect-no-changes"], roles("second"));
});
