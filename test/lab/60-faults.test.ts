/** What goes wrong outside: a clear error, nothing lost, and the next `up` succeeds. */
import { changedConfig, curl, ensureUp, plan, pulumi, pulumiOk, until } from "./intranet";
import { exec, lab } from "./support";

beforeAll(ensureUp, 600_000);
afterEach(async () => {
  await pulumiOk(["up", "--yes", "--skip-preview"], { timeoutSeconds: 300 });
  await pulumiOk(["preview", "--refresh", "--expect-no-changes"]);
}, 400_000);

/** A change that reaches the host `home`: its proxy gets one more name. */
const touchesHome = (more: (network: any) => void = () => undefined) =>
  changedConfig((network) => {
    network.services.photos = { at: "home", port: 8081 };
    more(network);
  });

test("a wrong token", async () => {
  const result = await pulumi(["refresh", "--yes"], { env: { HCLOUD_TOKEN: "W".repeat(64) } });
  expect(result.code).not.toBe(0);
  expect(result.stdout + result.stderr).toMatch(/unauthorized|unable to authenticate/i);
  expect(result.stdout + result.stderr).not.toContain("W".repeat(64));
  const dns = await pulumi(["refresh", "--yes"], { env: { CLOUDFLARE_API_TOKEN: "W".repeat(40) } });
  expect(dns.code).not.toBe(0);
  expect(dns.stdout + dns.stderr).toMatch(/authenticat/i);
  expect(dns.stdout + dns.stderr).not.toContain("W".repeat(40));
}, 180_000);

test("a wrong host key: both fingerprints and the way to accept the new one", async () => {
  const other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ3yr3yS1bU8a9d4sQSYhbT1xlGUXo5x6JrwFIN0eM5V";
  const result = await pulumi(
    ["up", "--yes", "--skip-preview", ...touchesHome((n) => (n.sites.home.host.hostKeys = [other]))],
    { timeoutSeconds: 300 },
  );
  expect(result.code).not.toBe(0);
  const shown = result.stdout + result.stderr;
  expect(
    shown.match(/SHA256:[A-Za-z0-9+/]{43}/g)!.filter((f, i, all) => all.indexOf(f) === i).length,
  ).toBeGreaterThanOrEqual(2);
  expect(shown).toMatch(/hostKeys/);
}, 400_000);

test("an unreachable host", async () => {
  await exec("home", [
    "nft",
    "add table inet cut; add chain inet cut in { type filter hook input priority -300; }; add rule inet cut in tcp dport 22 drop",
  ]);
  try {
    const result = await pulumi(["up", "--yes", "--skip-preview", ...touchesHome()], { timeoutSeconds: 300 });
    expect(result.code).not.toBe(0);
    expect(result.stdout + result.stderr).toMatch(/10\.20\.0\.10/);
    expect(result.stdout + result.stderr).toMatch(/did not answer in time; given up after \d+ attempts in \d+ s/);
  } finally {
    await exec("home", ["nft", "delete", "table", "inet", "cut"]);
  }
}, 600_000);

test("a host that dies during up", async () => {
  // The proxy's configuration changes, and the plug is pulled as soon as the host's agent has begun.
  const going = pulumi(["up", "--yes", "--skip-preview", ...touchesHome()], { timeoutSeconds: 400 });
  await until(
    "the transaction has begun",
    async () =>
      (
        await exec("home", [
          "sh",
          "-c",
          "ls /var/lib/intranet/journal* /var/lib/intranet/*/journal* 2>/dev/null; pgrep -f intranet",
        ])
      ).stdout.trim() !== "",
    60,
  );
  await lab(["reset", "home"]);
  const result = await going;
  // Either the connection came back and the role was applied, or the error says what happened.
  if (result.code !== 0) expect(result.stdout + result.stderr).toMatch(/connection|closed|reset|lost|timed out/i);
  await pulumiOk(["up", "--yes", "--skip-preview"], { timeoutSeconds: 300 });
  await until(
    "the service is there",
    async () =>
      (
        await curl("tv", [
          "--resolve",
          `nextcloud.intranet.example:80:${plan().sites["home"]!.hostAddress}`,
          "http://nextcloud.intranet.example/",
        ])
      ).status === 200,
  );
}, 900_000);
