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
  "ports",
  "plan",
  "rollback",
  "session",
  "facts",
  "adoption",
  "perform",
  "transaction",
  "leaving",
  "main",
];

/**
 * All that stands in the command line: runs what comes first on stdin. Constant text, so nothing of a request is ever part of a command line,
 * and one that every login shell takes the same way in single quotes: no quote, backslash, line break or exclamation mark (csh, fish).
 */
const STARTER = "import sys;i=sys.stdin.buffer;exec(i.read(int(i.readline())))";

/** Comes first on stdin: reads the agent and the request, and runs them. */
const BOOTSTRAP = [
  "import sys,json,types,zlib",
  "r=lambda:json.loads(zlib.decompress(i.read(int(i.readline()))))",
  "b={**r(),**r()}",
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
  const python = ["python3", "-B", "-c", STARTER];
  return quoteCommand(user === "root" ? python : ["sudo", "-n", "--", ...python]);
}

/** What goes to the agent's stdin: what reads the rest, then agent and request, compressed; each after its length in a line. */
export function agentInput(request: object): Buffer {
  agent ??= Buffer.concat([Buffer.from(`${BOOTSTRAP.length}\n${BOOTSTRAP}`), block({ modules: agentModules() })]);
  return Buffer.concat([agent, block({ request })]);
}

/** The part of the input that is the same every time. */
let agent: Buffer | undefined;

/** JSON, compressed, after its length in a line. */
function block(value: object): Buffer {
  const body = deflateSync(Buffer.from(JSON.stringify(value), "utf8"));
  return Buffer.concat([Buffer.from(`${body.length}\n`), body]);
}

/** Installs Python where a minimal image has none. Constant text. */
export function installPython(user: string): string {
  const script =
    "export DEBIAN_FRONTEND=noninteractive; apt-get -o DPkg::Lock::Timeout=300 update -q && " +
    "apt-get -o DPkg::Lock::Timeout=300 install -y -q --no-install-recommends python3";
  return quoteCommand([...(user === "root" ? [] : ["sudo", "-n", "--"]), "sh", "-c", script]);
}
