/** The preview of a large plan: how long, and how much memory. Nothing of it exists; the lab's clouds answer what is asked of them. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { up } from "../../lab/commands/up";
import { operatorEnvironment } from "../../lab/commands/run";
import { operatorArgv } from "../../lab/lab-process";
import { cacheDir, type InstancePaths, projectRoot } from "../../lab/paths";
import { run } from "../../lab/process";
import { type Command, measure } from "./measure";
import { planConfig } from "./plan-spec";
import { table } from "./report";

const SITES = [25, 50, 100];

/** Previews plans of 25, 50 and 100 sites, each with a mesh between at most 30 of them; a table of what they took. */
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
      const pulumi = (...argv: string[]): Command => ({
        argv: operatorArgv(paths, ["pulumi", ...argv, "--non-interactive", "--cwd", directory]),
        cwd: directory,
        env: {
          ...process.env,
          ...environment,
          ...operatorEnvironment(paths),
          PULUMI_BACKEND_URL: `file://${directory}/state`,
          PULUMI_STACK: "plan",
          // As the project's own Pulumi.yaml has it for the program, which not every language host heeds.
          NODE_OPTIONS: "--max-old-space-size=1024",
        },
      });
      await measure(pulumi("stack", "init", "plan"));
      const { seconds } = await measure(pulumi("preview", "--stack", "plan"));
      const { memory } = await measure(pulumi("preview", "--stack", "plan"), true);
      const links = (config["intranet:links"] as unknown[]).length + sites;
      progress(`a preview of ${sites} sites with ${links} links: ${seconds.toFixed(1)} s, ${memory!.toFixed(0)} MiB`);
      rows.push([String(sites), String(links), seconds.toFixed(1), memory!.toFixed(0)]);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  }
  const text = `preview of a plan\n\n${table(["sites", "links", "s", "peak MiB"], rows)}\n`;
  const results = path.join(cacheDir(), "bench", "results");
  mkdirSync(results, { recursive: true });
  writeFileSync(path.join(results, "plan.md"), text);
  return text;
}
