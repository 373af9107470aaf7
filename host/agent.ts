import { readFileSync } from "node:fs";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import { quoteCommand } from "./connection/quote";

/** The agent's modules in the order in which they need each other; each is a file of host/agent. */
const MODULES = [
  "util",
  "storage",
  "store",
  "files",
  "packages",
  "units",
  "system",
  "plan",
  "rollback",
  "transaction",
  "leaving",
  "facts",
  "main",
];

/** Reads the bundle from stdin and runs it: constant text, so nothing of a request is ever part of a command line. */
const BOOTSTRAP = [
  "import sys,json,types,zlib",
  "i=sys.stdin.buffer",
  "b=json.loads(zlib.decompress(i.read(int(i.readline()))))",
  "for k,s in b['modules']:",
  " m=types.ModuleType(k);sys.modules[k]=m",
  " exec(compile(s,k+'.py','exec'),m.__dict__)",
  "sys.exit(sys.modules['main'].serve(b))",
].join("\n");

/** What only an enrolment script brings with it. */
const ENROLMENT = "enrol";

let modules: [string, string][] | undefined;

/** Source of the agent: host/agent beside this file, both in the sources and in the compiled package. */
export function agentModules(): [string, string][] {
  modules ??= MODULES.map(source);
  return modules;
}

/** Source of the program that runs the agent without SSH. */
export function enrolmentModule(): [string, string] {
  return source(ENROLMENT);
}

function source(name: string): [string, string] {
  return [name, readFileSync(join(__dirname, "agent", `${name}.py`), "utf8")];
}

/** The command that starts the agent; for a user other than root by `sudo -n`. */
export function agentCommand(user: string): string {
  const python = ["python3", "-B", "-c", BOOTSTRAP];
  return quoteCommand(user === "root" ? python : ["sudo", "-n", "--", ...python]);
}

/** What goes to the agent's stdin: the length in a line, then agent and request, compressed. */
export function agentInput(request: object): Buffer {
  const body = deflateSync(Buffer.from(JSON.stringify({ modules: agentModules(), request }), "utf8"));
  return Buffer.concat([Buffer.from(`${body.length}\n`), body]);
}

/** Installs Python where a minimal image has none. Constant text. */
export function installPython(user: string): string {
  const script =
    "export DEBIAN_FRONTEND=noninteractive; apt-get -o DPkg::Lock::Timeout=300 update -q && " +
    "apt-get -o DPkg::Lock::Timeout=300 install -y -q --no-install-recommends python3";
  return quoteCommand([...(user === "root" ? [] : ["sudo", "-n", "--"]), "sh", "-c", script]);
}
