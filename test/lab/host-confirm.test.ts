/**
 * Commit confirmed: changes that cut the way in are undone by the hosts themselves, also when nobody is left to ask for
 * it. Five hosts at once: a firewall, sshd, a default route, an address, and the tunnel through which a host is
 * managed.
 */
import type { ConnectionArgs } from "pulumi-intranet/host";
import { KEY_LABELS } from "../../lab/constants";
import { deriveSshKey } from "../../lab/keys";
import type { TrialTunnel } from "./host-program/trial";
import { hostState, leftovers, openTransaction } from "./host-state";
import { until } from "./intranet";
import { gate, labName, LockOuts, PREFIX, SECONDS, SERVERS, type ServerName } from "./lock-outs";
import { makeManagedServers, removeManagedServers } from "./servers";
import { execOk, labOk } from "./support";
import { TrialStack, UP } from "./trial";

jest.setTimeout(600_000);

const HOSTS = [...SERVERS, "home"];
const ALL = [...UP, "--continue-on-error"];

const trial = new TrialStack();
let servers: Record<ServerName, ConnectionArgs>;
let lockOuts: LockOuts;
let before: Record<string, string>;

const tunnel = (more: Partial<TrialTunnel> = {}) => ({
  tunnel: { server: servers.far, through: true, mtu: 1412, ...more },
});
const states = async (hosts: readonly string[]) =>
  Object.fromEntries(await Promise.all(hosts.map(async (host) => [host, await hostState(labName(host))] as const)));

/** Waits until every host has made its change and awaits its confirmation. */
const armed = (hosts: readonly string[]) =>
  Promise.all(
    hosts.map((host) =>
      until(
        `${host} awaits the confirmation`,
        async () => (await openTransaction(labName(host)))?.state === "awaiting",
        180,
      ),
    ),
  );

/** Every host is as it was, and nothing of a transaction is left on it. */
async function asBefore(hosts: readonly string[] = HOSTS): Promise<void> {
  for (const host of hosts) {
    await until(
      `${host} has no open transaction`,
      async () => (await openTransaction(labName(host))) === undefined,
      180,
    );
    const ended = async () => (await leftovers(labName(host))) === "";
    await until(`nothing of a transaction is left on ${host}`, ended, 30);
  }
  const now = await states(hosts);
  for (const host of hosts) expect(`${host}\n${now[host]}`).toBe(`${host}\n${before[host]}`);
}

/**
 * Whether `up` says why a role was not made, and that its host undid it; also when the connection died with the change.
 */
function explains(said: string, role: string, seconds: number, reason = ""): void {
  const shut = `the change was applied, but no new connection got in within ${seconds} s: ${reason}[^]*?`;
  const lost = `[^\\n]*; the host undid the change: nobody confirmed it over a new connection within ${seconds} s. `;
  const undone = "The host undid it by itself and answers as before";
  const left = "The host was left as it was before";
  expect(said).toMatch(new RegExp(`role ${role} on [^:]*: (${shut}${undone}|${lost}${left})`));
}

/** The next correct `up`, with a change in it, succeeds; a second preview that looks at every host is empty. */
async function goesOn(line: number): Promise<void> {
  await trial.ok(ALL, lockOuts.good(line), tunnel({ mtu: 1412 - line }));
  await trial.ok(["preview", "--refresh", "--expect-no-changes"], lockOuts.good(line), tunnel({ mtu: 1412 - line }));
  before = await states(HOSTS);
}

beforeAll(async () => {
  const made = await makeManagedServers(SERVERS.length, PREFIX);
  servers = Object.fromEntries(
    SERVERS.map((name, index) => [name, { address: made[index]!.ipv4, hostKeys: [made[index]!.hostKey], name }]),
  ) as typeof servers;
  lockOuts = await LockOuts.of(servers);
  await trial.init();
  await trial.ok(ALL, lockOuts.good(0), tunnel({ through: false }));
  await goesOn(1);
});
afterAll(async () => {
  await trial.stack(["cancel", "--yes"], {});
  await trial.stack(ALL, lockOuts.good(1), tunnel({ through: false }));
  await trial.remove();
  await removeManagedServers(SERVERS.length, PREFIX);
});

