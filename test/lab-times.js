/** How long each file of the lab's tests takes: what was measured last (lab-times.json), for their order and for what a run says of its length. */
const fs = require("node:fs");
const path = require("node:path");

const measured = JSON.parse(fs.readFileSync(path.join(__dirname, "lab-times.json"), "utf8"));
/** Of a file that was never measured. */
const UNKNOWN = 60;

/** Seconds that a file took, by its name. */
exports.secondsOf = (name) => measured[name] ?? UNKNOWN;

/** Names of the lab's test files. */
exports.labFiles = () => fs.readdirSync(path.join(__dirname, "lab")).filter((name) => name.endsWith(".test.ts"));

/** Seconds that files take when so many labs run side by side. */
exports.estimate = (names, labs) => names.reduce((sum, name) => sum + exports.secondsOf(name), 0) / Math.max(1, labs);
