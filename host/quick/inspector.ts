/**
 * V8's inspector, to which `@pulumi/pulumi` connects in every program, to say in errors where a function is that it
 * cannot take apart.
 */
import { type Debugger, Session } from "node:inspector";
import { replaceExported } from "./exported";

/** The SDK's module for it. */
const HOOKS = "@pulumi/pulumi/runtime/closure/v8Hooks";

/**
 * Connects when the SDK takes a function apart, and not before the program begins: with the inspector every script that
 * is loaded is told of, a tenth of a small program's processor time. The SDK hears only of what is loaded after it has
 * connected; here V8 is asked for all scripts there are, which it tells whoever begins to debug (Chrome DevTools
 * Protocol, Debugger.scriptParsed). `folder`: as for `loadWhenUsed`.
 */
export function inspectWhenUsed(folder: string): void {
  const earlier = new Map<string, string>();
  let noted: Promise<void> | undefined;
  replaceExported<() => Promise<void>>(folder, HOOKS, "isInitializedAsync", () => () => Promise.resolve());
  replaceExported<() => Promise<Session>>(folder, HOOKS, "getSessionAsync", (connect) => async () => {
    noted ??= scripts().then((found) => found.forEach(({ scriptId, url }) => earlier.set(scriptId, url)));
    await noted;
    return connect();
  });
  replaceExported<(id: string) => string | undefined>(
    folder,
    HOOKS,
    "getScriptUrl",
    (later) => (id) => later(id) ?? earlier.get(id),
  );
}

/** All scripts that are loaded. */
async function scripts(): Promise<Debugger.ScriptParsedEventDataType[]> {
  const session = new Session();
  const found: Debugger.ScriptParsedEventDataType[] = [];
  session.connect();
  session.on("Debugger.scriptParsed", ({ params }) => found.push(params));
  await new Promise<void>((done, fail) => session.post("Debugger.enable", (error) => (error ? fail(error) : done())));
  session.disconnect();
  return found;
}
