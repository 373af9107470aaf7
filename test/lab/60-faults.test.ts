/** What goes wrong outside: a clear error, nothing lost, and the next `up` succeeds. */
import { changedConfig, curl, ensureUp, identity, plan, pulumi, pulumiOk, until, up } from "./intranet";
import { exec, execOk, lab, type Result } from "./support";

beforeAll(ensureUp, 600_000);
afterAll(async () => {
  await ensureUp();
  await pulumiOk(["preview", "--refresh", "--expect-no-changes"]);
}, 400_000);

/** A change that reaches home: it offers one more name. */
const touches = (more: (network: any) => void = () => undefined): string[] =>
  changedConfig((network) => {
    network.services.photos = { at: "home", port: 8081 };
    more(network);
  });
const tryUp = (config: string[]): Promise<Result> =>
  pulumi(["up", "--yes", "--skip-preview", ...config], { timeoutSeconds: 400 });

test.each<[string, string, RegExp]>([
  ["HCLOUD_TOKEN", "W".repeat(64), /unauthorized|unable to authenticate/i],
  ["CLOUDFLARE_API_TOKEN", "W".repeat(40), /authenticat/i],
])(
  "a wrong token in %s: said, and not shown",
  async (variable, token, says) => {
    const result = await pulumi(["refresh", "--yes"], { env: { [variable]: token } });
    expect(result.code).not.toBe(0);
    expect(result.stdout + result.stderr).toMatch(says);
    expect(result.stdout + result.stderr).not.toContain(token);
  },
  180_000,
);

test("a wrong host key: both fingerprints and the way to accept the new one", async () => {
  const other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ3yr3yS1bU8a9d4sQSYhbT1xlGUXo5x6JrwFIN0eM5V";
  const result = await tryUp(touches((n) => (n.sites.home.host.hostKeys = [other])));
  expect(result.code).not.toBe(0);
  const shown = result.stdout + result.stderr;
  expect(new Set(shown.match(/SHA256:[A-Za-z0-9+/]{43}/g)).size).toBeGreaterThanOrEqual(2);
  expect(shown).toMatch(/hostKeys/);
}, 400_000);

/** Runs `during` while nobody gets to a host by SSH. */
async function withoutSsh(host: string, port: number, during: () => Promise<void>): Promise<void> {
  const rules = `add table inet cut; add chain inet cut in { type filter hook input priority -300; }; add rule inet cut in tcp dport ${port} drop`;
  await execOk(host, ["nft", rules]);
  try {
    await during();
  } finally {
    await execOk(host, ["nft", "delete", "table", "inet", "cut"]);
  }
}

test("unreachable hosts, directly and through the hub: both said, with address and patience; then `up` goes on", async () => {
  await withoutSsh("home", 22, () =>
    withoutSsh("office", 2222, async () => {
      // Office's routing does not wait for home's names: both are tried.
      const spare = (n: any) => n.links.find(({ from, to }: any) => from === "office" && to === "vps");
      const result = await tryUp(touches((n) => (spare(n).cost = 90)));
      expect(result.code).not.toBe(0);
      const shown = result.stdout + result.stderr;
      const patience = "did not answer in time; given up after \\d+ attempts in \\d+ s";
      for (const address of [plan().sites["home"]!.hostAddress, `${identity("office").v4}:2222 via \\S+`])
        expect(shown).toMatch(new RegExp(`${address.replaceAll(".", "\\.")}\\S* ${patience}`));
    }),
  );
  await up();
}, 600_000);

// Waits for the agent's journal, which is there from the first change to the commit, and holds the agent there.
const FREEZE =
  "journal=/var/lib/intranet/journal.json; until [ -e $journal ]; do sleep 0.02; done; pkill -STOP python3; [ -e $journal ]";

test("a host that dies during `up`, in the middle of a change", async () => {
  const freezing = exec("home", ["sh", "-c", FREEZE]);
  const going = tryUp(touches());
  expect((await freezing).code).toBe(0);
  await lab(["reset", "home"]);
  const result = await going;
  // Either the connection came back and the role was applied, or the error says what happened.
  if (result.code !== 0) expect(result.stdout + result.stderr).toMatch(/connection|closed|reset|lost|timed out/i);
  await up();
  const name = plan().services["nextcloud"]!.fqdn;
  await until("the service is there", async () => {
    const answer = await curl("tv", [
      "--insecure",
      "--resolve",
      `${name}:443:${plan().sites["home"]!.hostAddress}`,
      `https://${name}/`,
    ]);
    return answer.status === 200;
  });
}, 900_000);
