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
  // Each file by itself.
  results("lab.again0", file("t/a", ["passed", "passed"]));
  results("lab.again1", file("t/b", ["failed"]));
  const { stdout, stderr, status } = run("sum", folder, "0");
  expect([stdout, status]).toEqual(["3 passed, 1 failed\n", 1]);
  expect(stderr).toBe("UNSTABLE, failed once and passed when it ran again: t/a: test 1\n");
  results("lab.again1", file("t/b", ["passed"]));
  expect(run("sum", folder, "0")).toMatchObject({ stdout: "4 passed, 0 failed\n", status: 0 });
});

test("where the time went: each file, the longest first, and all together", () => {
  const note = (name: string, lab: string, seconds: object) =>
    writeFileSync(join(folder, `${name}.json`), JSON.stringify({ file: name, lab, seconds }));
  note("a.test.ts", "test-1", { up: 10, boot: 0, wait: 2.4, test: 1 });
  note("b.test.ts", "test-2", { up: 20, boot: 5, wait: 0, test: 0 });
  const lines = run("times", folder).stderr.trimEnd().split("\n");
  expect(lines.map((line) => line.split(/ +/))).toEqual([
    ["seconds", "of", "each", "file", "lab", "all", "up", "boot", "wait", "test"],
    ["b.test.ts", "test-2", "25", "20", "5", "0", "0"],
    ["a.test.ts", "test-1", "13", "10", "0", "2", "1"],
    ["together", "38", "30", "5", "2", "1"],
    expect.any(Array),
  ]);
});

test("how long it will take is the measured time of each file, divided by the labs", () => {
  const minutes = (labs: string) => Number(/about (\d+) minutes/.exec(run("estimate", "lab", labs).stdout)![1]);
  expect(minutes("1")).toBeGreaterThan(20);
  expect(Math.abs(minutes("1") / 4 - minutes("4"))).toBeLessThanOrEqual(1);
});

test("how busy the processors were, between two looks", () => {
  const before = run("busy").stdout.trim();
  expect(before).toMatch(/^\d+,\d+$/);
  const [all, idle] = before.split(",").map(Number) as [number, number];
  const said = run("busy", `${all - 1000},${idle - 500}`).stdout;
  const share = Number(/busy (\d+) %/.exec(said)![1]);
  expect(share).toBeGreaterThanOrEqual(40);
  expect(share).toBeLessThanOrEqual(70);
});
