// The lab's test files: by hand in the order of their names, for they go from cheap to destructive in one lab. Where labs run side by side (LAB_RUN), first
// the one that makes the intranet, then those that begin with an empty lab, then those of the intranet: so each lab changes from one to the other once. Of
// each the longest first. All other tests need no order, and jest's own, the longest first, ends sooner.
const path = require("node:path");
const Sequencer = require("@jest/test-sequencer").default;
const { secondsOf } = require("./lab-times.js");

const rank = (name) => (name.startsWith("10-") ? 0 : /^\d/.test(name) ? 2 : 1);

module.exports = class extends Sequencer {
  sort(tests) {
    if (tests.some(({ path }) => !path.includes("/test/lab/"))) return super.sort(tests);
    const named = tests.map((test) => ({ test, name: path.basename(test.path) }));
    named.sort((a, b) => (a.name < b.name ? -1 : 1));
    if (process.env.LAB_RUN) named.sort((a, b) => rank(a.name) - rank(b.name) || secondsOf(b.name) - secondsOf(a.name));
    return named.map(({ test }) => test);
  }
};
