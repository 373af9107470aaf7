/**
 * Debug lines that `@pulumi/pulumi` sends to the engine about each resource, which shows them to nobody unless it runs
 * with `--debug`.
 */
import { replaceExported } from "./exported";

/** Keeps them. */
const OPTION = "INTRANET_SDK_DEBUG";

/** How the SDK's own lines begin; a program's own are never left out. */
const OWN =
  /^(Registering resource: |RegisterResource(Outputs)? RPC (prepared|finished): |Resource RPC serialization )/;

/**
 * Leaves out three lines of each resource. The SDK sends one after the other, each when the one before it has been
 * answered, so in a large program they are what it waits for at last, and what it keeps in memory until then. The last
 * of the three has all of a resource's outputs in clear, which the engine writes into its log from `-v=3` on
 * (docs/operations.md). `folder`: as for `loadWhenUsed`.
 */
export function leaveOutDebugLines(folder: string, environment: NodeJS.ProcessEnv = process.env): void {
  if (environment[OPTION]) return;
  type Send = (message: string, ...more: unknown[]) => Promise<void>;
  replaceExported<Send>(
    folder,
    "@pulumi/pulumi/log",
    "debug",
    (send) =>
      (message, ...more) =>
        OWN.test(message) ? Promise.resolve() : send(message, ...more),
  );
}
