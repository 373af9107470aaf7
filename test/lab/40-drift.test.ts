/** A hand edit is seen by line and mended; a secret file's is seen without the secret. */
import { ensureUp, plan, pulumi, pulumiOk } from "./intranet";
import { exec } from "./support";

beforeAll(async () => {
  await ensureUp();
}, 600_000);
afterAll(async () => {
  await pulumiOk(["preview", "--refresh", "--expect-no-changes"]);
}, 120_000);

test("a line changed by hand in the sinkhole's nginx.conf", async () => {
  const file = "/etc/nginx/nginx.conf";
  const before = (await exec("vps", ["cat", file])).stdout;
  await exec("vps", ["sed", "-i", "s/server_tokens off;/server_tokens on;/", file]);
  expect((await exec("vps", ["cat", file])).stdout).not.toBe(before);
  const refreshed = await pulumiOk(["refresh", "--yes", "--diff"]);
  expect(refreshed).toMatch(/-.*server_tokens off;/);
  expect(refreshed).toMatch(/\+.*server_tokens on;/);
  expect((await pulumi(["preview", "--expect-no-changes"])).code).not.toBe(0);
  await pulumiOk(["up", "--yes", "--skip-preview"]);
  expect((await exec("vps", ["cat", file])).stdout).toBe(before);
}, 180_000);

test("a line added by hand to a file with a private key, and its mode", async () => {
  const file = `/etc/wireguard/${plan().links[0]!.b.interface}.conf`;
  const before = (await exec("home", ["cat", file])).stdout;
  const key = /PrivateKey\s*=\s*(\S+)/.exec(before)![1]!;
  await exec("home", ["sh", "-c", 'echo "# by hand" >> "$1" && chmod 0644 "$1"', "sh", file]);
  const refreshed = await pulumi(["refresh", "--yes", "--diff"]);
  expect(refreshed.code).toBe(0);
  expect(refreshed.stdout).toContain(file);
  expect(refreshed.stdout + refreshed.stderr).not.toContain(key);
  expect(refreshed.stdout).toMatch(/0644/);
  const preview = await pulumi(["preview", "--diff"]);
  expect(preview.stdout + preview.stderr).not.toContain(key);
  expect((await pulumi(["preview", "--expect-no-changes"])).code).not.toBe(0);
  await pulumiOk(["up", "--yes", "--skip-preview"]);
  expect((await exec("home", ["cat", file])).stdout).toBe(before);
  expect((await exec("home", ["stat", "-c", "%a", file])).stdout.trim()).toBe("600");
}, 180_000);

test("a unit stopped and disabled by hand", async () => {
  await exec("vps", ["systemctl", "disable", "--now", "nginx.service"]);
  expect((await pulumiOk(["refresh", "--yes", "--diff"])).match(/nginx/)).toBeTruthy();
  await pulumiOk(["up", "--yes", "--skip-preview"]);
  expect((await exec("vps", ["systemctl", "is-active", "nginx.service"])).stdout.trim()).toBe("active");
  expect((await exec("vps", ["systemctl", "is-enabled", "nginx.service"])).stdout.trim()).toBe("enabled");
}, 180_000);
