/**
 * Lets an error of a program be printed, whoever made it.
 *
 * Pulumi's SDK prints an uncaught error, short ones too, by `util.inspect` in colours (its cmd/run). Node.js 20, 22 and
 * others before nodejs/node#64022 never come to the end of a stack line whose file lies in `node_modules`, or in the
 * folder of a scope there, and not in a package (nodejs/node#64011): half a minute later the program ends with "heap
 * out of memory", and nobody sees the error. The SDK's own source maps make such lines: they say
 * `node_modules/@pulumi/output.ts` for what is in `node_modules/@pulumi/pulumi`, which is under each `apply`,
 * `config.require` and constructor of a resource.
 *
 * So whoever imports this package listens before the SDK does, and writes into such lines what is missing. Nothing of
 * Node.js or of the SDK is changed.
 */

/** A line whose file lies directly in node_modules, or in a scope's folder there: all up to the file's own name. */
const WITHOUT_PACKAGE = /^(\s+at .*([\\/])node_modules[\\/](?:@[^\\/\s]+[\\/])?)(?=[^\\/\n]*$)/gm;
/** `util.inspect` shows what lies so deep in an error, and errors in it by their stacks. */
const DEEPEST = 3;

/** The stack with `…` for each package's folder that a line leaves out; all else as it is. */
export function withPackages(stack: string): string {
  return stack.replace(WITHOUT_PACKAGE, "$1…$2");
}

/** Mends the stack of an error, and of the errors in it, in place. Takes whatever was thrown; never throws. */
export function mendStacks(thrown: unknown, depth = 0, seen = new Set<unknown>()): void {
  if (typeof thrown !== "object" || thrown === null || depth > DEEPEST || seen.has(thrown)) return;
  seen.add(thrown);
  try {
    if (thrown instanceof Error && typeof thrown.stack === "string") {
      const stack = withPackages(thrown.stack);
      if (stack !== thrown.stack) thrown.stack = stack;
    }
    for (const { value } of Object.values(Object.getOwnPropertyDescriptors(thrown)))
      mendStacks(value as unknown, depth + 1, seen);
  } catch {
    // Frozen, or made to refuse: it stays as it is.
  }
}

/** Mends what is thrown and not caught from now on. Whether a program goes on or ends is up to others, as before. */
function listen(): void {
  process.on("uncaughtExceptionMonitor", (error) => mendStacks(error));
  // The first listener would keep Node.js from ending the process; the SDK has its own, before it loads a program.
  if (process.listenerCount("unhandledRejection") > 0)
    process.prependListener("unhandledRejection", (reason) => mendStacks(reason));
}

listen();
