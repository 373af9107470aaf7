/** `make bench`: this library beside ansible-core and pyinfra, on the same hosts, in one run. */
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import * as path from "node:path";
import { Command } from "commander";
import { up } from "../../lab/commands/up";
import { cacheDir, instanceName, instancePaths, type InstancePaths } from "../../lab/paths";
import { captured } from "./capture";
import { Fleet, missingOn } from "./fleet";
import { measure, wireOf } from "./measure";
import { previewPlan } from "./plan";
import { type Measurement, picture, type Results, tables } from "./report";
import { TITLES, type ToolName, Tools } from "./tools";
import { type BenchHost, type Desired, desired, withVersion } from "./workload";

const ALL: ToolName[] = ["ours", "ours-one-pass", "ours-trusting", "ansible", "pyinfra"];

/** The scenarios, in the order in which they are run. */
const SCENARIOS = {
  fresh: "fresh converge, packages cached",
  same: "no change",
  one: "one line changed on one host",
  every: "one line changed on every host",
} as const;

const progress = (text: string): void => void process.stderr.write(`bench: ${text}\n`);
const digest = (text: string): string => createHash("sha256").update(text).digest("hex");
const rotated = <T>(items: T[], by: number): T[] => items.map((_, index) => items[(index + by) % items.length]!);

/** All scenarios with so many hosts; the first pass warms up and counts, the others are timed. */
class Bench {
  readonly measurements: Measurement[] = [];
  private version = 0;
  private now!: Desired;

  constructor(
    private readonly paths: InstancePaths,
    private readonly fleet: Fleet,
    private readonly tools: Tools,
    private readonly wanted: ToolName[],
    private readonly hosts: BenchHost[],
  ) {}

  async passes(rounds: number): Promise<void> {
    for (let pass = 0; pass <= rounds; pass += 1) {
      progress(`${this.hosts.length} hosts, ${pass === 0 ? "counting" : `round ${pass} of ${rounds}`}`);
      await this.pass(pass);
    }
  }

  private async pass(number: number): Promise<void> {
    const order = rotated(this.wanted, number);
    this.now = desired(this.hosts, ++this.version);
    // Ours comes last, so that the roles of the scenarios after this one are its own.
    const peers = order.filter((tool) => !tool.startsWith("ours"));
    for (const tool of [...peers, ...(this.wanted.includes("ours") ? ["ours" as const] : [])]) {
      await this.fleet.reset(this.hosts);
      await this.run(SCENARIOS.fresh, tool, number, true);
    }
    for (const tool of order) await this.run(SCENARIOS.same, tool, number);
    for (const tool of order) {
      this.now = withVersion(this.now, this.hosts[0]!.name, ++this.version);
      await this.run(SCENARIOS.one, tool, number);
    }
    for (const tool of order) {
      this.now = desired(this.hosts, ++this.version);
      await this.run(SCENARIOS.every, tool, number);
    }
  }

  /** Runs a tool once, looks whether every host is exactly as desired, and notes what it took. */
  private async run(scenario: string, tool: ToolName, pass: number, first = false): Promise<void> {
    const command = await this.tools.command(tool, this.now, first);
    const entry = this.entry(scenario, tool);
    if (pass === 0) {
      const since = Date.now() / 1000;
      const [{ memory }, lines] = await captured(this.paths, () => measure(command, true));
      const wires = [...wireOf(lines).values()];
      const logins = await this.fleet.logins(this.hosts, since);
      entry.memory = memory!;
      entry.logins = mean(logins);
      entry.roundTrips = wires.reduce((sum, { roundTrips }) => sum + roundTrips, 0) / this.hosts.length;
      progress(
        `  ${scenario}: ${TITLES[tool]}, ${entry.logins.toFixed(1)} logins and ${entry.roundTrips.toFixed(0)} round trips a host`,
      );
    } else {
      const { seconds } = await measure(command);
      entry.seconds.push(seconds);
      progress(`  ${scenario}: ${TITLES[tool]} ${seconds.toFixed(2)} s`);
    }
    await this.tools.afterwards();
    await this.check(scenario, tool);
  }

  private async check(scenario: string, tool: ToolName): Promise<void> {
    const found = await this.fleet.look(this.hosts);
    const wrong = this.hosts.flatMap(({ name }, index) =>
      missingOn(found[index]!, this.now, name, digest).map((line) => `${name}: ${line}`),
    );
    if (wrong.length > 0)
      throw new Error(
        `after "${scenario}" by ${TITLES[tool]} the hosts are not as desired; missing:\n${wrong.slice(0, 20).join("\n")}\nfound on ${this.hosts[0]!.name}:\n${found[0]}`,
      );
  }

