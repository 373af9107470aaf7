/** The provider's process when the engine is gone: it is heard no more, and ends. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as ts from "typescript";

jest.setTimeout(60_000);

const folder = mkdtempSync(join(tmpdir(), "intranet-process-"));
const source = readFileSync(join(__dirname, "../../../host/process.ts"), "utf8");
const options = { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 };
writeFileSync(join(folder, "process.js"), ts.transpileModule(source, { compilerOptions: options }).outputText);
afterAll(() => rmSync(folder, { recursive: true }));

/** A program that uses the module; `name` is its file. */
function program(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, `const { say, endWithEngine } = require("./process");\n${text}`);
  return path;
}

const firstLine = (child: ChildProcess): Promise<string> =>
  new Promise((resolve) => child.stdout!.once("data", (data: Buffer) => resolve(data.toString().trim())));
const ended = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve) => child.once("exit", (code) => resolve(code)));

test("a broken pipe is no error, however much is said", async () => {
  const path = program(
    "speaker.js",
    'process.on("uncaughtException", () => process.exit(7));\n' +
      'process.stdin.once("data", () => {\n' +
      '  let left = 50;\n  const next = () => (say("x".repeat(100)), (left -= 1) > 0 ? setTimeout(next, 5) : process.exit(0));\n  next();\n});\n',
  );
  const child = spawn(process.execPath, [path], { stdio: ["pipe", "ignore", "pipe"] });
  const end = ended(child);
  child.stderr.destroy();
  child.stdin.write("go\n");
  expect(await end).toBe(0);
});

test("it ends with the engine that the shell before it came from, and not before", async () => {
  const path = program(
    "provider.js",
    'endWithEngine();\nconsole.log(process.pid);\nsetInterval(() => say("still here"), 50);\n',
  );
  const engine = spawn(
    process.execPath,
    [
      "-e",
      'require("child_process").spawn("sh", ["-c", "\\"$0\\" \\"$1\\"; exit", process.execPath, process.argv[1]], { stdio: ["ignore", "inherit", "pipe"] }); setInterval(() => 0, 1000)',
      path,
    ],
    { stdio: ["ignore", "pipe", "ignore"] },
  );
  const provider = Number(await firstLine(engine));
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  expect(existsSync(`/proc/${provider}`)).toBe(true);
  engine.kill("SIGKILL");
  for (const deadline = Date.now() + 40_000; existsSync(`/proc/${provider}`) && Date.now() < deadline;)
    await new Promise((resolve) => setTimeout(resolve, 200));
  expect(existsSync(`/proc/${provider}`)).toBe(false);
});
