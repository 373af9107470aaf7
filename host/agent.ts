import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import { quoteCommand } from "./connection/quote";

/** The kind of answer of a host that does not keep the agent, when it was not sent either: nothing was done. */
export const WANTED = "agent";

/** The agent's modules in the order in which they need each other; each is a file of host/agent. */
const MODULES = [
  "notation",
  "util",
  "commands",
  "storage",
  "store",
  "files",
  "packages",
  "openpgp",
  "sources",
  "bus",
  "units",
  "system",
  "probes",
  "ports",
  "plan",
  "rollback",
  "cleanup",
  "session",
  "facts",
  "adoption",
  "readiness",
  "perform",
  "transaction",
  "leaving",
  "main",
];

/**
 * All that stands in the command line: runs what comes first on stdin. Constant text, so nothing of a request is ever
 * part of a command line, and one that every login shell takes the same way in single quotes: no quote, backslash, line
 * break or exclamation mark (csh, fish).
 */
const STARTER = "import sys;i=sys.stdin.buffer;exec(i.read(int(i.readline())))";

/**
 * Comes first on stdin: reads the agent's digest, the agent and the request, and runs them. Where the host keeps just
 * this agent (rollback.py), compiled, that one runs: it starts twice as fast, and need not be sent. If neither is there
 * the answer is {@link WANTED}.
 */
const BOOTSTRAP = [
  "import os,sys",
  "def modules():",
  " import json,zlib",
  " return json.loads(zlib.decompress(m))",
  "n=i.readline().strip()",
  "m=i.read(int(i.readline()))",
  "b={'request':i.read(int(i.readline())),'digest':n,'modules':modules}",
  "a=os.environ.get('INTRANET_ROOT','')+'/var/lib/intranet/agent.pyz'",
  "try:",
  " with open(a,'rb') as f:",
  "  f.seek(-len(n),2)",
  "  if f.read()!=n: raise ImportError",
  " sys.path.insert(0,a)",
  " import main",
  "except Exception:",
  ` if not m: sys.exit(print('{"event": "result", "ok": false, "kind": "${WANTED}", "message": "the agent was not sent"}'))`,
  " b['sent']=1",
  " import types",
  " for k,s in modules():",
  "  sys.modules[k]=types.ModuleType(k)",
  "  exec(compile(s,k+'.py','exec'),sys.modules[k].__dict__)",
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

/** What tells this agent from that of another release: hexadecimal. */
export function agentDigest(): string {
  return createHash("sha256").update(JSON.stringify(agentModules())).digest("hex");
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
  const python = ["python3", "-ISB", "-c", STARTER];
  return quoteCommand(user === "root" ? python : ["sudo", "-n", "--", ...python]);
}

/**
 * What goes to the agent's stdin: what reads the rest, the agent's digest, then agent and request, each after its
 * length in a line. `kept`: the agent is left out, for a host that keeps it.
 */
export function agentInput(request: object, kept = false): Buffer {
  head ??= Buffer.from(`${BOOTSTRAP.length}\n${BOOTSTRAP}${agentDigest()}\n`);
  agent ??= block(agentModules());
  return Buffer.concat([head, kept ? Buffer.from("0\n") : agent, block(request)]);
}

/** To compress less takes longer than to send it. */
const LONG_BYTES = 8_192;

/** The parts of the input that are the same every time. */
let head: Buffer | undefined;
let agent: Buffer | undefined;

/**
 * JSON after its length in a line; what is longer than some packets is compressed (RFC 1950), and never begins as JSON
 * does.
 */
function block(value: object): Buffer {
  const text = Buffer.from(JSON.stringify(value), "utf8");
  const body = text.length > LONG_BYTES ? deflateSync(text) : text;
  return Buffer.concat([Buffer.from(`${body.length}\n`), body]);
}

/** Installs Python where a minimal image has none. Constant text. */
export function installPython(user: string): string {
  const script =
    "export DEBIAN_FRONTEND=noninteractive; apt-get -o DPkg::Lock::Timeout=300 update -q && " +
    "apt-get -o DPkg::Lock::Timeout=300 install -y -q --no-install-recommends python3";
  return quoteCommand([...(user === "root" ? [] : ["sudo", "-n", "--"]), "sh", "-c", script]);
}
