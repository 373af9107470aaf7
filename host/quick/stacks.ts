/** Stacks that `@pulumi/pulumi` takes and nobody reads. */
import { replaceExported } from "./exported";
import { asSdk } from "./sdk";

/** The module and function of the SDK that take them, for its option that names promises which are never kept. */
const DEBUGGABLE = "@pulumi/pulumi/runtime/debuggable";
const OPTION = "PULUMI_DEBUG_PROMISE_LEAKS";
type Note = (promise: Promise<unknown>, about?: unknown) => unknown;

/**
 * The one that takes every line there is, to tell the engine where a resource is made, and how many of them say so: the
 * first five are the SDK's and the classes'.
 */
const PLACES = "callsites";
const PLACE_LINES = 8;

/**
 * Leaves out the stacks that the SDK takes four times for each property of each resource: to take one and look up its
 * lines is a third of a large program's processor time. The one of each resource keeps the lines that say where it is
 * made, in the code that runs. Every other stack is as before, and these too where the SDK's option asks for them.
 * `folder`: as for `loadWhenUsed`.
 */
export function leaveOutUnreadStacks(folder: string, environment: NodeJS.ProcessEnv = process.env): void {
  if (environment[OPTION]) return;
  withoutStack(folder);
  mapped(folder);
  const write = Error.prepareStackTrace;
  if (write === undefined) return;
  Error.prepareStackTrace = (error, frames) => {
    if (frames[0]?.getFunctionName() !== PLACES) return write(error, frames) as unknown;
    return [String(error), ...frames.slice(0, PLACE_LINES).map((frame) => `    at ${frame}`)].join("\n");
  };
}

/**
 * The SDK looks up lines in source maps in every program: what does so comes first, for it takes the place of what was
 * there.
 */
function mapped(folder: string): void {
  try {
    asSdk(folder)("source-map-support/register");
  } catch {
    // Another SDK: lines are as they are.
  }
}

function withoutStack(folder: string): void {
  replaceExported<Note>(folder, DEBUGGABLE, "debuggablePromise", (note) => (promise, about) => {
    const lines = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    try {
      return note(promise, about);
    } finally {
      Error.stackTraceLimit = lines;
    }
  });
}
