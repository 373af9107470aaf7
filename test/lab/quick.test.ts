/**
 * A program and its dynamic provider that start quickly, with the real engine: the state of one that does not is the
 * state of one that does.
 */
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { ROOT } from "./intranet";
import { run } from "./support";

jest.setTimeout(240_000);

/** A key of this library, and a resource of the program's own whose provider the SDK takes apart. */
const PROGRAM = `
const early = Object.keys(require.cache).some((path) => path.endsWith("/typescript.js"));
const pulumi = require("@pulumi/pulumi");
exports.compiler = early || Object.keys(require.cache).some((path) => path.endsWith("/typescript.js"));
const { WireGuardKey } = require("pulumi-intranet/host");
const key = new WireGuardKey("key");
exports.publicKey = key.publicKey;
exports.privateKey = key.privateKey;
const greeting = "made by";
const provider = { create: async () => ({ id: "own", outs: { by: greeting + " " + process.argv[1] } }) };
class Own extends pulumi.dynamic.Resource {
  constructor(name) { super(provider, name, { by: undefined }); }
}
for (const name of process.env.NAMES.split(",")) exports[name] = new Own(name).by;
`;
const USUAL = "name: quick\nruntime:\n  name: nodejs\n  options:\n    typescript: false\n";
const QUICK = `${USUAL}    nodeargs: --require pulumi-intranet/quick\nplugins: { providers: [{ name: pulumi-nodejs, path: node_modules/pulumi-intranet/dist/host/quick }] }\n`;

let folder: string;
beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "intranet-quick-"));
  fs.symlinkSync(path.join(ROOT, "node_modules"), path.join(folder, "node_modules"));
  fs.mkdirSync(path.join(folder, "state"));
  fs.writeFileSync(path.join(folder, "index.js"), PROGRAM);
  fs.writeFileSync(path.join(folder, "package.json"), JSON.stringify({ name: "quick", main: "index.js" }));
});
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

/** Runs Pulumi on the program with these resources of its own, either way; what it printed. */
const pulumi = async (project: string, names: string, ...args: string[]) =>
  (await told(project, names, ...args)).stdout;
async function told(project: string, names: string, ...args: string[]): Promise<{ stdout: string; stderr: string }> {
  fs.writeFileSync(path.join(folder, "Pulumi.yaml"), project);
  const env = {
    PULUMI_BACKEND_URL: `file://${folder}/state`,
    PULUMI_STACK: "quick",
    NAMES: names,
  };
  const { code, stdout, stderr } = await run(["pulumi", "-C", folder, "--non-interactive", ...args], { env });
  if (code !== 0) throw new Error(`pulumi ${args.join(" ")}: ${code}\n${stdout}${stderr}`);
  return { stdout, stderr };
}
const UP = ["up", "--yes", "--skip-preview"];

test("the same resources either way, and each provider does what it did", async () => {
  await pulumi(USUAL, "first", "stack", "init", "quick");
  await pulumi(USUAL, "first", ...UP);
  const outputs = async () =>
    JSON.parse(await pulumi(USUAL, "", "stack", "output", "--json")) as Record<string, unknown>;
  const usual = await outputs();
  expect(usual).toMatchObject({ compiler: true, first: expect.stringMatching(/^made by .*\/dynamic-provider/) });

  // The program's own output says how it was started, and is all that changes.
  await pulumi(QUICK, "first", ...UP, "--refresh");
  expect(await outputs()).toEqual({ ...usual, compiler: false });
  await pulumi(QUICK, "first", "preview", "--refresh", "--expect-no-changes");
  await pulumi(QUICK, "first,second", ...UP);
  expect((await outputs()).second).toMatch(/^made by .*\/pulumi-resource-pulumi-nodejs$/);

  await pulumi(USUAL, "first,second", ...UP, "--refresh");
  expect(await outputs()).toMatchObject(usual);
  await pulumi(QUICK, "", "destroy", "--yes", "--skip-preview");
});

test("with it no secret of a resource is in the engine's log up to level 7, and without it there is", async () => {
  const linesWithKey = async (project: string) => {
    const log = ["-v=7", "--logtostderr", "--debug"];
    const made = await told(project, "first", ...UP, ...log);
    const same = await told(project, "first", ...UP, "--refresh", ...log);
    const key = (await pulumi(project, "", "stack", "output", "privateKey", "--show-secrets")).trim();
    expect(key).toMatch(/^[\w+/]{43}=$/);
    await pulumi(project, "", "destroy", "--yes", "--skip-preview");
    return [made, same].map(
      (run) => `${run.stdout}${run.stderr}`.split("\n").filter((line) => line.includes(key)).length,
    );
  };
  expect(await linesWithKey(QUICK)).toEqual([0, 0]);
  const [made, same] = await linesWithKey(USUAL);
  expect([made! > 0, same! > 0]).toEqual([true, true]);
});
