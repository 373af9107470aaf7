/**
 * `make down` leaves nothing of ours: looked at by the clouds' APIs, and from the hosts' consoles once the VPS is gone.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { accounts, traces } from "./traces";
import { ensureUp, plan, pulumi, ROOT, until } from "./intranet";
import { cloudflare, hetzner } from "./lifted";
import { exec, lab, LAB_NAME } from "./support";

/** Directly managed, and joined by a script. */
const SITES = Object.keys(plan().sites);

/** What a moment of the lab looks like to its owner. */
interface Look {
  traces: string[];
  accounts: string[][];
  records: string[];
}
const look = async (): Promise<Look> => ({
  traces: await Promise.all(SITES.map(traces)),
  accounts: await Promise.all(SITES.map(accounts)),
  records: await zoneRecords(),
});

async function zoneRecords(): Promise<string[]> {
  const zone = (await cloudflare("/zones?name=intranet.example")).result[0];
  const { result } = await cloudflare(`/zones/${zone.id}/dns_records?per_page=100`);
  return result.map((r: any) => `${r.name} ${r.type} ${r.content}`).sort();
}

let up: Look;
let down: Look;
let before: Look;
let said: string;
beforeAll(async () => {
  await ensureUp();
  up = await look();
  const made = await promisify(execFile)("make", ["--no-print-directory", "down"], {
    cwd: ROOT,
    maxBuffer: 1 << 26,
    env: { ...process.env, LAB_NAME },
  });
  said = made.stdout;
}, 900_000);

test("it says what it deleted, and the clouds have nothing of it", async () => {
  expect(said).toMatch(/deleted/i);
  for (const kind of ["servers", "primary_ips", "firewalls", "ssh_keys", "networks", "volumes"]) {
    const answer = await hetzner(`/${kind}`);
    if (answer[kind] !== undefined) expect([kind, answer[kind]]).toEqual([kind, []]);
  }
  expect((await exec("vps", ["true"])).code).not.toBe(0);
  expect((await pulumi(["stack", "export"])).stdout).not.toContain("intranet:sinkhole:Sinkhole");
});

describe("looked at from the consoles", () => {
  beforeAll(async () => {
    // Hosts that were reached through their tunnels clear up by themselves, without anybody who waits for them.
    await until("nothing of ours runs any more", async () => {
      // The job that did it, and its timer, are there a moment longer than what it has cleared up.
      const looked =
        "ls /var/lib/intranet 2>/dev/null; systemctl list-units --plain --no-legend 'run-*.timer' 'run-*.service'";
      const left = await Promise.all(SITES.map((site) => exec(site, ["sh", "-c", looked])));
      return left.every(({ stdout }) => stdout === "");
    }).catch(() => undefined);
    down = await look();
    // The lab before any stack was there.
    await lab(["restore", "fresh"], { timeoutSeconds: 300 });
    before = await look();
  }, 600_000);

  test.each(SITES)("%s is as it was before any stack was there", (site) => {
    const index = SITES.indexOf(site);
    expect(up.traces[index]).not.toBe(before.traces[index]);
    // The owner of home has changed its own host key on the way (36).
    const kept = (trace = ""): string =>
      trace.replace(site === "home" ? /^.*\/etc\/ssh\/ssh_host_ed25519_key(\.pub)?$/gm : /$^/, "");
    expect(kept(down.traces[index])).toBe(kept(before.traces[index]));
  });

  test.each(SITES)("%s: of accounts only those are left that Debian's packages leave on purpose", (site) => {
    const index = SITES.indexOf(site);
    const left = down.accounts[index]!.filter((line) => !before.accounts[index]!.includes(line));
    const names = left.map((line) => line.split(":")[0]);
    expect(names.filter((name) => !["bind", "bird", "caddy"].includes(name!))).toEqual([]);
  });

  test("the zone has its owner's records and no other", () => {
    expect(up.records).not.toEqual(before.records);
    expect(down.records).toEqual(before.records);
  });
});
