/**
 * The preview of a large plan: how long, and how much memory. Nothing of it exists; the lab's clouds answer what is
 * asked of them.
 */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
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

/** Arguments of Node.js as the project's own Pulumi.yaml has them for the program. */
const USUAL = "--max-old-space-size=1024";
/**
 * Docs/performance.md, for a machine with little memory: with the garbage collection of Go, and without the engine's
 * log besides.
 */
const SPARING = "--max-old-space-size=400 --max-semi-space-size=8";

/** A project in a folder of its own, whose program is this project's stack. */
function writeProject(directory: string, nodeargs: string): void {
  const write = (name: string, text: string) => writeFileSync(path.join(directory, name), text);
  write("package.json", JSON.stringify({ name: "plan", main: "index.js" }));
  write("index.js", `module.exports = require(${JSON.stringify(path.join(projectRoot(), "dist/stacks/intranet"))});\n`);
  write(
    "Pulumi.yaml",
    `name: intranet
runtime:
  name: nodejs
  options:
    typescript: false
    nodeargs: --require pulumi-intranet/quick ${nodeargs}
plugins:
  providers:
    - name: pulumi-nodejs
      path: ${path.join(projectRoot(), "dist/host/quick")}
`,
  );
}

/**
 * Previews plans of 25, 50 and 100 sites, each with a mesh between at most 30 of them, as they are and sparing memory;
 * a table of what they took.
 */
export async function previewPlan(paths: InstancePaths, progress: (text: string) => void): Promise<string> {
  await up(paths, (line) => progress(`lab: ${line}`));
  const toolchain = path.join(projectRoot(), "toolchain/bin/toolchain");
  const environment = JSON.parse(await run([toolchain, "env", "--json"])) as Record<string, string>;
  const rows: string[][] = [];
  for (const sites of SITES) {
    const directory = mkdtempSync(path.join(tmpdir(), "intranet-plan-"));
    try {
      mkdirSync(path.join(directory, "state"));
      symlinkSync(path.join(projectRoot(), "node_modules"), path.join(directory, "node_modules"));
      writeProject(directory, USUAL);
      const config = planConfig(sites);
      writeFileSync(path.join(directory, "Pulumi.plan.yaml"), JSON.stringify({ config }));
      const env = {
        ...process.env,
        ...environment,
        INTRANET_LOOK: "off", // there are no such hosts
        ...operatorEnvironment(paths),
        PULUMI_BACKEND_URL: `file://${directory}/state`,
        PULUMI_STACK: "plan",
      };
      const pulumi = (argv: string[], more: NodeJS.ProcessEnv = {}): Command => ({
        argv: operatorArgv(paths, ["pulumi", ...argv, "--non-interactive", "--cwd", directory]),
        cwd: directory,
        env: { ...env, ...more },
      });
      await measure(pulumi(["stack", "init", "plan"]));
      const links = (config["intranet:links"] as unknown[]).length + sites;
      const row = [String(sites), String(links)];
      for (const nodeargs of [USUAL, SPARING]) {
        writeProject(directory, nodeargs);
        const more =
          nodeargs === SPARING ? { GOGC: "40", PULUMI_HOME: quietHome(path.join(directory, "home"), env) } : {};
        const preview = pulumi(["preview", "--stack", "plan"], more);
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
