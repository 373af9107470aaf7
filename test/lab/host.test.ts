/** One host's desired state by a real `pulumi up`: line diffs, drift, roll-backs, a lock-out, and the way back. */
import type { Trial } from "./host-program/trial";
import { until } from "./intranet";
import { exec } from "./support";
import { TrialStack, UP } from "./trial";

jest.setTimeout(240_000);

const CONF = "/etc/trial/app.conf";
const KEY = "/etc/trial/key.conf";
const app = (port: number, more: object = {}): Trial["roles"] => ({
  app: {
    files: {
      [CONF]: { content: `# trial\nListenPort = ${port}\nlast line\n` },
      [KEY]: { content: "before\nPrivateKey = {{key}}\nafter\n", secret: true },
      "/etc/systemd/system/trial.service": {
        content: "[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n",
      },
    },
    sysctls: { "net.ipv4.conf.lo.send_redirects": "0" },
    units: { "trial.service": { restartOn: [CONF] } },
    checks: [
      { command: ["grep", "-q", "^ListenPort = [0-9]*$", { staged: CONF }], description: "the port is a number" },
    ],
    ...more,
  },
});

const trial = new TrialStack();
const { stack, ok, failing } = trial;
const home = async (...argv: string[]) => (await exec("home", argv)).stdout.trim();
const script = (text: string) => home("sh", "-c", text);
/** What the tests may change, as it stands on the host. */
const state = () =>
  script(
    "cd /; ls -lR --time-style=+ etc/trial 2>&1; cat etc/trial/* etc/systemd/system/trial.service 2>/dev/null; " +
      "systemctl is-active trial; systemctl is-enabled trial; cat /proc/sys/net/ipv4/conf/lo/send_redirects; ls /etc/sysctl.d; nft list tables",
  );

let before: string;
beforeAll(async () => {
  await trial.init();
  await script("mkdir -p /etc/trial; printf 'mine\\n' > /etc/trial/app.conf; chmod 0640 /etc/trial/app.conf");
  before = await state();
});
afterAll(async () => {
  await trial.remove();
  await script("rm -rf /etc/trial");
});

test("create adopts: what stood there is kept as a copy, a second preview is empty, secrets are closed", async () => {
  const said = await ok(UP, app(51820));
  expect(said).toMatch(
    /\/etc\/trial\/app\.conf stood there before role trial-app; a copy is kept as \/var\/lib\/intranet\/backup\/trial-app\/etc\/trial\/app\.conf/,
  );
  expect(await home("cat", "/var/lib/intranet/backup/trial-app/etc/trial/app.conf")).toBe("mine");
  expect(await home("stat", "-c", "%a %U", KEY)).toBe("600 root");
  expect(await home("systemctl", "is-active", "trial")).toBe("active");
  await ok(["preview", "--refresh", "--expect-no-changes"], app(51820));
});

test("a changed line previews as that line beside the secret", async () => {
  const preview = await ok(["preview", "--diff"], app(51821));
  expect(preview).toMatch(/-\s*ListenPort = 51820\n/);
  expect(preview).toMatch(/\+\s*ListenPort = 51821\n/);
  expect(preview).toMatch(/^\s+last line$/m);
  await ok(UP, app(51820));
});

test("drift of every kind shows in refresh in words, without secrets, and is mended by up", async () => {
  const good = await state();
  const secret = (await home("sed", "-n", "s/PrivateKey = //p", KEY)).trim();
  expect(secret).toHaveLength(44);
  await script(
    `sed -i 's/51820/9/' ${CONF}; sed -i 's/PrivateKey.*/PrivateKey = handmade-other-secret/' ${KEY}; chmod 0644 ${KEY}; chown daemon ${CONF}; ` +
      "systemctl disable -q --now trial; echo 1 > /proc/sys/net/ipv4/conf/lo/send_redirects",
  );
  const refreshed = await ok(["refresh", "--yes", "--diff"], app(51820));
  expect(refreshed).toMatch(/-\s*ListenPort = 51820\n\s*\+\s*ListenPort = 9\n/);
  expect(refreshed).toMatch(/\+ owner\s*: "daemon"/);
  expect(refreshed).toMatch(/\+ mode\s*: "0644"/);
  expect(refreshed).toMatch(/\+\s*\[drift: another line, hidden\]/);
  expect(refreshed).toMatch(/\+ state\s*: "stopped"/);
  expect(refreshed).toMatch(/\+ enabled\s*: false/);
  expect(refreshed).toMatch(/send_redirects: "0" => "1"/);
  expect(refreshed).not.toContain(secret);
  expect(refreshed).not.toContain("handmade-other-secret");
  expect((await stack(["preview", "--expect-no-changes"], app(51820))).code).not.toBe(0);
  await ok(UP, app(51820));
  expect(await state()).toBe(good);
  await ok(["preview", "--refresh", "--expect-no-changes"], app(51820));
});

