/** The published package in a program outside of this tree: installed, not linked, its roles find the code that applies them. */
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { ROOT } from "./intranet";
import { exec, run } from "./support";

const PROGRAM = `
const { HostRole, WireGuardKey } = require("pulumi-intranet/host");
const key = new WireGuardKey("outside-key", { keyVersion: 1 });
new HostRole("outside-role", {
  connection: { address: "10.20.0.10", hostKeys: [process.env.HOST_KEY] },
  role: "outside",
  files: { "/etc/outside.conf": { content: "key = {{key}}\\n", secrets: { key: key.privateKey } } },
});
exports.publicKey = key.publicKey;
`;

let folder: string;
beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "intranet-outside-"));
  const packed = execFileSync("npm", ["pack", "--json", "--loglevel=error", "--pack-destination", folder], {
    cwd: ROOT,
    encoding: "utf8",
  });
  const modules = path.join(folder, "node_modules");
  fs.mkdirSync(path.join(modules, "pulumi-intranet"), { recursive: true });
  const tarball = path.join(folder, (JSON.parse(packed) as { filename: string }[])[0]!.filename);
  execFileSync("tar", ["-xzf", tarball, "--strip-components=1", "-C", path.join(modules, "pulumi-intranet")]);
  // What npm would install beside it is what is installed here.
  for (const name of fs.readdirSync(path.join(ROOT, "node_modules"))) {
    if (name !== "pulumi-intranet") fs.symlinkSync(path.join(ROOT, "node_modules", name), path.join(modules, name));
  }
  fs.mkdirSync(path.join(folder, "state"));
  fs.writeFileSync(path.join(folder, "index.js"), PROGRAM);
  fs.writeFileSync(path.join(folder, "package.json"), JSON.stringify({ name: "outside", main: "index.js" }));
  fs.writeFileSync(
    path.join(folder, "Pulumi.yaml"),
    "name: outside\nruntime: { name: nodejs, options: { typescript: false } }\n",
  );
}, 60_000);
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

test("up, an empty preview, and destroy", async () => {
  const hostKey = (await exec("home", ["cat", "/etc/ssh/ssh_host_ed25519_key.pub"])).stdout
    .split(" ")
    .slice(0, 2)
    .join(" ")
    .trim();
  const env = { PULUMI_BACKEND_URL: `file://${folder}/state`, PULUMI_STACK: "outside", HOST_KEY: hostKey };
  const pulumi = (...args: string[]) =>
    run(["pulumi", "-C", folder, "--non-interactive", ...args], { env, timeoutSeconds: 200 });
  expect((await pulumi("stack", "init", "outside")).code).toBe(0);
  const up = await pulumi("up", "--yes", "--skip-preview");
  expect([up.code, up.stderr]).toEqual([0, up.stderr]);
  const file = (await exec("home", ["cat", "/etc/outside.conf"])).stdout;
  expect(file).toMatch(/^key = [A-Za-z0-9+/]{43}=\n$/);
  expect((await pulumi("preview", "--refresh", "--expect-no-changes")).code).toBe(0);
  // The state names the package and holds none of its code, and the key is not in it in clear.
  const state = (await pulumi("stack", "export")).stdout;
  expect(state).toContain("pulumi-intranet");
  expect(state).not.toContain(file.slice("key = ".length).trim());
  for (const [, stub] of state.matchAll(/"__provider": "((?:[^"\\]|\\.)*)"/g)) expect(stub!.length).toBeLessThan(4096);
  expect((await pulumi("destroy", "--yes", "--skip-preview")).code).toBe(0);
  expect((await exec("home", ["test", "-e", "/etc/outside.conf"])).code).not.toBe(0);
}, 400_000);
