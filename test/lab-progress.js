/** A reporter of jest's: after each file of the lab's tests, how far the run is and which files run now. */
const path = require("node:path");

module.exports = class {
  constructor() {
    this.running = new Set();
    this.began = Date.now();
  }

  onTestFileStart({ path: file }) {
    this.running.add(path.basename(file, ".test.ts"));
  }

  onTestFileResult({ path: file }, _result, { numTotalTestSuites, numFailedTestSuites, numPassedTestSuites }) {
    if (!file.includes("/test/lab/")) return;
    this.running.delete(path.basename(file, ".test.ts"));
    const minutes = ((Date.now() - this.began) / 60_000).toFixed(1);
    const running = [...this.running].join(", ");
    process.stderr.write(
      `==> ${numFailedTestSuites + numPassedTestSuites} of ${numTotalTestSuites} files after ${minutes} min` +
        `${running ? `; running: ${running}` : ""}\n`,
    );
  }
};
