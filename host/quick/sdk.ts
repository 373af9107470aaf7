/** Pulumi's SDK as a program finds it. */
import { createRequire } from "node:module";
import { join } from "node:path";

/** Loads what a program in `folder` would. */
export function asProgram(folder: string): NodeJS.Require {
  return createRequire(join(folder, "program.js"));
}

/** Loads what the SDK of a program in `folder` would. @throws Error when it finds none. */
export function asSdk(folder: string): NodeJS.Require {
  return createRequire(asProgram(folder).resolve("@pulumi/pulumi/package.json"));
}
