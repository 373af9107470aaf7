// command:local:Command and command:local:run: a command line on the machine that runs the engine.
import { spawn } from "node:child_process";
import { failure } from "../common/plugin";
import type { Properties } from "../common/values";
import { checkCommand, commandResource, type Runner } from "./command-resource";
import { type Ending, Output } from "./output";

const keys = [
  "addPreviousOutputInEnv",
  "create",
  "delete",
  "dir",
  "environment",
  "interpreter",
  "logging",
  "stdin",
  "triggers",
  "update",
];

const running = new Set<ReturnType<typeof spawn>>();

/** Ends every command that runs: the engine wants to stop. */
export async function cancelLocalCommands(): Promise<void> {
  running.forEach((child) => child.kill("SIGTERM"));
}

const run: Runner = async (command, properties, env, scope) => {
  const output = new Output(properties.logging, scope);
  const [file = "/bin/sh", ...args] = Array.isArray(properties.interpreter)
    ? properties.interpreter.map(String)
    : ["/bin/sh", "-c"];
  const ending = await new Promise<Ending>((resolve, reject) => {
    const cwd = typeof properties.dir === "string" ? properties.dir : undefined;
    const child = spawn(file, [...args, command], { cwd, env: { ...process.env, ...env }, stdio: "pipe" });
    running.add(child);
    child.stdout.on("data", (chunk: Buffer) => output.stdout.take(chunk));
    child.stderr.on("data", (chunk: Buffer) => output.stderr.take(chunk));
    // A command that does not read its input closes the pipe early: that is its business.
    child.stdin.on("error", () => undefined);
    child.stdin.end(typeof properties.stdin === "string" ? properties.stdin : "");
    child.on("error", (error) =>
      reject(new Error(`${file} cannot be started${cwd ? ` in ${cwd}` : ""}: ${error.message}`)),
    );
    child.on("close", (code, signal) => {
      running.delete(child);
      resolve({ code, signal });
    });
  });
  output.requireSuccess(ending, command, "this machine", scope);
  return output;
};

function checkAssets(inputs: Properties) {
  return ["assetPaths", "archivePaths"]
    .filter((key) => inputs[key] !== undefined)
    .map((key) =>
      failure(key, `this stand-in does not collect files ("${key}"); install the official command plugin for that`),
    );
}

/** A command line that an interpreter on this machine runs; /bin/sh -c when none is given. */
export const localCommand = commandResource(run, keys, (inputs) => [...checkCommand(inputs), ...checkAssets(inputs)]);

/** The function command:local:run: runs at once, also in a preview, and returns what the command printed. */
export async function localRun(args: Properties): Promise<Properties> {
  const problems = [...checkCommand(args), ...checkAssets(args)];
  if (typeof args.command !== "string") problems.push(failure("command", '"command" is required'));
  if (problems.length > 0) throw new Error(problems.map(({ reason }) => reason).join("; "));
  const environment = (args.environment ?? {}) as Record<string, string>;
  const output = await run(String(args.command), args, environment, { isSecret: () => false, redact: (text) => text });
  return { ...args, ...output.properties() };
}
