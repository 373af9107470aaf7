/**
 * `nodeargs: --require pulumi-intranet/quick` in Pulumi.yaml, or `import "pulumi-intranet/quick"` as the first line of
 * a program: half of a small program's processor time less. It changes how the SDK is loaded and what it notes for
 * those who look for its own faults, and nothing of what it does. See docs/performance.md.
 */
import { realpathSync } from "node:fs";
import { dirname } from "node:path";
import { keepCompiled } from "./compiled";
import { leaveOutDebugLines } from "./debug-lines";
import { inspectWhenUsed } from "./inspector";
import { connectWhenUsed, loadWhenUsed } from "./later";
import { leaveOutUnreadStacks } from "./stacks";

/** The SDK's script that runs a program. */
const RUNS_PROGRAMS = /[\\/]@pulumi[\\/]pulumi[\\/]cmd[\\/]run[\\/]index\.js$/;

/** Where the SDK is found from: the script of its own that this process runs, or the folder of the program. */
const script = process.argv[1] ?? "";
const folder = RUNS_PROGRAMS.test(script) ? dirname(realpathSync(script)) : process.cwd();
// Before the SDK is loaded something else may be that has to be first: what follows Pulumi's own calls (`TRACEPARENT`,
// W3C Trace Context).
if (process.env["TRACEPARENT"] === undefined) {
  keepCompiled();
  loadWhenUsed(folder);
  connectWhenUsed();
  inspectWhenUsed(folder);
  leaveOutUnreadStacks(folder);
  leaveOutDebugLines(folder);
}
