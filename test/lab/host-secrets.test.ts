/**
 * A role that fails while it holds a secret, and whose programs print it: no error, log, journal of ours or state shows
 * it.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TrialRole } from "./host-program/trial";
import { sample, TEMPORARY } from "./sampler";
import { execOk, exec } from "./support";
import { LOGGED, TrialStack, UP } from "./trial";

jest.setTimeout(400_000);

const KEY = "/etc/trial/key.conf";
/** Prints a file as it is, on both streams, and in the forms in which programs quote; then fails. */
const PRINT =
  'cat "$1"; cat "$1" >&2; sed -n "s/^key = //p" "$1" | tr -d "\\n" | base64 -w 0; python3 -c "import json,sys;print(json.dumps(open(sys.argv[1]).read()))" "$1"; exit 3';

const trial = new TrialStack();
const folder = mkdtempSync(join(tmpdir(), "intranet-secrets-"));
let secret: string;

const holder = (more: Partial<TrialRole>, comment = "one"): { app: TrialRole } => ({
  app: { ...more, files: { [KEY]: { content: `# ${comment}\nkey = {{key}}\n`, secret: true }, ...more.files } },
});

/** Everything below the operator's temporary folder. */
function temporaryFiles(): string {
  const paths = readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => join(folder, name));
  return paths.map((path) => (statSync(path).isFile() ? readFileSync(path, "utf8") : "")).join("\n");
}

beforeAll(async () => {
  await trial.init();
  await trial.ok(UP, holder({}));
  secret = JSON.parse(await trial.ok(["stack", "output", "--show-secrets", "--json"], {})).privateKey;
  expect(secret).toHaveLength(44);
  expect(await execOk("home", ["cat", KEY])).toContain(secret);
});
afterAll(async () => {
  await trial.remove();
  rmSync(folder, { recursive: true, force: true });
});

const UNIT = "trial-tells.service";
const FAILURES: Record<string, Partial<TrialRole>> = {
  "a check": { checks: [{ command: ["sh", "-c", PRINT, "check", { staged: KEY }] }] },
  "a probe": { probes: [{ command: ["sh", "-c", PRINT, "probe", KEY], timeoutSeconds: 1 }] },
  "a unit": {
    files: {
      [`/etc/systemd/system/${UNIT}`]: {
        content: `[Service]\nType=oneshot\nExecStart=/bin/sh -c 'cat ${KEY} >&2; exit 3'\n[Install]\nWantedBy=multi-user.target\n`,
      },
    },
    units: { [UNIT]: {} },
  },
};

test.each(Object.entries(FAILURES))("%s prints the secret and fails: up says so without it", async (_, more) => {
  const seen = await sample(
    ["home"],
    [secret],
    () => TEMPORARY,
    async () => {
      const failed = await trial.stack([...UP, "--diff", ...LOGGED], holder(more, "two"), { env: { TMPDIR: folder } });
      const said = failed.stdout + failed.stderr;
      expect(failed.code).not.toBe(0);
      expect(said).toMatch(/exit code: 3|status=3/);
      expect(said).toContain("[secret]"); // what was printed is there, but for the secret
      for (const form of [secret, Buffer.from(secret).toString("base64")]) expect(said.includes(form)).toBe(false);
    },
  );
  expect(seen["home"]!.rounds).toBeGreaterThan(1);
  expect(seen["home"]!.found).toEqual([]);
  expect(temporaryFiles()).not.toContain(secret);
  expect(await trial.ok(["stack", "export"], {})).not.toContain(secret);
  const ours = "cat /var/lib/intranet/ledger.json /var/lib/intranet/outcomes/*";
  expect(await execOk("home", ["sh", "-c", ours])).not.toContain(secret);
  // The host has the old file again, for root alone, and no other copy of it.
  const copies = await execOk("home", ["grep", "-rlF", "--", secret, "/etc", "/var/lib", "/root", ...TEMPORARY]);
  expect(copies).toBe(`${KEY}\n`);
  expect(await execOk("home", ["stat", "-c", "%a %U", KEY])).toBe("600 root\n");
  expect(await execOk("home", ["cat", KEY])).toContain("# one");
});

test("the way of looking finds what is there for a moment", async () => {
  const marked = "planted-where-secrets-are-looked-for";
  const plant = [
    "systemd-run",
    "--quiet",
    "--unit=trial-planted",
    "sh",
    "-c",
    'echo "$0" >/tmp/trial-planted; sleep 300',
    marked,
  ];
  const seen = await sample(
    ["home"],
    [marked],
    () => TEMPORARY,
    async () => {
      await execOk("home", plant);
      await exec("home", ["sleep", "2"]);
      await execOk("home", ["systemctl", "stop", "trial-planted"]);
    },
  );
  expect(seen["home"]!.found).toEqual(expect.arrayContaining(["file /tmp/trial-planted", "process sh cmdline"]));
  await execOk("home", ["rm", "/tmp/trial-planted"]);
});
