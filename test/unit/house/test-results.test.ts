/** What a test run counts: results of all its parts, with the second try of a file in the place of its first. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const ROOT = resolve(__dirname, "../../..");
let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "intranet-results-"))));
afterEach(() => rmSync(folder, { recursive: true }));

/** A file's results as jest gives them: the status of each test, and whether the file failed besides. */
const file = (name: string, tests: string[], failed = tests.includes("failed")) => ({
  name: join(ROOT, name),
  status: failed ? "failed" : "passed",
  assertionResults: tests.map((status, index) => ({ status, fullName: `test ${index}` })),
});
const results = (name: string, ...testResults: object[]) =>
  writeFileSync(join(folder, `${name}.json`), JSON.stringify({ testResults }));

function run(...args: string[]) {
  const { stdout, stderr, status } = spawnSync(process.execPath, ["bin/test-results.js", ...args], { cwd: ROOT });
  return { stdout: String(stdout), stderr: String(stderr), status };
}

test("tests and steps are counted; a file that fails outside of its tests counts as one", () => {
  results("unit", file("a", ["passed", "passed", "pending"]), file("b", ["passed", "failed", "failed"]));
  results("lab", file("c", ["passed"], true));
  writeFileSync(join(folder, "steps"), "1 0\n0 1\n");
  expect(run("sum", folder, "0")).toEqual({ stdout: "5 passed, 4 failed\n", stderr: "", status: 1 });
});

test("a run without results is no success", () => {
  results("unit", file("a", ["passed"]));
  expect(run("sum", folder, "0")).toEqual({ stdout: "1 passed, 0 failed\n", stderr: "", status: 0 });
  expect(run("sum", folder, "1")).toEqual({ stdout: "1 passed, 1 failed\n", stderr: "", status: 1 });
});

test("what failed runs once more: it is a failure if it fails again, and is named if it does not", () => {
  results("lab", file("t/a", ["passed", "failed"]), file("t/b", ["failed"]), file("t/c", ["passed"]));
  expect(run("failed", join(folder, "lab.json")).stdout).toBe(`${join(ROOT, "t/a")}\n${join(ROOT, "t/b")}\n`);
  results("lab.again", file("t/a", ["passed", "passed"]), file("t/b", ["failed"]));
  const { stdout, stderr, status } = run("sum", folder, "0");
  expect([stdout, status]).toEqual(["3 passed, 1 failed\n", 1]);
  expect(stderr).toBe("UNSTABLE, failed once and passed when it ran again: t/a: test 1\n");
  results("lab.again", file("t/a", ["passed", "passed"]), file("t/b", ["passed"]));
  expect(run("sum", folder, "0")).toMatchObject({ stdout: "4 passed, 0 failed\n", status: 0 });
});
