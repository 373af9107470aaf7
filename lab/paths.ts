/** Where the lab keeps its things: caches outside the checkout, one directory for each instance. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import * as path from "node:path";

/**
 * Root of the checkout (or of the installed package): the nearest directory upwards that holds the project's
 * package.json.
 */
export function projectRoot(): string {
  for (let dir = __dirname; ; dir = path.dirname(dir)) {
    const file = path.join(dir, "package.json");
    if (existsSync(file) && (JSON.parse(readFileSync(file, "utf8")) as { name?: string }).name === "pulumi-intranet")
      return dir;
    if (dir === path.dirname(dir)) throw new Error(`no package.json of pulumi-intranet above ${__dirname}`);
  }
}

/**
 * A file of the lab that is no TypeScript (a program that runs inside a host, for example), by its path under `lab/`.
 */
export function labFile(relative: string): string {
  return path.join(projectRoot(), "lab", relative);
}

/** The cache directory: `$INTRANET_CACHE`, or `~/.cache/pulumi-intranet`. */
export function cacheDir(): string {
  return process.env["INTRANET_CACHE"] || path.join(homedir(), ".cache", "pulumi-intranet");
}

/** The name of the instance in use: `$LAB_NAME`, or `default`. Throws on a name that is no plain word. */
export function instanceName(given?: string): string {
  const name = given ?? (process.env["LAB_NAME"] || "default");
  if (!/^[a-z][a-z0-9-]{0,30}$/.test(name)) {
    throw new Error(
      `lab name ${JSON.stringify(name)}: expected lower-case letters, digits and hyphens, a letter first, at most 31 characters`,
    );
  }
  return name;
}

/** The paths of one instance of the lab. */
export interface InstancePaths {
  name: string;
  dir: string;
  /** Name of its control group: that of the instance, and a hash of where it is, since caches can be several. */
  cgroup: string;
  /** HTTP+JSON interface of the supervisor. */
  socket: string;
  /** Process id of the lab's `unshare` in the machine's own process namespace. */
  pidFile: string;
  /** What the fabric knows and has to know again after a restart. */
  state: string;
  hosts: string;
  clouds: string;
  /** Where the clouds take the faults that tests order: HTTP+JSON too. */
  faultSocket: string;
  dns: string;
  /** Configuration of the public certificate authority. */
  acme: string;
  pulumi: string;
  operator: string;
  operatorKey: string;
  agentSocket: string;
  logs: string;
  snapshots: string;
}

/**
 * Paths of the instance called `name`; nothing is made. Throws where the path is too long for a unix socket (unix(7):
 * 107 bytes).
 */
export function instancePaths(name: string): InstancePaths {
  const dir = path.join(cacheDir(), "lab", "instances", name);
  const paths = {
    name,
    dir,
    cgroup: `${name}-${createHash("sha256").update(dir).digest("hex").slice(0, 8)}`,
    socket: path.join(dir, "supervisor.sock"),
    pidFile: path.join(dir, "supervisor.pid"),
    state: path.join(dir, "fabric.json"),
    hosts: path.join(dir, "hosts"),
    clouds: path.join(dir, "clouds"),
    faultSocket: path.join(dir, "faults.sock"),
    dns: path.join(dir, "dns"),
    acme: path.join(dir, "acme"),
    pulumi: path.join(dir, "pulumi"),
    operator: path.join(dir, "operator"),
    operatorKey: path.join(dir, "operator", "id_ed25519"),
    agentSocket: path.join(dir, "operator", "agent.sock"),
    logs: path.join(dir, "logs"),
    snapshots: path.join(dir, "snapshots"),
  };
  for (const socket of [paths.socket, paths.faultSocket, paths.agentSocket]) {
    if (Buffer.byteLength(socket) > 107)
      throw new Error(`${socket} is too long for a unix socket (107 bytes); set INTRANET_CACHE to a shorter path`);
  }
  return paths;
}
