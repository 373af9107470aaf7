/** An uncaught error is printed in the end, also where Node.js would not come to the end of a line of its stack. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { inspect } from "node:util";
import { mendStacks, withPackages } from "../../../host/stack-lines";

const ROOT = resolve(__dirname, "../../..");

test.each([
  ["(/p/node_modules/@pulumi/output.ts:3:1)", "(/p/node_modules/@pulumi/…/output.ts:3:1)"],
  ["/p/node_modules/file.js:3:1", "/p/node_modules/…/file.js:3:1"],
  ["f (C:\\p\\node_modules\\@pulumi\\output.ts:3:1)", "f (C:\\p\\node_modules\\@pulumi\\…\\output.ts:3:1)"],
  ["/p/node_modules/a/node_modules/@b/c.js:1:1", "/p/node_modules/a/node_modules/@b/…/c.js:1:1"],
])("a file without its package: %s", (line, mended) => {
  const stack = `Error: in /p/node_modules/@pulumi/output.ts\n    at ${line}\n    at node:internal/a:1:1`;
  expect(withPackages(stack)).toBe(
    `Error: in /p/node_modules/@pulumi/output.ts\n    at ${mended}\n    at node:internal/a:1:1`,
  );
});

test.each(["/p/node_modules/@pulumi/pulumi/output.js:1:1", "f (/p/node_modules/a/b.js:1:1)", "/p/index.ts:1:1"])(
  "a whole line stays: %s",
  (line) => {
    const stack = `Error: x\n    at ${line}`;
    expect(withPackages(stack)).toBe(stack);
  },
);

test("errors in errors are mended too, and printed in colours; odd things that are thrown do no harm", () => {
  const bad = (message: string): Error =>
    Object.assign(new Error(message), { stack: `Error: ${message}\n    at f (/p/node_modules/@pulumi/output.ts:3:1)` });
  const all = new AggregateError([bad("one")], "several", { cause: bad("two") });
  const error = Object.assign(bad("three"), { all, loop: {} as object });
  error.loop = error;
  mendStacks(error);
  const text = inspect(error, { colors: true });
  for (const message of ["one", "two", "three"]) expect(text).toContain(message);
  for (const odd of [undefined, null, 7, "text", Object.freeze(bad("x")), Symbol("y"), () => undefined])
    expect(() => mendStacks(odd)).not.toThrow();
});

/** What Pulumi's SDK does with a program: source maps, handlers that print in colours, then the program. */
const PROGRAM = `
const { inspect } = require("node:util");
for (const event of ["uncaughtException", "unhandledRejection"])
  process.on(event, (error) => { console.log(event, inspect(error, { colors: true })); process.exit(7); });
require("source-map-support/register");
`;
const THROWS = {
  "in an apply": 'require("@pulumi/pulumi").output(1).apply(() => { throw new Error("my mistake") });',
  "at the top": 'new (require("@pulumi/pulumi").Config)("p").requireNumber("missing");',
};
const run = (text: string) =>
  spawnSync(process.execPath, ["--max-old-space-size=64", "-e", text], {
    cwd: ROOT,
    encoding: "utf8",
    timeout: 60_000,
  });

describe.each(Object.entries(THROWS))("an error %s", (_, mistake) => {
  const shield = join(ROOT, "dist/host/stack-lines.js");

  test("is printed", () => {
    expect(existsSync(shield)).toBe(true);
    const { stdout, status, stderr } = run(`${PROGRAM}require(${JSON.stringify(shield)});${mistake}`);
    expect({ status, stderr }).toEqual({ status: 7, stderr: "" });
    expect(stdout).toMatch(/^(uncaughtException|unhandledRejection) /);
    expect(stdout).toMatch(/my mistake|Missing required configuration variable 'p:missing'/);
    expect(stdout).toContain("@pulumi/…");
  }, 60_000);

  test("is lost without it, where this Node.js has the fault", () => {
    const fault = run(
      'const e = new Error("x"); e.stack = "Error: x\\n    at /node_modules/@a/b.js:1:1"; console.log(require("util").inspect(e, { colors: true }));',
    );
    const { stdout, status } = run(PROGRAM + mistake);
    expect(status === 7 && stdout !== "").toBe(fault.status === 0);
  }, 120_000);
});

test("who imports it changes nothing of how a process ends", () => {
  const shield = JSON.stringify(join(ROOT, "dist/host/stack-lines.js"));
  for (const mistake of ['throw new Error("x")', 'void Promise.reject(new Error("x"))']) {
    const { status, stderr } = run(`require(${shield}); ${mistake}; setTimeout(() => console.log("lives on"), 200);`);
    expect(status).toBe(1);
    expect(stderr).toContain("Error: x");
  }
}, 60_000);