  private entry(scenario: string, tool: ToolName): Measurement {
    const known = this.measurements.find((m) => m.scenario === scenario && m.tool === tool);
    if (known) return known;
    const made = { hosts: this.hosts.length, scenario, tool, seconds: [] };
    this.measurements.push(made);
    return made;
  }
}

function mean(values: number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function numbers(text: string): number[] {
  const found = text.split(",").map(Number);
  if (found.some((count) => !Number.isInteger(count) || count < 1 || count > 30))
    throw new Error(`--hosts ${text}: expected numbers from 1 to 30 with commas`);
  return found.sort((a, b) => a - b);
}

function toolNames(text: string): ToolName[] {
  const found = text.split(",") as ToolName[];
  const unknown = found.filter((name) => !ALL.includes(name));
  if (unknown.length > 0) throw new Error(`--tools ${text}: expected some of ${ALL.join(",")}`);
  return found;
}

async function compare(
  hosts: number[],
  rounds: number,
  wanted: ToolName[],
  whole: boolean,
  paths: InstancePaths,
): Promise<Results> {
  await up(paths, (line) => progress(`lab: ${line}`));
  const fleet = new Fleet(paths);
  const tools = await Tools.make(paths, progress, whole);
  const results: Results = {
    when: new Date().toISOString(),
    machine: `${cpus().length} cores (${cpus()[0]?.model ?? "unknown"}), the hosts on the same machine`,
    rounds,
    whole,
    measurements: [],
  };
  try {
    for (const count of hosts) {
      const bench = new Bench(paths, fleet, tools, wanted, await fleet.make(count, progress));
      await bench.passes(rounds);
      results.measurements.push(...bench.measurements);
      save(results); // what is there when a later part is interrupted
    }
  } finally {
    await tools.afterwards();
    tools.close();
  }
  return results;
}

function save(results: Results): string {
  const directory = path.join(cacheDir(), "bench", "results");
  mkdirSync(directory, { recursive: true });
  const write = (ending: string, text: string) =>
    writeFileSync(path.join(directory, `${results.whole ? "bench-whole" : "bench"}.${ending}`), text);
  write("json", `${JSON.stringify(results, undefined, 2)}\n`);
  write("md", tables(results));
  write("svg", picture(results));
  return directory;
}

interface Options {
  hosts: string;
  rounds: string;
  tools: string;
  whole?: boolean;
  quick?: boolean;
  plan?: boolean;
  comparison?: boolean;
}

async function main(): Promise<void> {
  const program = new Command("bench")
    .description("Converges the same lab hosts with this library, ansible-core and pyinfra, and previews a large plan.")
    .option("--hosts <counts>", "how many hosts, with commas", "3,10,25")
    .option("--rounds <n>", "timed rounds; the tools take turns in each", "5")
    .option("--tools <names>", `which tools: ${ALL.join(",")}`, ALL.join(","))
    .option("--whole", "this library has one role for all services of a host, and not one for each service")
    .option("--quick", "3 hosts, one round: whether it works, not how fast it is")
    .option("--no-plan", "leave out the preview of the plan of 100 sites")
    .option("--no-comparison", "only the preview of the plan of 100 sites")
    .addHelpText(
      "after",
      "\nThe lab is the one that LAB_NAME names (default: bench); it stays up: bin/lab down ends it.\nResults: bench.json, bench.md and bench.svg in the cache, below bench/results.",
    );
  const options = program.parse().opts<Options>();
  const paths = instancePaths(instanceName(process.env["LAB_NAME"] || "bench"));
  const [hosts, rounds] = options.quick ? [[3], 1] : [numbers(options.hosts), Number(options.rounds)];
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error("--rounds: expected a whole number from 1");
  if (options.comparison) {
    const results = await compare(hosts, rounds, toolNames(options.tools), options.whole === true, paths);
    const directory = save(results);
    process.stdout.write(`${tables(results)}\nalso in ${directory}\n`);
  }
  if (options.plan) process.stdout.write(await previewPlan(paths, progress));
}

main().catch((error: Error) => {
  process.stderr.write(`bench: ${error.message}\n`);
  process.exitCode = 1;
});
