/** The preview of a large plan: how long, and how much memory. Nothing of it exists; the lab's clouds answer what is asked of them. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { up } from "../../lab/commands/up";
import { operatorEnvironment } from "../../lab/commands/run";
import { operatorArgv } from "../../lab/lab-process";
import { cacheDir, type InstancePaths, projectRoot } from "../../lab/paths";
import { run } from "../../lab/process";
import { quietHome } from "./home";
import { type Command, measure } from "./measure";
import { planConfig } from "./plan-spec";
import { table } from "./report";

const SITES = [25, 50, 100];

/** As the project's own Pulumi.yaml has it for the program, which not every language host heeds. */
const USUAL = { NODE_OPTIONS: "--max-old-space-size=1024" };
/** Docs/performance.md, for a machine with little memory; without the engine's log besides. */
const SPARING = { NODE_OPTIONS: "--max-old-space-size=400 --max-semi-space-size=8", GOGC: "40" };

/** Previews plans of 25, 50 and 100 sites, each with a mesh between at most 30 of them, as they are and sparing memory; a table of what they took. */
export async function previewPlan(paths: InstancePaths, progress: (text: string) => void): Promise<string> {
  await up(paths, (line) => progress(`lab: ${line}`));
  const toolchain = path.join(projectRoot(), "toolchain/bin/toolchain");
  const environment = JSON.parse(await run([toolchain, "env", "--json"])) as Record<string, string>;
  const rows: string[][] = [];
  for (const sites of SITES) {
    const directory = mkdtempSync(path.join(tmpdir(), "intranet-plan-"));
    try {
      mkdirSync(path.join(directory, "state"));
      const main = path.join(projectRoot(), "dist/stacks/intranet/index.js");
      const runtime = { name: "nodejs", options: { typescript: false } };
      const providers = [{ name: "pulumi-nodejs", path: path.join(projectRoot(), "dist/host/quick") }];
      const project = { name: "intranet", main, runtime, plugins: { providers } };
      writeFileSync(path.join(directory, "Pulumi.yaml"), JSON.stringify(project)); // JSON is YAML
      const config = planConfig(sites);
      writeFileSync(path.join(directory, "Pulumi.plan.yaml"), JSON.stringify({ config }));
      const env = {
        ...process.env,
        ...environment,
        ...operatorEnvironment(paths),
        PULUMI_BACKEND_URL: `file://${directory}/state`,
        PULUMI_STACK: "plan",
      };
      const pulumi = (argv: string[], more: NodeJS.ProcessEnv): Command => ({
        argv: operatorArgv(paths, ["pulumi", ...argv, "--non-interactive", "--cwd", directory]),
        cwd: directory,
        env: { ...env, ...more },
      });
      await measure(pulumi(["stack", "init", "plan"], USUAL));
      const links = (config["intranet:links"] as unknown[]).length + sites;
      const row = [String(sites), String(links)];
      for (const way of [USUAL, { ...SPARING, PULUMI_HOME: quietHome(path.join(directory, "home"), env) }]) {
        const preview = pulumi(["preview", "--stack", "plan"], way);
        const { seconds } = await measure(preview);
        const { memory } = await measure(preview, true);
        row.push(seconds.toFixed(1), memory!.toFixed(0));
      }
      progress(
        `a preview of ${sites} sites with ${links} links: ${row[2]} s, ${row[3]} MiB; sparing ${row[4]} s, ${row[5]} MiB`,
      );
      rows.push(row);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  }
  const text = `preview of a plan\n\n${table(["sites", "links", "s", "peak MiB", "sparing: s", "peak MiB"], rows)}\n`;
  const results = path.join(cacheDir(), "bench", "results");
  mkdirSync(results, { recursive: true });
  writeFileSync(path.join(results, "plan.md"), text);
  return text;
}
