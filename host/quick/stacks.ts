/** Stacks that `@pulumi/pulumi` takes and nobody reads. */

/** The function of the SDK that takes them, for its option that names promises which are never kept. */
const TAKER = "debuggablePromise";
const OPTION = "PULUMI_DEBUG_PROMISE_LEAKS";

/** The one that takes every line there is, to tell the engine where a resource is made, and how many of them say so: the first five are the SDK's and the classes'. */
const PLACES = "callsites";
const PLACE_LINES = 8;

/**
 * Leaves out the lines of the stacks that the SDK takes four times for each property of each resource: its source-map support looks up each line
 * at once, a third of a large program's processor time. The one of each resource keeps the lines that say where it is made, in the code that
 * runs. Every other stack is written as before, and these too where the SDK's option asks for them.
 */
export function leaveOutUnreadStacks(environment: NodeJS.ProcessEnv = process.env): void {
  const write = Error.prepareStackTrace;
  if (write === undefined || environment[OPTION]) return;
  Error.prepareStackTrace = (error, frames) => {
    const by = frames[0]?.getFunctionName();
    if (by === TAKER) return String(error);
    if (by !== PLACES) return write(error, frames) as unknown;
    return [String(error), ...frames.slice(0, PLACE_LINES).map((frame) => `    at ${frame}`)].join("\n");
  };
}
