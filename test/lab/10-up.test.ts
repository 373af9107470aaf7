/** `make up` from nothing, a second preview that is empty, and what one more service would change. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { changedConfig, plannedSteps, pulumi, pulumiOk, ROOT } from "./intranet";
import { cloudflare, hetzner } from "./lifted";
import { exec, lab, LAB_NAME } from "./support";

test("make up ends with a table of what runs where", async () => {
  const { stdout } = await promisify(execFile)("make", ["--no-print-directory", "up"], {
    cwd: ROOT,
    maxBuffer: 1 << 26,
    env: { ...process.env, LAB_NAME },
  });
  for (const row of [
    /^vps\s.*198\.51\.100\./m,
    /^home\s.*10\.20\.0\.10/m,
    /^nextcloud\s.*nextcloud\.intranet\.example/m,
    /^laptop\s/m,
  ]) {
    expect(stdout).toMatch(row);
  }
  await lab(["snapshot", "up"]);
}, 900_000);

test("a second preview is empty, and so is a second up, with and without a look at the real hosts", async () => {
  await pulumiOk(["preview", "--expect-no-changes"]);
  await pulumiOk(["preview", "--refresh", "--expect-no-changes"]);
  await pulumiOk(["up", "--yes", "--skip-preview", "--expect-no-changes"]);
}, 180_000);

test("what exists is what the description says, by the clouds' APIs and the host's console", async () => {
  const { servers } = await hetzner("/servers");
  expect(servers.map((s: any) => s.name)).toEqual(["vps"]);
  const { primary_ips } = await hetzner("/primary_ips");
  expect(primary_ips.map((p: any) => [p.type, p.auto_delete]).sort()).toEqual([
    ["ipv4", false],
    ["ipv6", false],
  ]);
  for (const ip of primary_ips) expect(ip.dns_ptr.map((d: any) => d.dns_ptr)).toContain("vps.intranet.example");
  const zone = (await cloudflare("/zones?name=intranet.example")).result[0];
  const records = (await cloudflare(`/zones/${zone.id}/dns_records?per_page=100`)).result;
  const named = (type: string, name: string) =>
    records.filter((r: any) => r.type === type && r.name === name).map((r: any) => r.content);
  const v4 = primary_ips.find((p: any) => p.type === "ipv4").ip;
  expect(named("A", "*.intranet.example")).toEqual([v4]);
  expect(named("A", "intranet.example")).toEqual([v4]);
  expect(named("AAAA", "*.intranet.example")).toHaveLength(1);
  // Somebody else's records are as they were, and no internal name is published.
  expect(named("MX", "intranet.example")).toHaveLength(1);
  expect(named("A", "www.intranet.example")).toHaveLength(1);
  expect(records.filter((r: any) => r.name.startsWith("nextcloud."))).toEqual([]);
  expect((await exec("home", ["test", "-e", "/root/notes.txt"])).code).toBe(0);
});

test("one more service previews exactly what it adds", async () => {
  const more = changedConfig((network) => {
    network.services.photos = { at: "home", port: 8081 };
  });
  const steps = await plannedSteps(more);
  // One role is updated: the reverse proxy of the host that serves it. The stack's own outputs name the service.
  expect(steps.map((s) => [s.op, s.type])).toEqual([["update", "pulumi-nodejs:dynamic/intranet/host:HostRole"]]);
  const shown = await pulumiOk(["preview", "--diff", ...more]);
  const added = shown.split("\n").filter((line) => /^\s*\+/.test(line));
  expect(added.join("\n")).toContain("photos.intranet.example");
  expect(added.join("\n")).toContain("8081");
  expect(shown.split("\n").filter((line) => /^\s*-\s/.test(line) && !line.includes("~"))).toEqual([]);
  expect((await pulumi(["preview", "--expect-no-changes"])).code).toBe(0);
}, 120_000);
