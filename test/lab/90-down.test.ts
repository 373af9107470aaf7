/** `make down` leaves nothing of ours: looked at from the hosts' consoles and by the clouds' APIs. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { ensureUp, pulumi, ROOT } from "./intranet";
import { cloudflare, hetzner } from "./lifted";
import { exec, lab, LAB_NAME } from "./support";
import { traces } from "./traces";

/** The accounts of a host. Debian's packages leave theirs when they are purged, so that their number is never given to another. */
async function accounts(host: string): Promise<string[]> {
  return (await exec(host, ["getent", "passwd"])).stdout.split("\n").filter((line) => line !== "");
}

test("make down destroys the stack and leaves no server, record, rule or file", async () => {
  // From the beginning: the lab before any stack was there.
  await lab(["restore", "fresh"]);
  const before = await traces("home");
  const accountsBefore = await accounts("home");
  const recordsBefore = await zoneRecords();
  await ensureUp();
  expect(await traces("home")).not.toBe(before);
  const down = await promisify(execFile)("make", ["--no-print-directory", "down"], {
    cwd: ROOT,
    maxBuffer: 1 << 26,
    env: { ...process.env, LAB_NAME },
  });
  expect(down.stdout).toMatch(/deleted/i);
  expect(await traces("home")).toBe(before);
  const left = (await accounts("home")).filter((line) => !accountsBefore.includes(line));
  expect(left.map((line) => line.split(":")[0])).toEqual(["caddy"]);
  for (const kind of ["servers", "primary_ips", "firewalls", "ssh_keys", "networks", "volumes"]) {
    const answer = await hetzner(`/${kind}`);
    if (answer[kind] !== undefined) expect([kind, answer[kind]]).toEqual([kind, []]);
  }
  expect(await zoneRecords()).toEqual(recordsBefore);
  expect((await lab(["exec", "vps", "--", "true"])).code).not.toBe(0);
  expect((await pulumi(["stack", "export"])).stdout).not.toContain("intranet:sinkhole:Sinkhole");
}, 900_000);

async function zoneRecords(): Promise<string[]> {
  const zone = (await cloudflare("/zones?name=intranet.example")).result[0];
  const { result } = await cloudflare(`/zones/${zone.id}/dns_records?per_page=100`);
  return result.map((r: any) => `${r.name} ${r.type} ${r.content}`).sort();
}
