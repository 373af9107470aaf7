/** Commands that let the clouds go wrong: fault, faults. */
import { Argument, type Command } from "commander";
import { ACTION_FAULTS, CLOUDS, REQUEST_FAULTS } from "../clouds/faults";
import { FabricClient } from "../fabric-client";
import { requireLab } from "../lab-process";
import type { InstancePaths } from "../paths";

/** Adds the commands. `paths` finds the lab by its options. */
export function faultCommands(program: Command, paths: () => InstancePaths, progress: (line: string) => void): void {
  const faults = async (): Promise<FabricClient> => {
    const instance = paths();
    await requireLab(instance);
    return new FabricClient(instance.faultSocket);
  };
  program
    .command("fault")
    .description(
      "let requests to a cloud, or its actions, go wrong: an error in its own form, a gateway's, silence (hang), a connection that " +
        "is reset, or one that is lost after the work was done; an action of a server that fails or is stuck",
    )
    .addArgument(new Argument("<cloud>").choices([...CLOUDS]))
    .addArgument(new Argument("<kind>", "what happens").choices([...REQUEST_FAULTS, ...ACTION_FAULTS]))
    .option("--method <method>", "only requests by this method")
    .option(
      "--path <path>",
      "only of this path, or that begin so with * at the end; of actions: their command, start_server",
    )
    .option("--times <number>", "how many it meets (1; with --seconds: any number)", Number)
    .option("--seconds <number>", "how long it lasts", Number)
    .action(async (cloud: string, kind: string, options: object) => {
      await (await faults()).post("/faults", { cloud, kind, ...options });
      progress(`${cloud}: ${kind}`);
    });
  program
    .command("faults")
    .description("the faults since the last --clear, and how often each was met, as JSON")
    .option("--clear", "end them all")
    .action(async ({ clear }: { clear?: boolean }) => {
      const client = await faults();
      if (clear) await client.post("/faults/clear");
      console.log(JSON.stringify(await client.get("/faults"), null, 2));
    });
}
