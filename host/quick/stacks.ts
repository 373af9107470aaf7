/** Stacks that `@pulumi/pulumi` takes and nobody reads. */

/** The function of the SDK that takes them, for its option that names promises which are never kept. */
const TAKER = "debuggablePromise";
const OPTION = "PULUMI_DEBUG_PROMISE_LEAKS";

/**
 * Leaves out the lines of the stacks that the SDK takes four times for each property of each resource: its source-map support looks up each line
 * at once, a fifth of a program's processor time. Every other stack is written as before, and these too where the SDK's option asks for them.
 */
export function leaveOutUnreadStacks(environment: NodeJS.ProcessEnv = process.env): void {
  const write = Error.prepareStackTrace;
  if (write === undefined || environment[OPTION]) return;
  Error.prepareStackTrace = (error, frames) =>
    frames[0]?.getFunctionName() === TAKER ? String(error) : (write(error, frames) as unknown);
}
