/**
 * What bin/test makes of jest's results. `failed FILE`: the test files that failed in a run. `sum FOLDER FAILED`: the last line of a test run,
 * from all results in the folder (`NAME.again.json`: what was run once more of `NAME.json`) and the single steps; FAILED is 1 where a run left none.
 */
const fs = require("node:fs");
const path = require("node:path");

const read = (file) => (fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, "utf8")) : { testResults: [] });
const failedFiles = (results) =>
  results.testResults.filter(({ status }) => status === "failed").map(({ name }) => name);
const relative = (name) => path.relative(process.cwd(), name);

/** [passed, failed] tests of a file; one that failed without a failed test counts as one. */
function count({ status, assertionResults }) {
  const of = (wanted) => assertionResults.filter((test) => test.status === wanted).length;
  return [of("passed"), Math.max(of("failed"), status === "failed" ? 1 : 0)];
}

/** Counts of all results in a folder, and the tests that failed and then did not. */
function sum(folder) {
  const counts = [];
  const unstable = [];
  for (const name of fs.readdirSync(folder).sort()) {
    const file = path.join(folder, name);
    if (name === "steps")
      for (const line of fs.readFileSync(file, "utf8").trim().split("\n")) counts.push(line.split(" ").map(Number));
    if (!name.endsWith(".json") || name.endsWith(".again.json")) continue;
    const again = read(file.replace(/json$/, "again.json")).testResults;
    for (const first of read(file).testResults) {
      const second = again.find((result) => result.name === first.name);
      counts.push(count(second ?? first));
      if (second?.status !== "passed") continue;
      const failed = first.assertionResults.filter((test) => test.status === "failed");
      unstable.push(
        `${relative(first.name)}: ${failed.map((test) => test.fullName).join("; ") || "outside of its tests"}`,
      );
    }
  }
  return {
    passed: counts.reduce((all, [one]) => all + one, 0),
    failed: counts.reduce((all, [, one]) => all + one, 0),
    unstable,
  };
}

const [what, where, crashed] = process.argv.slice(2);
if (what === "failed") for (const name of failedFiles(read(where))) process.stdout.write(`${name}\n`);
if (what === "sum") {
  const { passed, failed, unstable } = sum(where);
  for (const line of unstable) process.stderr.write(`UNSTABLE, failed once and passed when it ran again: ${line}\n`);
  const bad = failed === 0 && crashed !== "0" ? 1 : failed;
  process.stdout.write(`${passed} passed, ${bad} failed\n`);
  process.exitCode = bad ? 1 : 0;
}
