// The lab's test files run in the order of their names: they build on one lab and go from cheap to destructive. The others
// need no order, and jest's own, the longest first, ends sooner.
const Sequencer = require("@jest/test-sequencer").default;

module.exports = class extends Sequencer {
  sort(tests) {
    if (tests.some(({ path }) => !path.includes("/test/lab/"))) return super.sort(tests);
    return [...tests].sort((a, b) => (a.path < b.path ? -1 : 1));
  }
};
