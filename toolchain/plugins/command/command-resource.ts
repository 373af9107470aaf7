// What the remote and the local command have in common: when they run, with which environment, what they leave behind.
import { randomBytes } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { CheckFailure } from "@pulumi/pulumi/provider";
import { failure, type ResourceType, type Scope } from "../common/plugin";
import { hasUnknown, isObject, type Properties } from "../common/values";
import type { Output } from "./output";

/** Runs a command line; throws unless it ends with 0. */
export type Runner = (
  command: string,
  properties: Properties,
  environment: Record<string, string>,
  scope: Scope,
) => Promise<Output>;

/** Whatever goes into a command makes what it prints as secret as itself. */
export const secretFrom = {
  stdout: ["create", "update", "environment", "stdin"],
  stderr: ["create", "update", "environment", "stdin"],
};

const loggings = ["stdout", "stderr", "stdoutAndStderr", "none"];

/** Failures of the inputs that every kind of command has. */
export function checkCommand(inputs: Properties): CheckFailure[] {
  const failures = ["create", "update", "delete", "stdin"]
    .filter((key) => inputs[key] !== undefined && typeof inputs[key] !== "string")
    .map((key) => failure(key, `"${key}" must be a text`));
  const { environment, logging } = inputs;
  if (environment !== undefined && !hasUnknown(environment)) {
    const valid =
      isObject(environment) &&
      Object.entries(environment).every(([name, value]) => /^[A-Za-z_]\w*$/.test(name) && typeof value === "string");
    if (!valid) failures.push(failure("environment", '"environment" must map names (letters, digits, _) to texts'));
  }
  if (logging !== undefined && !hasUnknown(logging) && !loggings.includes(String(logging))) {
    failures.push(failure("logging", `"logging" must be one of ${loggings.join(", ")}`));
  }
  return failures;
}

/** A changed trigger replaces; any other changed input updates, which runs `update`, or `create` when there is none. */
export function diffOf(keys: readonly string[]) {
  return (outputs: Properties, inputs: Properties) => {
    const changed = keys.filter((key) => !isDeepStrictEqual(outputs[key], inputs[key]));
    return { changes: changed.length > 0, replaces: changed.filter((key) => key === "triggers") };
  };
}

/** A random id, as commands have no name of their own. */
export function randomId(kind: string): string {
  return `${kind}${randomBytes(8).toString("hex")}`;
}

function environmentOf(properties: Properties, earlier?: Properties): Record<string, string> {
  const own = isObject(properties.environment) ? (properties.environment as Record<string, string>) : {};
  if (!earlier || properties.addPreviousOutputInEnv === false) return own;
  return {
    PULUMI_COMMAND_STDOUT: String(earlier.stdout ?? ""),
    PULUMI_COMMAND_STDERR: String(earlier.stderr ?? ""),
    ...own,
  };
}

/** The life of a command resource on top of a way to run command lines. */
export function commandResource(
  run: Runner,
  keys: readonly string[],
  check: (inputs: Properties) => CheckFailure[],
): ResourceType {
  const perform = async (
    command: unknown,
    properties: Properties,
    scope: Scope,
    earlier?: Properties,
  ): Promise<Properties> => {
    if (typeof command !== "string" || command === "") return { stdout: "", stderr: "" };
    return (await run(command, properties, environmentOf(properties, earlier), scope)).properties();
  };
  return {
    secretFrom,
    check: (inputs) => ({ failures: check(inputs) }),
    diff: diffOf(keys),
    create: async (inputs, scope) => ({
      id: randomId("cmd"),
      outputs: { ...inputs, ...(await perform(inputs.create, inputs, scope)) },
    }),
    update: async (_id, outputs, inputs, scope) => ({
      ...inputs,
      ...(await perform(inputs.update ?? inputs.create, inputs, scope, outputs)),
    }),
    delete: async (_id, outputs, scope) => {
      await perform(outputs.delete, outputs, scope, outputs);
    },
  };
}
