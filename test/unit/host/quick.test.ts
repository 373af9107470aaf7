/**
 * What is put off in a program and in the dynamic provider: it is not loaded, and it is as it was once it is used. In
 * real processes, with the real SDK.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import * as grpc from "@grpc/grpc-js";
import { CheckRequest, type CheckResponse, ConfigureRequest } from "@pulumi/pulumi/proto/provider_pb";
import { ResourceProviderClient } from "@pulumi/pulumi/proto/provider_grpc_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import * as ts from "typescript";

jest.setTimeout(120_000);

const ROOT = resolve(__dirname, "../../..");
const LAUNCHER = "pulumi-resource-pulumi-nodejs";
const folder = mkdtempSync(join(tmpdir(), "intranet-quick-"));
const quick = join(folder, "quick");
const children: ChildProcess[] = [];

beforeAll(() => {
  mkdirSync(quick);
  const options = { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 };
  const compile = (from: string, to: string) =>
    writeFileSync(to, ts.transpileModule(readFileSync(from, "utf8"), { compilerOptions: options }).outputText);
  const source = join(ROOT, "host/quick");
  for (const name of readdirSync(source)) {
    if (name.endsWith(".ts")) compile(join(source, name), join(quick, name.replace(/ts$/, "js")));
    else cpSync(join(source, name), join(quick, name));
  }
  compile(join(ROOT, "host/process.ts"), join(folder, "process.js"));
});
afterAll(() => {
  for (const child of children) child.kill("SIGKILL");
  rmSync(folder, { recursive: true });
});

/** What the text of a program, run in the project's folder, prints as JSON. */
function run(text: string, env: NodeJS.ProcessEnv = {}): unknown {
  const said = execFileSync(process.execPath, ["-e", text], { cwd: ROOT, env: { ...process.env, ...env } });
  return JSON.parse(said.toString());
}
const QUICK = `require(${JSON.stringify(quick)});`;
/** Which of the large ones are loaded. */
const LOADED = `const loaded = () => ["typescript/lib/typescript.js", "@npmcli/arborist/lib/arborist/index.js", "@pulumi/pulumi/automation/stack.js"]
  .filter((name) => Object.keys(require.cache).some((path) => path.endsWith(name)));`;

test("what the SDK seldom uses is loaded with it, and with this when it is used: then it does the same", () => {
  const program = `${LOADED}
    const pulumi = require("@pulumi/pulumi");
    const before = loaded();
    const word = "kept";
    const own = { path: require("path"), say: () => word };
    pulumi.runtime.serializeFunction(() => own.path.join(own.say(), "x")).then(({ text }) => {
      const { LocalWorkspace } = pulumi.automation;
      const { Arborist } = require("@npmcli/arborist");
      console.log(JSON.stringify({ before, text, names: [LocalWorkspace.name, Arborist.name, new Arborist({ path: "." }).path],
        all: Object.keys(pulumi.automation).length, after: loaded() }));
    });`;
  const usual = run(program) as { before: string[]; after: string[]; text: string };
  expect(usual.before).toHaveLength(3);
  expect(usual.text).toContain("kept");
  expect(run(QUICK + program)).toEqual({ ...usual, before: [] });
});

test("a module that is a function or a class is one while it is put off", () => {
  const program = `const { Module, createRequire } = require("node:module");
    const sdk = createRequire(require.resolve("@pulumi/pulumi/package.json"));
    const data = { name: "a", version: "1.0.0", dependencies: {} };
    sdk("normalize-package-data")(data);
    const ts = sdk("./typescript-shim");
    const made = new (sdk("@npmcli/arborist"))({ path: "." });
    console.log(JSON.stringify([data._id, ts.version, "SyntaxKind" in ts, made.constructor.name]));`;
  expect(run(QUICK + program)).toEqual(["a@1.0.0", ts.version, true, "Arborist"]);
  expect(run(QUICK + program)).toEqual(run(program));
});

test("what V8 compiles is kept in the user's own cache, where Node.js can do that and has not been told of another", () => {
  const kept = (before: string, env: NodeJS.ProcessEnv) =>
    run(
      `const modules = require("node:module"), seen = [];
      modules.enableCompileCache = (folder) => void seen.push(folder);
      modules.flushCompileCache = () => void seen.push("written");
      ${before} ${QUICK} setTimeout(() => console.log(JSON.stringify(seen)), 800);`,
      { XDG_CACHE_HOME: "/nowhere", NODE_COMPILE_CACHE: "", ...env },
    );
  const folder = "pulumi-intranet/compiled";
  expect(kept("", {})).toEqual([`/nowhere/${folder}`, "written"]);
  expect(kept("", { XDG_CACHE_HOME: "", HOME: "/home/ann" })).toEqual([`/home/ann/.cache/${folder}`, "written"]);
  expect(kept("", { NODE_COMPILE_CACHE: join(quick, "elsewhere") })).toEqual([]);
  expect(kept("delete modules.flushCompileCache;", {})).toEqual([`/nowhere/${folder}`]);
  expect(kept("delete modules.enableCompileCache;", {})).toEqual([]);
});

