/**
 * Changes by hand to every kind of thing that a role owns: a refresh says them, an `up` mends them and touches nothing
 * else.
 */
import { DRIFT_ROWS, ROLES, TOUCHED } from "./drift-rows";
import { exec, execOk } from "./support";
import { checksums, traces } from "./traces";
import { TrialStack, UP } from "./trial";

jest.setTimeout(300_000);

const HOST = "home";
/** Beside a unit that the role owns: what its owner has put there before, and what another hand adds. */
const OVERRIDES = "/etc/systemd/system/drift-override.service.d";
const trial = new TrialStack();
const script = async (text: string) => (await exec(HOST, ["sh", "-c", text])).stdout.trim();

/** Runs one script for each row in one call; returns what each has printed. */
async function eachRow(pick: (row: (typeof DRIFT_ROWS)[number]) => string): Promise<string[]> {
  const loop = 'for line; do sh -c "$line" 2>&1; printf "\\n--row--\\n"; done';
  return (await execOk(HOST, ["sh", "-c", loop, "sh", ...DRIFT_ROWS.map(pick)])).split("\n--row--\n").slice(0, -1);
}

/** Files that a change of packages or accounts, or the host layer's own records, write anew. */
const RECORDS =
  /^\/var\/lib\/(intranet\/|dpkg|apt|systemd)|^\/etc\/(passwd|group|shadow|gshadow|subuid|subgid)-?$|^\/etc\/ld\.so\.cache$/;

const STARTED = `systemctl show -p Id -p InvocationID '*.service' | awk 'BEGIN { RS = "" } { print $1, $2 }' | sort`;
/** Services that systemd starts and ends by itself. */
const FLEETING = /Id=(systemd-(hostnamed|timedated|localed|tmpfiles|userdb)|session|ssh@|apt-daily|dpkg-db)/;

/** What the host is like apart from that: files, kernel, accounts, and when each service was started. */
async function whole(): Promise<Record<string, unknown>> {
  const files = Object.entries(await checksums(HOST)).filter(([path, is]) => !RECORDS.test(path) && is !== "absent");
  const started = (await script(STARTED)).split("\n").filter((line) => !FLEETING.test(line));
  const accounts = await script("getent passwd | sort; getent group | sort");
  return {
    files: Object.fromEntries(files),
    started,
    accounts,
    traces: (await traces(HOST)).replace(/^.* \/var\/lib\/intranet\/.*\n/gm, ""),
  };
}

/** The same without the units that were changed: those may have started anew. */
async function wholeButTouched(): Promise<object> {
  const { started, ...rest } = await whole();
  const untouched = (started as string[]).filter((line) => !TOUCHED.some((name) => line.includes(`Id=${name}`)));
  expect(untouched.filter((line) => line.includes("Id=drift-"))).toHaveLength(2);
  return { ...rest, untouched };
}

let untouched: string;
beforeAll(async () => {
  await trial.init();
  await script(`mkdir -p ${OVERRIDES}; printf '[Service]\\nNice=3\\n' >${OVERRIDES}/10-owner.conf`);
  untouched = await traces(HOST);
});
afterAll(async () => {
  await trial.remove();
  await script(
    "rm -rf /etc/drift /var/tmp/drift-below /run/drift /etc/systemd/system/drift-*; systemctl daemon-reload",
  );
});

