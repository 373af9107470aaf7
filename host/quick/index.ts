/**
 * `import "pulumi-intranet/quick"` as the first line of a program, before `@pulumi/pulumi`: half of a small program's processor time less. It changes how
 * the SDK is loaded and what it notes for those who look for its own faults, and nothing of what it does. See docs/performance.md.
 */
import { leaveOutDebugLines } from "./debug-lines";
import { loadWhenUsed } from "./later";
import { leaveOutUnreadStacks } from "./stacks";

loadWhenUsed(process.cwd());
leaveOutUnreadStacks(process.cwd());
leaveOutDebugLines(process.cwd());
