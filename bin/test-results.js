/**
 * What bin/test says of its run. `estimate WHAT LABS`: how long it will take. `failed FILE`: the test files that failed in a run of jest's. `times FOLDER`:
 * where the time of the lab's tests went. `busy [BEFORE]`: the processors' ticks, or their share since then. `sum FOLDER FAILED`: the last line, from all
 * results in the folder (`NAME.againN.json`: what was run once more of `NAME.json`) and the single steps; FAILED is 1 where a run left none.
 */
const fs = require("node:fs");
const path = require("node:path");
const { estimate, labFiles } = require("../test/lab-times.js");

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
    if (!name.endsWith(".json") || /\.again\d+\.json$/.test(name)) continue;
    const again = fs
      .readdirSync(folder)
      .filter((other) => new RegExp(`^${path.basename(name, ".json")}\\.again\\d+\\.json$`).test(other))
      .flatMap((other) => read(path.join(folder, other)).testResults);
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

/** Seconds of lint, unit and component tests. */
const UNIT_SECONDS = 180;

/** How long a run takes when all that it needs has been built; once, the toolchain and the lab's images come first. */
function length(what, labs) {
  const seconds = (what === "lab" ? 0 : UNIT_SECONDS) + (what === "unit" ? 0 : estimate(labFiles(), labs));
  const first = what === "unit" ? "" : ", and about 20 more where the toolchain and the lab's images are not built yet";
  return `this takes about ${Math.max(1, Math.round(seconds / 60))} minutes on two processors${first}`;
}

/** All ticks of all processors, and those of them that were idle, as the kernel counts them (proc_stat(5)). */
function ticks() {
  const all = fs.readFileSync("/proc/stat", "utf8").split("\n")[0].trim().split(/\s+/).slice(1, 9).map(Number);
  return [all.reduce((sum, one) => sum + one, 0), all[3] + all[4]];
}

/** A table of the lab's files: where it ran, seconds, and what they went to. */
function timesTable(folder) {
  const files = fs.existsSync(folder) ? fs.readdirSync(folder) : [];
  const rows = files
    .map((name) => JSON.parse(fs.readFileSync(path.join(folder, name), "utf8")))
    .map(({ file, lab, seconds }) => ({ file, lab, seconds, all: Object.values(seconds).reduce((a, b) => a + b, 0) }))
    .sort((a, b) => b.all - a.all);
  const kinds = ["up", "boot", "wait", "test"];
  const line = (name, lab, numbers) =>
    `${name.padEnd(26)} ${lab.padEnd(8)} ${numbers.map((n) => n.padStart(6)).join("")}`;
  const sums = kinds.map((kind) => rows.reduce((sum, { seconds }) => sum + seconds[kind], 0));
  return [
    line("seconds of each file", "lab", ["all", ...kinds]),
    ...rows.map(({ file, lab, seconds, all }) =>
      line(
        file,
        lab,
        [all, ...kinds.map((kind) => seconds[kind])].map((n) => n.toFixed(0)),
      ),
    ),
    line(
      "together",
      "",
      [sums.reduce((a, b) => a + b, 0), ...sums].map((n) => n.toFixed(0)),
    ),
    "up: Pulumi runs; boot: labs and hosts boot or go back to a snapshot; wait: until something has happened; test: the rest",
  ].join("\n");
}

const [what, where, more] = process.argv.slice(2);
const print = (text) => process.stdout.write(`${text}\n`);
switch (what) {
  case "estimate":
    print(length(where, Number(more)));
    break;
  case "failed":
    for (const name of failedFiles(read(where))) print(name);
    break;
  case "times":
    process.stderr.write(`${timesTable(where)}\n`);
    break;
  case "busy": {
    const now = ticks();
    if (where === undefined) print(now.join(","));
    else {
      const [all, idle] = where.split(",").map((before, index) => now[index] - Number(before));
      print(`the processors were busy ${Math.round((1 - idle / all) * 100)} % of the lab tests' time`);
    }
    break;
  }
  case "sum": {
    const { passed, failed, unstable } = sum(where);
    for (const line of unstable) process.stderr.write(`UNSTABLE, failed once and passed when it ran again: ${line}\n`);
    const bad = failed === 0 && more !== "0" ? 1 : failed;
    print(`${passed} passed, ${bad} failed`);
    process.exitCode = bad ? 1 : 0;
    break;
  }
  default:
    throw new Error(`bin/test-results.js: unknown ${what}`);
}
