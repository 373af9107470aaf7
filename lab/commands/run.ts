/** `bin/lab run`: a command as the operator, who sits on home's LAN. */
import { existsSync } from "node:fs";
import * as path from "node:path";
import { CLOUDFLARE_API_TOKEN, CLOUDFLARE_BASE_URL, HCLOUD_ENDPOINT, HCLOUD_TOKEN } from "../constants";
import { operatorArgv } from "../lab-process";
import { projectRoot, type InstancePaths } from "../paths";
import { attach, CommandError, run } from "../process";

let environment: Record<string, string> | undefined;

/**
 * What the toolchain sets for the engine; empty where there is none or it is not built, which only matters to who runs
 * the engine.
 */
async function toolchainEnvironment(command: string): Promise<Record<string, string>> {
  const toolchain = path.join(projectRoot(), "toolchain", "bin", "toolchain");
  if (!existsSync(toolchain)) return {};
  try {
    return (environment ??= JSON.parse(await run([toolchain, "env", "--json"])) as Record<string, string>);
  } catch (error) {
    if (path.basename(command) === "pulumi" && error instanceof CommandError)
      process.stderr.write(`lab: ${error.output}\n`);
    return {};
  }
}

/** The variables of the operator's commands: the engine's backend, the clouds, the SSH agent. */
export function operatorEnvironment(paths: InstancePaths): Record<string, string> {
  return {
    PULUMI_BACKEND_URL: `file://${paths.pulumi}`,
    PULUMI_CONFIG_PASSPHRASE: "lab",
    PULUMI_STACK: "lab",
    HCLOUD_TOKEN,
    HCLOUD_ENDPOINT,
    CLOUDFLARE_API_TOKEN,
    CLOUDFLARE_BASE_URL,
    SSH_AUTH_SOCK: paths.agentSocket,
    INTRANET_SSH_KEY: paths.operatorKey,
    LAB_NAME: paths.name,
  };
}

/**
 * The stack that `pulumi` works on: the one that the caller named; in the lab's own project that of the lab; in a
 * project elsewhere nothing is set, for `pulumi stack select` would be hidden.
 * @param named the caller's PULUMI_STACK
 * @param cwd the caller's directory
 */
export function stackVariable(named: string | undefined, cwd: string, ofLab: string): Record<string, string> {
  const below = path.relative(projectRoot(), cwd);
  const isOurs = below === "" || !(below.startsWith("..") || path.isAbsolute(below));
  const stack = named || (isOurs ? ofLab : undefined);
  return stack === undefined ? {} : { PULUMI_STACK: stack };
}

/** What runs a command as the operator: the argument list, and its environment over that of the caller. */
export async function asOperator(
  paths: InstancePaths,
  argv: readonly string[],
): Promise<{ argv: string[]; env: NodeJS.ProcessEnv }> {
  const { PULUMI_STACK, ...operator } = operatorEnvironment(paths);
  const stack = stackVariable(process.env["PULUMI_STACK"], process.cwd(), PULUMI_STACK ?? "");
  const env = { ...process.env, ...(await toolchainEnvironment(argv[0] ?? "")), ...operator, ...stack };
  return { argv: operatorArgv(paths, argv), env };
}

/** Runs a command as the operator: the caller's files, directory, terminal; home's network. Returns its exit code. */
export async function runAsOperator(paths: InstancePaths, argv: readonly string[]): Promise<number> {
  const { argv: whole, env } = await asOperator(paths, argv);
  return attach(whole, { env });
}
