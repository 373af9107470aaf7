/**
 * What confirms a change that could lock everybody out: only a connection that is newer than the change and comes over
 * the same path.
 */
import { FIREWALL_RULES } from "../../components/host-identity/render";
import { quoteCommand } from "../../host/connection/quote";
import { FIXED_HOSTS } from "../../lab/constants";
import { leftovers, openTransaction } from "./host-state";
import { until } from "./intranet";
import { gate } from "./lock-outs";
import { exec, execOk, run } from "./support";
import { TrialStack, UP } from "./trial";

jest.setTimeout(400_000);

const HOME = FIXED_HOSTS.find(({ name }) => name === "home")!;
/** The agent that home keeps, for a request on stdin. */
const AGENT = [
  "python3",
  "-ISB",
  "-c",
  "import sys; sys.path.insert(0, '/var/lib/intranet/agent.pyz'); import main; " +
    "sys.exit(main.serve({'request': sys.stdin.buffer.read()}))",
];
const MASTER = "/run/intranet-confirm-master";
const OPTIONS = ["-o", "StrictHostKeyChecking=no", "-o", "LogLevel=ERROR", "-o", "ConnectTimeout=5"];
/** Seconds for the confirmation: the test opens the door again long before. */
const SECONDS = 240;

const OPEN = ["nft", "flush", "chain", "inet", "intranet", "input"];

const trial = new TrialStack();
let going: ReturnType<TrialStack["begin"]> | undefined;

beforeAll(async () => {
  await trial.init();
  await trial.ok(UP, { gate: gate(false, SECONDS) });
});
afterAll(async () => {
  await exec("home", OPEN); // also after a failure
  await going?.done;
  await run(["ssh", "-S", MASTER, "-O", "exit", "home"]);
  await trial.remove();
});

test("an old connection, another path and the console confirm nothing; a new connection over the same path does", async () => {
  const old = run(["ssh", "-M", "-S", MASTER, "-N", ...OPTIONS, `root@${HOME.ipv4}`], { timeoutSeconds: 350 });
  const overMaster = (command: string, stdin = "") =>
    run(["ssh", "-S", MASTER, "-o", "ProxyCommand=false", "home", command], { stdin });
  await until("the old connection stands", async () => (await overMaster("true")).code === 0);
  going = trial.begin({ gate: gate(true, SECONDS) });
  await until("home awaits it", async () => (await openTransaction("home"))?.state === "awaiting", 120);
  const { tx } = (await openTransaction("home"))!;
  const confirm = JSON.stringify({ action: "confirm", tx });

  // Each gets in, and is the agent's to judge.
  expect((await overMaster(quoteCommand(AGENT), confirm)).stdout).toMatch(
    /"ok": false.*no proof that the way in is open: its connection is older than the change/,
  );
  expect((await run(["ssh", ...OPTIONS, `root@${HOME.ipv6}`, quoteCommand(AGENT)], { stdin: confirm })).stdout).toMatch(
    new RegExp(`"ok": false.*it came in at ${HOME.ipv6} port 22, the change at ${HOME.ipv4} port 22`),
  );
  expect((await exec("home", AGENT, { stdin: confirm })).stdout).toMatch(/"ok": false.*it did not come over SSH/);
  expect((await openTransaction("home"))?.state).toBe("awaiting");

  // Somebody at the console opens the door. The provider is still trying, and its next new connection gets in.
  await execOk("home", OPEN);
  const { code, stdout, stderr } = await going.done;
  expect([code, stdout + stderr]).toEqual([0, stdout + stderr]);
  expect(await openTransaction("home")).toBeUndefined();
  await until("nothing of the transaction is left", async () => (await leftovers("home")) === "", 30);
  expect(await execOk("home", ["cat", FIREWALL_RULES])).toContain("tcp dport 22 drop");
  await run(["ssh", "-S", MASTER, "-O", "exit", "home"]);
  await old;
});
