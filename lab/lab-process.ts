/** The lab as a process of the machine: starting it, finding it, going into it, ending it. */
import { spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { OPERATOR } from "./constants";
import { removeCgroups } from "./fabric/cgroup";
import { FabricClient } from "./fabric-client";
import { alive } from "./images/cache";
import { labFile, type InstancePaths } from "./paths";
import { until } from "./process";
import type { LabStatus } from "./supervisor-api";

/** The lab is needed and does not run. */
export class LabNotRunningError extends Error {
  constructor(name: string) {
    super(`the lab ${name} is not running; start it with: bin/lab up${name === "default" ? "" : ` --name ${name}`}`);
    this.name = "LabNotRunningError";
  }
}

/** Process id of the instance's `unshare` on the machine; undefined when it does not run. */
export function outerPid(paths: InstancePaths): number | undefined {
  if (!existsSync(paths.pidFile)) return undefined;
  const pid = Number(readFileSync(paths.pidFile, "utf8"));
  if (!Number.isInteger(pid) || pid < 2 || !alive(pid)) return undefined;
  // The number may be somebody else's by now.
  const command = existsSync(`/proc/${pid}/cmdline`) ? readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0") : [];
  return command[0] === "unshare" && command.at(-3) === paths.name ? pid : undefined; // … NAME "supervisor" ""
}

/**
 * Process id, on the machine, of the lab's first process: its /proc/PID/ns are the lab's namespaces. Throws
 * `LabNotRunningError`.
 */
export function innerPid(paths: InstancePaths): number {
  const outer = outerPid(paths);
  const inner =
    outer === undefined
      ? undefined
      : Number(readFileSync(`/proc/${outer}/task/${outer}/children`, "utf8").trim().split(" ")[0]);
  if (!inner) throw new LabNotRunningError(paths.name);
  return inner;
}

/** The lab's status; undefined when it does not run. */
export async function labStatus(paths: InstancePaths): Promise<LabStatus | undefined> {
  if (outerPid(paths) === undefined || !existsSync(paths.socket)) return undefined;
  try {
    return await new FabricClient(paths.socket).status();
  } catch (error) {
    if (["ENOENT", "ECONNREFUSED", "ECONNRESET"].includes((error as NodeJS.ErrnoException).code ?? ""))
      return undefined;
    throw error;
  }
}

/** The lab's status. Throws `LabNotRunningError`. */
export async function requireLab(paths: InstancePaths): Promise<LabStatus> {
  const status = await labStatus(paths);
  if (!status) throw new LabNotRunningError(paths.name);
  return status;
}

/** Starts the supervisor in namespaces of its own, detached; done when it answers. Throws with the end of its log. */
export async function startSupervisor(paths: InstancePaths): Promise<void> {
  mkdirSync(paths.logs, { recursive: true, mode: 0o700 });
  rmSync(paths.socket, { force: true });
  await removeCgroups(paths.cgroup); // what a lab that was killed has left
  const log = path.join(paths.logs, "supervisor.log");
  const fd = openSync(log, "a", 0o600);
  const supervisor = path.join(__dirname, "supervisor.js");
  const argv = [
    "--net",
    "--mount",
    "--pid",
    "--fork",
    "--mount-proc",
    "--kill-child",
    "--",
    "bash",
    labFile("files/init.sh"),
    process.execPath,
    "--enable-source-maps",
    supervisor,
  ];
  const child = spawn("unshare", [...argv, paths.name, "supervisor"], {
    detached: true,
    stdio: ["ignore", fd, fd],
    cwd: "/",
  });
  closeSync(fd);
  const failed = new Promise<never>((_resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code) =>
      reject(
        new Error(
          `the lab's supervisor ended with ${code}; the end of ${log}:\n${readFileSync(log, "utf8").slice(-2000)}`,
        ),
      ),
    );
  });
  failed.catch(() => undefined);
  if (child.pid !== undefined) writeFileSync(paths.pidFile, String(child.pid));
  child.unref();
  await Promise.race([
    failed,
    until("the lab's supervisor to answer", 20_000, async () => (await labStatus(paths)) !== undefined),
  ]);
  child.removeAllListeners("exit");
}

/** Ends the lab: hosts, programs, namespaces, mounts. What it has on disk stays. Returns whether it was running. */
export async function stopLab(paths: InstancePaths): Promise<boolean> {
  const pid = outerPid(paths);
  if (pid !== undefined) {
    if (existsSync(paths.socket)) await new FabricClient(paths.socket).post("/shutdown").catch(() => undefined);
    if (alive(pid)) {
      try {
        process.kill(pid, "SIGKILL"); // --kill-child: everything in it ends with it
      } catch {
        // it has ended by itself
      }
    }
    await until("the lab to end", 20_000, () => !alive(pid));
  }
  await removeCgroups(paths.cgroup);
  for (const file of [paths.pidFile, paths.socket, paths.agentSocket]) rmSync(file, { force: true });
  return pid !== undefined;
}

/** The environment of a command inside a host: the root user's, and the caller's terminal. */
function hostEnvironment(): string[] {
  const terminal = process.env["TERM"] ? [`TERM=${process.env["TERM"]}`] : [];
  const search = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  return ["HOME=/root", "USER=root", "LOGNAME=root", "SHELL=/bin/bash", "LANG=C.UTF-8", search, ...terminal];
}

/**
 * The argument list that runs `argv` inside a host, or in the namespace of a router, from outside the lab: with the
 * caller's stdio, terminal and exit code. Throws for a name that is neither, and for a host that is off.
 */
export function execArgv(paths: InstancePaths, status: LabStatus, target: string, argv: readonly string[]): string[] {
  const lab = ["nsenter", "-t", String(innerPid(paths)), "-m", "-p", "--"];
  const environment = ["env", "-i", ...hostEnvironment()];
  if (target === OPERATOR.name) return operatorArgv(paths, ["env", "-C", "/", ...environment.slice(1), ...argv]);
  if (status.routers.includes(target)) return [...lab, "ip", "netns", "exec", target, ...environment, ...argv];
  const host = status.hosts.find(({ name }) => name === target);
  if (!host) {
    const known = [...status.hosts.map(({ name }) => name), ...status.routers];
    throw new Error(`no host ${JSON.stringify(target)} in the lab; there is ${known.join(", ")}`);
  }
  if (host.leader === undefined) throw new Error(`host ${target} is off; switch it on with: bin/lab on ${target}`);
  return [
    ...lab,
    "nsenter",
    "-t",
    String(host.leader),
    "-m",
    "-u",
    "-i",
    "-n",
    "-p",
    "-C",
    "--",
    "env",
    "-C",
    "/root",
    ...environment.slice(1),
    ...argv,
  ];
}

/** The argument list that runs `argv` on the machine's file system but in the operator's network. */
export function operatorArgv(paths: InstancePaths, argv: readonly string[]): string[] {
  const namespace = `/proc/${innerPid(paths)}/root/run/netns/operator`;
  const resolver = path.join(paths.operator, "resolv.conf");
  const switches = path.join(paths.operator, "nsswitch.conf");
  // A constant script: names are resolved by the lab's resolver and by nothing else that the machine may have.
  const script =
    'mount --bind "$1" "$(readlink -f /etc/resolv.conf)" && mount --bind "$2" /etc/nsswitch.conf && shift 2 && exec "$@"';
  return [
    "nsenter",
    `--net=${namespace}`,
    "--",
    "unshare",
    "--mount",
    "--",
    "sh",
    "-c",
    script,
    "sh",
    resolver,
    switches,
    ...argv,
  ];
}