test("every kind at once: said by refresh, mended by one up, and nothing else is touched", async () => {
  await trial.ok(UP, ROLES);
  const good = await wholeButTouched();
  const before = await eachRow(({ look }) => look);
  const secret = await script("sed -n 's/PrivateKey = //p' /etc/drift/secret");
  expect(secret).toHaveLength(44);
  await eachRow(({ hand }) => hand);
  const during = await eachRow(({ look }) => look);
  expect(DRIFT_ROWS.filter((_row, index) => before[index] === during[index])).toEqual([]);

  const refreshed = await trial.ok(["refresh", "--yes", "--diff"], ROLES);
  expect(DRIFT_ROWS.filter(({ words }) => !words.test(refreshed)).map(({ words }) => String(words))).toEqual([]);
  expect(refreshed).not.toContain(secret);
  expect(refreshed).not.toContain("handmade-other-secret");

  const previewed = await trial.ok(["preview", "--diff"], ROLES);
  expect(previewed).toMatch(/-\s*2nd\n\s*\+\s*second\n/);
  expect(previewed).not.toContain(secret);
  const said = await trial.ok(UP, ROLES);
  expect(said).toMatch(
    /drift-override\.service\.d\/hand\.conf stood there before role trial-services; a copy is kept as/,
  );
  const after = await eachRow(({ look }) => look);
  expect(DRIFT_ROWS.map(({ hand }, index) => [hand, after[index]])).toEqual(
    DRIFT_ROWS.map(({ hand }, index) => [hand, before[index]]),
  );
  await script("rm -rf /var/tmp/drift-below /etc/drift/moved");
  expect(await wholeButTouched()).toEqual(good);
  await trial.ok(["preview", "--refresh", "--expect-no-changes"], ROLES);
});

test("one line of one file: an up touches that file, and starts no unit anew", async () => {
  const before = await whole();
  await script("echo third >>/etc/drift/content");
  expect(await trial.ok(["refresh", "--yes"], ROLES)).toMatch(
    /drift\/content: its content was changed, lines gone: 0, new: 1/,
  );
  await trial.ok(UP, ROLES);
  expect(await whole()).toEqual(before);
});

test("an up that verifies and changes in one pass says what it has found, mends it, and touches nothing else", async () => {
  const before = await whole();
  await script("echo third >>/etc/drift/content");
  const said = await trial.ok([...UP, "--refresh", "--run-program"], ROLES);
  expect(said).toMatch(/drift\/content: its content was changed, lines gone: 0, new: 1/);
  expect(await whole()).toEqual(before);
});

/**
 * Of every unit that systemd knows, and some that it does not, those that differ; and whether without D-Bus the answer
 * is systemctl's.
 */
const COMPARE = `
import sys
sys.path.insert(0, "/var/lib/intranet/agent.pyz")
import bus, commands, json, units
known = commands.query(["systemctl", "list-units", "--all", "--plain", "--no-legend"]).splitlines()
names = ["no-such.service", "9x@a-b.service", "sshd.service", *(line.split()[0] for line in known)]
differ = names
for _ in range(3):  # what changes meanwhile is asked again
    by_bus, by_systemctl = units.told_by_bus(differ), units.told_by_systemctl(differ)
    differ = [name for name in differ if by_bus[name] != by_systemctl[name]]
    if not differ:
        break
bus.SOCKET = "/nowhere"
without = units.states(["ssh.service"])
print(json.dumps([len(names), differ, without == units.told_by_systemctl(["ssh.service"]), without["ssh.service"]["load"]]))
`;

test("units are over D-Bus what they are for systemctl, which is asked where there is no D-Bus", async () => {
  const [count, ...found] = JSON.parse(await execOk(HOST, ["python3", "-ISB", "-c", COMPARE])) as unknown[];
  expect(count).toBeGreaterThan(100);
  expect(found).toEqual([[], true, "loaded"]);
});

test("deleting leaves the host as it was, units that are masked by now too, with what the other hand had put beside the units", async () => {
  await script("systemctl mask drift-mask; systemctl mask --runtime drift-stop");
  await trial.ok(["destroy", "--yes", "--skip-preview"], {});
  expect(await script(`cat ${OVERRIDES}/hand.conf`)).toContain("Nice=7");
  await script(`rm -rf /etc/drift ${OVERRIDES}/hand.conf /etc/systemd/system/drift-gone.service`);
  expect(await traces(HOST)).toBe(untouched);
});