test("where there is no SDK, or it is loaded already, nothing is changed", () => {
  expect(run(`process.chdir("/"); ${QUICK} console.log(Object.keys(require.cache).length)`)).toBe(8);
  const early = `${LOADED} require("@pulumi/pulumi"); ${QUICK} console.log(JSON.stringify(loaded()))`;
  expect(run(early)).toHaveLength(3);
});

test("what sends traces is loaded when they are sent, and then sends them", () => {
  const program = `const loaded = () => Object.keys(require.cache).filter((path) => path.includes("@opentelemetry/sdk-trace-base/")).length > 1;
    const tracing = require("@pulumi/pulumi/cmd/run/tracing");
    tracing.newSpan("nobody asked for it").end();
    const before = loaded();
    const spans = [];
    require("http").createServer((request, response) => {
      let body = "";
      request.on("data", (data) => (body += data)).on("end", () => { spans.push(...JSON.parse(body)); response.writeHead(202).end(); });
    }).listen(0, "127.0.0.1", function () {
      tracing.start("http://127.0.0.1:" + this.address().port + "/api/v2/spans");
      tracing.newSpan("asked for").end();
      setTimeout(() => { console.log(JSON.stringify({ before, spans: spans.map(({ name }) => name), after: loaded() })); process.exit(); }, 1000);
    });`;
  const usual = run(program);
  expect(usual).toEqual({ before: true, spans: ["asked for"], after: true });
  expect(run(QUICK + program)).toEqual({ before: false, spans: ["asked for"], after: true });
});

test("where a function is that cannot be taken apart is said, though the inspector was not asked before", () => {
  const program = `const own = require("@pulumi/pulumi/runtime/closure/v8");
    const hooks = require("@pulumi/pulumi/runtime/closure/v8Hooks");
    const places = async () => {
      await hooks.isInitializedAsync();
      const { parse } = require("semver");
      const [early, late] = [${JSON.stringify(ROOT)} + "/node_modules/ini", "ipaddr.js"].map((name) => require(name));
      return Promise.all([early.parse, late.parse, parse].map((one) => own.getFunctionLocationAsync(one)));
    };
    require(${JSON.stringify(ROOT)} + "/node_modules/ini");
    places().then((found) => console.log(JSON.stringify(found.slice(1))));`;
  const usual = run(program) as { file: string; line: number }[];
  expect(usual).toEqual([
    { file: expect.stringMatching(/ipaddr/), line: expect.any(Number), column: expect.any(Number) },
    { file: expect.stringMatching(/semver/), line: expect.any(Number), column: expect.any(Number) },
  ]);
  expect(run(QUICK + program)).toEqual(usual);
});