test("the state holds no secret in clear, and no process list of the host did", async () => {
  const secret = (await home("sed", "-n", "s/PrivateKey = //p", KEY)).trim();
  expect(await ok(["stack", "export"], app(51820))).not.toContain(secret);
  expect(
    await script("journalctl --no-pager -q; cat /var/lib/intranet/ledger.json /var/lib/intranet/outcomes/*"),
  ).not.toContain(secret);
});

test("a refused check changes nothing; a failing probe puts everything back; both say command, exit code and output", async () => {
  const good = await state();
  const refused = await failing(app("none" as never));
  expect(refused).toMatch(/the port is a number: the new files were refused before anything was changed/);
  expect(refused).toMatch(/command: grep -q[^\n]*app\.conf\n\s*exit code: 1/);
  expect(await state()).toBe(good);
  const probes = [
    { command: ["sh", "-c", "echo no answer; exit 3"], timeoutSeconds: 2, description: "the application answers" },
  ];
  const undone = await failing(app(51999, { probes }));
  expect(undone).toMatch(
    /the application answers: did not succeed within 2 s[^]*exit code: 3[^]*no answer[^]*left as it was before/,
  );
  expect(await state()).toBe(good);
  expect(await script("ls /var/lib/intranet | tr '\\n' ' '")).not.toMatch(/journal|tx/);
  await ok(["preview", "--refresh", "--expect-no-changes"], app(51820));
});

test("a change that locks the operator out is undone by the host, and up fails with the reason", async () => {
  const good = await state();
  const rules = "table inet trial {\n chain in {\n  type filter hook input priority 0; tcp dport 22 drop;\n }\n}\n";
  const lockOut = {
    ...app(51820),
    gate: {
      files: {
        "/etc/trial/gate.nft": { content: rules },
        "/etc/systemd/system/trial-gate.service": {
          content:
            "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/usr/sbin/nft -f /etc/trial/gate.nft\nExecStop=/usr/sbin/nft delete table inet trial\n[Install]\nWantedBy=multi-user.target\n",
        },
      },
      packages: ["nftables"],
      units: { "trial-gate.service": {} },
      confirm: { timeoutSeconds: 15 },
    },
  };
  const said = await failing(lockOut);
  expect(said).toMatch(/no new connection got in within 15 s/);
  expect(said).toMatch(/The host undid it by itself and answers as before/);
  expect(await state()).toBe(good);
  await ok(["preview", "--refresh", "--expect-no-changes"], app(51820));
});

test("the way to the host is cut while it changes: the host undoes it within its time", async () => {
  const good = await state();
  const probes = [{ command: ["sleep", "5"], timeoutSeconds: 30 }];
  const going = stack(UP, app(4, { confirm: { timeoutSeconds: 15 }, probes }));
  await until("the new file is there", async () => (await home("cat", CONF)).includes("ListenPort = 4"));
  // Not over SSH: from the host's own console.
  await script(
    "nft 'add table inet cut; add chain inet cut in { type filter hook input priority -300; }; add rule inet cut in tcp dport 22 drop'",
  );
  try {
    await until(
      "the host has the old file again",
      async () => (await home("cat", CONF)).includes("ListenPort = 51820"),
      90,
    );
  } finally {
    await script("nft delete table inet cut");
  }
  expect((await going).code).not.toBe(0);
  await ok(UP, app(51820));
  expect(await state()).toBe(good);
});

test("a wrong host key stops everything, with both fingerprints and how to accept the new one", async () => {
  const other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ3yr3yS1bU8a9d4sQSYhbT1xlGUXo5x6JrwFIN0eM5V";
  const said = await failing(app(51821), { hostKeys: [other] });
  expect(new Set(said.match(/SHA256:[A-Za-z0-9+/]{43}/g)).size).toBe(2);
  expect(said).toMatch(/connection\.hostKeys: \["ssh-ed25519 /);
  await ok(UP, app(51820));
});

test("two roles that claim one file are refused in the preview, both named", async () => {
  const both = { ...app(51820), other: { files: { [CONF]: { content: "x" } } } };
  const result = await stack(["preview"], both);
  expect(result.code).not.toBe(0);
  expect(result.stdout + result.stderr).toMatch(
    /path \/etc\/trial\/app\.conf is claimed by role trial-other and by role trial-app/,
  );
});

test("a new key version rotates the key in place, and shows no key", async () => {
  const old = await home("sed", "-n", "s/PrivateKey = //p", KEY);
  const said = await ok(["up", "--yes", "--diff"], app(51820), { keyVersion: 2 });
  const fresh = await home("sed", "-n", "s/PrivateKey = //p", KEY);
  expect(fresh).not.toBe(old);
  expect(said).not.toContain(old);
  expect(said).not.toContain(fresh);
});

test("deleting puts back what stood there, and nothing of ours stays", async () => {
  await ok(["destroy", "--yes", "--skip-preview"], {});
  expect(await state()).toBe(before);
  expect(await script("ls /etc/systemd/system /var/lib | grep -E 'trial' || echo none")).toBe("none");
});
