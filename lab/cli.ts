/** The command line of the lab. */
import { rmSync } from "node:fs";
import { Command } from "commander";
import { faultCommands } from "./commands/faults";
import { hostCommands } from "./commands/hosts";
import { runAsOperator } from "./commands/run";
import { stateCommands } from "./commands/state";
import { statusText } from "./commands/table";
import { prepareImages, up } from "./commands/up";
import { labStatus, requireLab, stopLab } from "./lab-process";
import { instanceName, instancePaths, type InstancePaths } from "./paths";
import { checkMachine, installMissing } from "./requirements";

const program = new Command("lab")
  .description(
    "A whole Internet in a box: Debian hosts, homes behind NAT, public DNS, and two clouds to try things on.",
  )
  .option("--name <name>", 'which lab: several can run side by side (default: $LAB_NAME, or "default")')
  .enablePositionalOptions()
  .showHelpAfterError("(--help shows how it is used)");

/** Paths of the lab that the command is about; `--name` may stand before or after the command. */
function paths(options: { name?: string } = {}): InstancePaths {
  return instancePaths(instanceName(options.name ?? program.opts<{ name?: string }>().name));
}

const progress = (line: string): void => void process.stderr.write(`lab: ${line}\n`);

program
  .command("up")
  .description("start the lab, or say what runs; installs and builds what is missing")
  .option("--name <name>", "which lab")
  .option("--json", "print the status as JSON")
  .action(async (options: { name?: string; json?: boolean }) => {
    const status = await up(paths(options), progress);
    console.log(options.json ? JSON.stringify(status, null, 2) : statusText(status));
  });

program
  .command("images")
  .description("build what a lab is started from, without starting one: the hosts' images and their package repository")
  .action(async () => {
    await checkMachine();
    await installMissing(progress);
    await prepareImages(progress);
    progress("images and packages are there");
  });

program
  .command("down")
  .description(
    "end the lab and delete what it has on disk: hosts, clouds, snapshots, the engine's state (images stay cached)",
  )
  .option("--name <name>", "which lab")
  .option("--keep", "keep all that on disk: the next up goes on where this one ends")
  .action(async (options: { name?: string; keep?: boolean }) => {
    const instance = paths(options);
    const was = await stopLab(instance);
    if (!options.keep) rmSync(instance.dir, { recursive: true, force: true });
    progress(was ? `the lab ${instance.name} is down` : `the lab ${instance.name} was not running`);
  });

program
  .command("status")
  .description("hosts with addresses and state, clouds with endpoint and token; exit code 1 when the lab does not run")
  .option("--name <name>", "which lab")
  .option("--json", "as JSON")
  .action(async (options: { name?: string; json?: boolean }) => {
    const instance = paths(options);
    const status = await labStatus(instance);
    if (options.json)
      console.log(JSON.stringify(status ?? { name: instance.name, running: false, hosts: [], clouds: [] }, null, 2));
    else console.log(status ? statusText(status) : `the lab ${instance.name} is not running`);
    process.exitCode = status ? 0 : 1;
  });

program
  .command("run")
  .description(
    "run a command as the operator: on home's LAN, with the clouds, the engine's backend and the SSH agent set",
  )
  .usage("[--name NAME] -- COMMAND...")
  .option("--name <name>", "which lab")
  .argument("<command...>", "the command and its arguments")
  .passThroughOptions()
  .action(async (command: string[], options: { name?: string }) => {
    const instance = paths(options);
    await requireLab(instance);
    process.exitCode = await runAsOperator(instance, command);
  });

hostCommands(program, paths, progress);
stateCommands(program, paths, progress);
faultCommands(program, paths, progress);

program.parseAsync().catch((error: unknown) => {
  const shown = process.env["LAB_DEBUG"] ? (error as Error).stack : (error as Error).message;
  process.stderr.write(`lab: ${shown ?? String(error)}\n`);
  process.exitCode = 1;
});
