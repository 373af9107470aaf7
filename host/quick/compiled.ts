/** What V8 has compiled, kept for the next process. */
import * as modules from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";

/** By then a process has loaded what it needs. A provider hears of its end too late to write anything. */
const WRITE_MS = 500;

/** Of Node.js 22.1 and newer. */
interface Keeps {
  enableCompileCache?: (folder: string) => unknown;
  flushCompileCache?: () => void;
}

/**
 * Keeps the compiled form of all that is loaded from here on in `$XDG_CACHE_HOME/pulumi-intranet/compiled` (by default
 * below `~/.cache`), and takes it from there: a quarter of what loading takes. Node.js looks whether a file is still
 * the one that was compiled. Older releases of it keep nothing, and neither does one that is told not to, or where to
 * (`NODE_DISABLE_COMPILE_CACHE`, `NODE_COMPILE_CACHE`). What cannot be written is not kept.
 */
export function keepCompiled(environment: NodeJS.ProcessEnv = process.env): void {
  const { enableCompileCache, flushCompileCache } = modules as Keeps;
  if (enableCompileCache === undefined || environment["NODE_COMPILE_CACHE"]) return;
  enableCompileCache(join(environment["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "pulumi-intranet/compiled"));
  if (flushCompileCache !== undefined) setTimeout(flushCompileCache, WRITE_MS).unref();
}
