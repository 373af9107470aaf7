/** Commands about the lab as a whole: paths that are cut, snapshots, the clouds' process, probes. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { FabricClient } from "../fabric-client";
import { DEFAULT_SNAPSHOT } from "../fabric/snapshot";
import { requireLab } from "../lab-process";
import type { InstancePaths } from "../paths";
import { issuingRoot } from "../issuing-root";
import { probe, probeText, PROTOCOLS, scan, type ProbeOptions } from "../probe";

/** Adds the commands. `paths` finds the lab by its options. */
export function stateCommands(
  program: Command,
  paths: (options?: { name?: string }) => InstancePaths,
  progress: (line: string) => void,
): void {
  const post = async (route: string, body?: unknown): Promise<void> => {
    const instance = paths();
    await requireLab(instance);
    await new FabricClient(instance.socket).post(route, body);
  };

  program
    .command("cut")
    .description("drop all packets between two hosts or sites on the Internet, both families")
    .argument("<a>", "a host, a site (home, cafe), or services")
    .argument("<b>", "the other one")
    .action(async (a: string, b: string) => {
      await post("/cut", { a, b });
      progress(`cut: ${a} and ${b}`);
    });

  program
    .command("slow")
    .description("make the line of a host slow, both ways, until it is mended or the host is reset")
    .argument("<host>", "name of the host")
    .option("--delay <time>", "by which a round trip takes longer, for example 200ms", amount("ms"), 200)
    .option("--loss <share>", "of the packets in each direction, for example 5%", amount("%"), 0)
    .action(async (host: string, { delay, loss }: { delay: number; loss: number }) => {
      await post(`/hosts/${encodeURIComponent(host)}/slow`, { delayMs: delay, loss: loss / 100 });
      progress(`slow: ${host}, ${delay} ms, ${loss} % lost`);
    });

  program
    .command("mend")
    .description("let packets between two hosts or sites pass again; with one host: make its line fast again")
    .argument("<a>", "a host, a site (home, cafe), or services")
    .argument("[b]", "the other one")
    .action(async (a: string, b: string | undefined) => {
      if (b === undefined) await post(`/hosts/${encodeURIComponent(a)}/slow`, {});
      else await post("/mend", { a, b });
      progress(`mended: ${b === undefined ? `the line of ${a}` : `${a} and ${b}`}`);
    });

  program
    .command("snapshot")
    .description("keep this moment: disks, clouds, names, the engine's state")
    .argument("[name]", "name of the snapshot; one of that name is replaced", DEFAULT_SNAPSHOT)
    .action(async (name: string) => {
      await post(`/snapshots/${encodeURIComponent(name)}`);
      progress(`snapshot ${name} is kept`);
    });

  program
    .command("restore")
    .description("go back to a snapshot; all hosts boot again")
    .argument("[name]", "name of the snapshot", DEFAULT_SNAPSHOT)
    .option("--of <lab>", "the snapshot of another lab: both have the same network, addresses and keys")
    .action(async (name: string, { of }: { of?: string }) => {
      await post(`/snapshots/${encodeURIComponent(name)}/restore`, { of });
      progress(`back at snapshot ${name}${of === undefined ? "" : ` of ${of}`}`);
    });

  program
    .command("restart-clouds")
    .description("end the process of the two clouds and start it again; their state is on disk")
    .action(async () => {
      await post("/clouds/restart");
      progress("the clouds were started again");
    });
  program
    .command("acme-root")
    .description("the root certificate (PEM) that the lab's public certificate authority signs with since its start")
    .action(async () => {
      const instance = paths();
      process.stdout.write(await issuingRoot(instance, await requireLab(instance)));
    });
  probeCommands(program, paths);
}

/** A number that may carry its unit, for commander. */
function amount(unit: string): (text: string) => number {
  return (text) => number(text.endsWith(unit) ? text.slice(0, -unit.length) : text);
}

/** A whole number within bounds, for commander. */
function number(text: string): number {
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text)) throw new InvalidArgumentError("expected a number");
  return value;
}

function probeCommands(program: Command, paths: () => InstancePaths): void {
  const family = (): Option =>
    new Option("--family <4|6>", "address family").choices(["4", "6"]).argParser((text) => {
      if (text !== "4" && text !== "6") throw new InvalidArgumentError("expected 4 or 6");
      return Number(text);
    });
  program
    .command("probe")
    .description("try one connection and say its fate: accepted, refused, filtered, unreachable, denied-by-application")
    .argument("<from>", "a host, or a router's namespace")
    .argument("<to>", "a host, an address or a DNS name")
    .option("--port <number>", "port", number)
    .addOption(new Option("--protocol <name>", "default: tcp with a port, icmp without").choices([...PROTOCOLS]))
    .addOption(family())
    .option("--host <name>", "name to ask for: Host header and SNI, or the DNS name")
    .option("--path <path>", "path of http and https")
    .option("--type <type>", "record type of dns: A, AAAA, MX, TXT, CAA, NS, PTR, …")
    .option("--timeout <seconds>", "how long to wait for an answer (3)", number)
    .option("--json", "everything that was seen, as JSON")
    .action(async (from: string, to: string, options: ProbeOptions & { json?: boolean }) => {
      const instance = paths();
      const result = await probe(instance, await requireLab(instance), from, to, options);
      console.log(options.json ? JSON.stringify(result, null, 2) : probeText(result));
    });
  program
    .command("scan")
    .description("try all 65,535 TCP ports and list those that answer")
    .argument("<from>", "a host, or a router's namespace")
    .argument("<to>", "a host, an address or a DNS name")
    .addOption(family())
    .option("--first <port>", "first port", number)
    .option("--last <port>", "last port", number)
    .option("--timeout <seconds>", "how long to wait for each (1.5)", number)
    .option("--json", "as JSON")
    .action(
      async (
        from: string,
        to: string,
        options: { family?: 4 | 6; first?: number; last?: number; timeout?: number; json?: boolean },
      ) => {
        const instance = paths();
        const result = await scan(instance, await requireLab(instance), from, to, options);
        const text = `accepted: ${result.accepted.join(", ") || "none"}; refused: ${result.refused}; filtered: ${result.filtered}; unreachable: ${result.unreachable}`;
        console.log(options.json ? JSON.stringify(result, null, 2) : text);
      },
    );
}