test("in a process whose calls Pulumi follows nothing is changed, for that has to come first", () => {
  const program = `${QUICK} console.log(Object.keys(require.cache).some((path) => path.includes("@pulumi/pulumi")))`;
  expect(run(program)).toBe(true);
  expect(run(program, { TRACEPARENT: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" })).toBe(false);
});

test("before the program begins, it comes before the SDK, whichever that is", () => {
  const script = join(ROOT, "node_modules/@pulumi/pulumi/cmd/run/index.js");
  // Once the SDK goes on to the program, which needs an engine, all of it is loaded.
  const look = join(folder, "look.js");
  writeFileSync(
    look,
    `setInterval(() => {
      const loaded = (name) => Object.keys(require.cache).filter((path) => path.includes("/node_modules/" + name)).length;
      if (!loaded("@pulumi/pulumi/cmd/run/run.js")) return;
      console.log(JSON.stringify(loaded("@opentelemetry/sdk-trace-base/")));
      process.exit();
    }, 20);`,
  );
  const traces = (...before: string[]) => {
    const required = [look, ...before].flatMap((name) => ["--require", name]);
    const argv = [...required, script, "--monitor=127.0.0.1:1", "--engine=127.0.0.1:1", folder];
    return JSON.parse(execFileSync(process.execPath, argv, { cwd: "/" }).toString()) as number;
  };
  expect(traces()).toBeGreaterThan(1);
  expect(traces(quick)).toBe(1);
});

test("of the stacks that nobody reads the lines are left out, and of no other; the SDK's option brings them back", () => {
  const program = `require("source-map-support/register"); ${QUICK}
    const { debuggablePromise } = require("@pulumi/pulumi/runtime/debuggable");
    const lines = (stack) => stack.split("\\n").length;
    const kept = Promise.resolve();
    debuggablePromise(kept, "kept");
    console.log(JSON.stringify([lines(kept._debugStackTrace), lines(new Error().stack) > 3, lines(new Error("said").stack) > 3]))`;
  expect(run(program)).toEqual([1, true, true]);
  const [asked] = run(program, { PULUMI_DEBUG_PROMISE_LEAKS: "1" }) as number[];
  expect(asked).toBeGreaterThan(3);
});

test("where a resource is made is still said, in few lines", () => {
  const program = `require("source-map-support/register"); ${QUICK}
    const { CustomResource } = require("@pulumi/pulumi");
    const deep = (depth) => depth > 0 ? deep(depth - 1) : CustomResource.callsites();
    const found = deep(30);
    console.log(JSON.stringify([found.length, found.every(({ file, line }) => file !== undefined && line > 0), Error.stackTraceLimit]))`;
  expect(run(program)).toEqual([8, true, 10]);
});

test("of debug lines the SDK's own about each resource are left out, and of no other; a variable brings them back", () => {
  const program = `${QUICK}
    const pulumi = require("@pulumi/pulumi");
    const settings = require("@pulumi/pulumi/runtime/settings");
    const said = [];
    settings.getEngine = () => ({ log: (request, done) => { said.push(request.getMessage()); done(); } });
    pulumi.runtime.setMocks({ newResource: () => ({ id: "made", state: { word: "in clear" } }), call: () => ({}) });
    class Part extends pulumi.ComponentResource { constructor() { super("a:b:Part", "part"); this.registerOutputs({ out: 1 }); } }
    const own = new pulumi.CustomResource("a:b:Own", "own", { word: undefined }, { parent: new Part() });
    pulumi.log.debug("RegisterResource, says the program", own);
    pulumi.log.info("Registering resource: said to everybody");
    setTimeout(() => console.log(JSON.stringify(said)), 500);`;
  const told = run(program) as string[];
  expect(told).toEqual(["RegisterResource, says the program", "Registering resource: said to everybody"]);
  const asked = run(program, { INTRANET_SDK_DEBUG: "1" }) as string[];
  expect(asked).toEqual(expect.arrayContaining(told));
  expect(asked.length).toBeGreaterThanOrEqual(told.length + 2 * 3);
});

/**
 * The dynamic provider as the engine starts it, by a process that stands for the engine; its address, and its process
 * id.
 */
async function started(): Promise<{ engine: ChildProcess; client: ResourceProviderClient }> {
  const start = `require("child_process").spawn(process.argv[1], ["127.0.0.1:1"], { stdio: ["ignore", "inherit", "ignore"] }); setInterval(() => 0, 1000)`;
  const engine = spawn(process.execPath, ["-e", start, join(quick, LAUNCHER)], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "ignore"],
  });
  children.push(engine);
  const port = await new Promise<string>((done) =>
    engine.stdout!.once("data", (data: Buffer) => done(String(data).trim())),
  );
  const client = new ResourceProviderClient(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
  const configuration = new ConfigureRequest();
  configuration.setArgs(Struct.fromJavaScript({}));
  await new Promise<void>((done, fail) => client.configure(configuration, (error) => (error ? fail(error) : done())));
  return { engine, client };
}

test("the dynamic provider is the SDK's, starts without what it seldom uses, and ends with the engine", async () => {
  const { engine, client } = await started();
  const code = `${LOADED} exports.handler = () => ({ check: async (olds, news) => ({ inputs: { given: news.given, pid: process.pid, loaded: loaded() } }) });`;
  const request = new CheckRequest();
  request.setUrn("urn:pulumi:a::b::pulumi-nodejs:dynamic:Resource::c");
  request.setOlds(Struct.fromJavaScript({}));
  request.setNews(Struct.fromJavaScript({ __provider: code, given: "by its own provider" }));
  const answer = await new Promise<CheckResponse>((done, fail) =>
    client.check(request, (error, found) => (error ? fail(error) : done(found))),
  );
  const inputs = answer.getInputs()!.toJavaScript() as { pid: number };
  expect(inputs).toEqual({ given: "by its own provider", loaded: [], pid: expect.any(Number), __provider: code });
  client.close();
  await new Promise((done) => setTimeout(done, 5_000));
  expect(existsSync(`/proc/${inputs.pid}`)).toBe(true);
  engine.kill("SIGKILL");
  for (const deadline = Date.now() + 40_000; existsSync(`/proc/${inputs.pid}`) && Date.now() < deadline;)
    await new Promise((done) => setTimeout(done, 200));
  expect(existsSync(`/proc/${inputs.pid}`)).toBe(false);
});