test("each is undone by its host within its time, up says why, and the next up goes on", async () => {
  const { code, stdout, stderr } = await trial.stack(ALL, lockOuts.bad(0), tunnel({ wrongPeer: true, mtu: 1411 }));
  expect(code).not.toBe(0);
  const said = stdout + stderr;
  const why = (role: string, seconds: number, reason?: string) => explains(said, role, seconds, reason);
  why("trial-wall", 60, "wall \\([^)]*\\) did not answer in time");
  why("trial-login", 60, "login \\([^)]*\\) did not accept the operator's SSH key for user root");
  why("trial-nowhere", SECONDS);
  why("trial-home", SECONDS);
  why("tunnel-wg-trial", 60);
  await asBefore();
  await goesOn(2);
});

test("with the machine that runs Pulumi dead at that moment, every host undoes its change; the next up goes on", async () => {
  // Not home: far is reached through it, and all are to be armed at the same time.
  const roles = { ...lockOuts.good(2), ...pick(lockOuts.bad(1), ["wall", "login", "nowhere"]) };
  const going = trial.stack(ALL, roles, tunnel({ wrongPeer: true, mtu: 1410 }));
  await armed(SERVERS);
  trial.kill();
  await going;
  await asBefore();
  await trial.ok(["cancel", "--yes"], {});
  await goesOn(3);
});

test("a host that loses its power while the timer is armed starts with the old state, before its network; the next up goes on", async () => {
  const cut = ["wall", "login", "nowhere"];
  const going = trial.stack(ALL, { ...lockOuts.good(3), ...pick(lockOuts.bad(2), cut) }, tunnel({ mtu: 1409 }));
  await armed(cut);
  await Promise.all(cut.map((host) => labOk(["reset", labName(host)])));
  const { code, stdout, stderr } = await going;
  expect(code).not.toBe(0);
  for (const host of cut) {
    expect(stdout + stderr).toMatch(new RegExp(`role trial-${host} on ${host} [^]*?(undid|undone)`));
    await execOk(labName(host), ["grep", "-rl", "and undid it at boot", "/var/lib/intranet/outcomes"]);
  }
  await asBefore(cut);
  const when = async (unit: string, moment: string) =>
    Number(await execOk(labName("wall"), ["systemctl", "show", "--value", `--property=${moment}`, unit]));
  const undone = await when("intranet-recover", "ExecMainExitTimestampMonotonic");
  expect(undone).toBeGreaterThan(0);
  expect(undone).toBeLessThan(await when("intranet-firewall", "ExecMainStartTimestampMonotonic"));
  await goesOn(4);
});

test("a jump host that locks everybody out holds up those behind it, and no longer than that", async () => {
  const behind = {
    ...servers.wall,
    via: { address: "10.20.0.10", hostKeys: [deriveSshKey(KEY_LABELS.homeHostKey).publicKey] },
  };
  const roles = lockOuts.good(5);
  roles["wall"] = { ...roles["wall"]!, connection: behind, probes: [{ command: ["sleep", "4"], timeoutSeconds: 10 }] };
  const { code, stdout, stderr } = await trial.stack(ALL, { ...roles, gate: gate(true) }, tunnel({ mtu: 1408 }));
  expect(code).not.toBe(0);
  const said = stdout + stderr;
  explains(said, "trial-gate", SECONDS);
  expect(said).not.toMatch(/role trial-wall on/);
  expect(await execOk(labName("wall"), ["nft", "list", "ruleset"])).toContain("udp dport 40005 drop");
  expect(await leftovers("home")).toBe("");
  await trial.ok(ALL, { ...roles, gate: gate(false) }, tunnel({ mtu: 1407 }));
  await trial.ok(
    ["preview", "--refresh", "--expect-no-changes"],
    { ...roles, gate: gate(false) },
    tunnel({ mtu: 1407 }),
  );
});

function pick<T>(all: Record<string, T>, names: readonly string[]): Record<string, T> {
  return Object.fromEntries(names.map((name) => [name, all[name]!]));
}
