/** What the published package carries, and that the README's program is one that compiles against it. */
import { execFileSync, spawnSync } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import * as ts from "typescript";

const ROOT = resolve(__dirname, "../../..");

test("the package carries components, host and model, the host's agent, docs, bin/enrol, and nothing else", () => {
  const output = execFileSync("npm", ["pack", "--dry-run", "--json", "--loglevel=error"], {
    cwd: ROOT,
    encoding: "utf8",
  });
  const packed = (JSON.parse(output) as { files: { path: string; mode: number }[] }[])[0]!.files;
  const files = packed.map(({ path }) => path);
  const foreign = files.filter(
    (path) =>
      !/^(dist\/(components|host|model)\/|docs\/|bin\/enrol$|package\.json$|(README|CHANGELOG)\.md$|LICENSE$)/.test(
        path,
      ),
  );
  expect(foreign).toEqual([]);
  for (const needed of [
    "dist/components/index.js",
    "dist/components/index.d.ts",
    "dist/host/provider.js",
    "dist/host/agent/main.py",
    "dist/host/quick/index.js",
    "LICENSE",
    "bin/enrol",
    "docs/operations.md",
  ]) {
    expect(files).toContain(needed);
  }
  // A map that names files which are not in the package shows nothing to a debugger.
  const maps = files.filter((path) => path.endsWith(".js.map"));
  expect(maps).toContain("dist/components/index.js.map");
  const withoutSources = maps.filter((path) => {
    const map = JSON.parse(readFileSync(join(ROOT, path), "utf8")) as { sources: string[]; sourcesContent?: unknown[] };
    return map.sources.length !== map.sourcesContent?.filter((text) => typeof text === "string").length;
  });
  expect(withoutSources).toEqual([]);
  // Pulumi runs it by itself.
  const launcher = packed.find(({ path }) => path === "dist/host/quick/pulumi-resource-pulumi-nodejs");
  expect(launcher?.mode.toString(8)).toMatch(/755$/);
});

test("the package asks for the Node.js that Pulumi's SDK asks for, and runs nothing when it is installed", () => {
  const manifest = (folder: string) =>
    JSON.parse(readFileSync(join(ROOT, folder, "package.json"), "utf8")) as {
      engines: { node: string };
      scripts?: object;
    };
  expect(manifest("").engines.node).toBe(manifest("node_modules/@pulumi/pulumi").engines.node);
  expect(manifest("").scripts ?? {}).toEqual({});
});

test("bin/enrol of an installed package asks the program of the current folder", () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "intranet-installed-")));
  try {
    const installed = join(folder, "node_modules/pulumi-intranet/bin");
    mkdirSync(installed, { recursive: true });
    copyFileSync(join(ROOT, "bin/enrol"), join(installed, "enrol"));
    // As npm installs a program, and a pulumi that says what it was asked.
    mkdirSync(join(folder, "bin"));
    symlinkSync(join(installed, "enrol"), join(folder, "bin/pulumi-intranet-enrol"));
    const pulumi = '#!/bin/sh\necho "$@" >&2\necho \'{"enrol": {"cabin": "the script"}}\'\n';
    writeFileSync(join(folder, "bin/pulumi"), pulumi, { mode: 0o755 });
    const env = { ...process.env, PATH: `${join(folder, "bin")}:${process.env["PATH"]}` };
    const enrol = (...args: string[]) =>
      spawnSync("pulumi-intranet-enrol", args, { cwd: folder, env, encoding: "utf8" });
    const done = enrol("cabin", "--stack", "prod");
    expect([done.status, done.stdout]).toEqual([0, "the script"]);
    expect(done.stderr).toContain(`--stack prod --cwd ${folder}\n`);
    expect(enrol("office")).toMatchObject({ status: 1, stderr: expect.stringMatching(/no host office .* cabin/) });
    expect(enrol("--help")).toMatchObject({ status: 0, stdout: expect.stringMatching(/or the current folder/) });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/** Compiles a text as if it were a program beside package.json; returns what the compiler says. */
function compile(text: string): string[] {
  const file = join(ROOT, "readme-program.ts");
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.Node16,
    moduleResolution: ts.ModuleResolutionKind.Node16,
    types: ["node"],
  };
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (name) => name === file || fileExists(name);
  host.readFile = (name) => (name === file ? text : readFile(name));
  host.getSourceFile = (name, ...rest) =>
    name === file ? ts.createSourceFile(name, text, ts.ScriptTarget.ES2022) : getSourceFile(name, ...rest);
  const program = ts.createProgram([file], options, host);
  return ts.getPreEmitDiagnostics(program).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"));
}

test("the README's program compiles against the package, and one with a mistake does not", () => {
  const program = /```ts\n([\s\S]*?)```/.exec(readFileSync(join(ROOT, "README.md"), "utf8"))![1]!;
  expect(compile(program)).toEqual([]);
  expect(compile(program.replace("port: 8080", 'port: "8080"'))).not.toEqual([]);
}, 60_000);
