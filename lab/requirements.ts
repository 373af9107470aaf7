/** What the machine must have for a lab, looked at before anything is done. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { MACHINE_PACKAGES } from "./images/packages";
import { machineCodename } from "./images/apt";
import { projectRoot } from "./paths";
import { CommandError, run } from "./process";

/** The machine cannot run a lab; the message lists everything that is lacking. */
export class RequirementError extends Error {
  constructor(readonly lacking: readonly string[]) {
    super(`this machine cannot run the lab:\n${lacking.map((line) => `  - ${line}`).join("\n")}`);
    this.name = "RequirementError";
  }
}

/** Throws `RequirementError` with everything that no package can add: root, kernel, Debian. */
export async function checkMachine(): Promise<void> {
  const lacking: string[] = [];
  if (process.platform !== "linux") lacking.push(`Linux (this is ${process.platform})`);
  if (process.getuid?.() !== 0)
    lacking.push(
      "root: the lab makes namespaces, mounts and containers; run it as root in a machine that is meant for that",
    );
  const filesystems = existsSync("/proc/filesystems") ? readFileSync("/proc/filesystems", "utf8") : "";
  if (!/\boverlay\b/.test(filesystems) && !(await works(["modprobe", "overlay"])))
    lacking.push("overlayfs in the kernel (CONFIG_OVERLAY_FS)");
  if (!existsSync("/dev/net/tun") && !(await works(["modprobe", "tun"])))
    lacking.push("/dev/net/tun (CONFIG_TUN): WireGuard's tunnels need it");
  if (!existsSync("/proc/self/ns/net") || !existsSync("/proc/self/ns/pid"))
    lacking.push("network and process namespaces in the kernel");
  else if (lacking.length === 0 && !(await works(["unshare", "--net", "--mount", "--pid", "--fork", "true"])))
    lacking.push("the right to make namespaces (unshare failed: a container without CAP_SYS_ADMIN?)");
  try {
    machineCodename();
  } catch (error) {
    lacking.push((error as Error).message);
  }
  if (lacking.length > 0) throw new RequirementError(lacking);
}

const INOTIFY = "/proc/sys/fs/inotify/max_user_instances";
/**
 * Every host runs a systemd with half a dozen inotify instances, all of them root's: the kernel's 128 are used up by a
 * few labs.
 */
const INOTIFY_INSTANCES = 1024;

/**
 * Raises the machine's limit of inotify instances where it is lower than what hosts need; a host that finds none ends
 * while it boots.
 */
export function raiseInotifyLimit(progress: (line: string) => void): void {
  if (Number(readFileSync(INOTIFY, "utf8")) >= INOTIFY_INSTANCES) return;
  progress(`raising fs.inotify.max_user_instances to ${INOTIFY_INSTANCES}`);
  writeFileSync(INOTIFY, String(INOTIFY_INSTANCES));
}

async function works(argv: readonly string[]): Promise<boolean> {
  try {
    await run(argv);
    return true;
  } catch {
    return false;
  }
}

/** Packages of the list that are not installed. */
export async function missingPackages(names: readonly string[] = MACHINE_PACKAGES): Promise<string[]> {
  // dpkg-query exits with 1 when it does not know one of them, and still tells about the others.
  const output = await run(["dpkg-query", "-W", "-f=${Package} ${db:Status-Abbrev}\n", ...names]).catch(
    (error: unknown) => {
      if (error instanceof CommandError && error.code === 1) return "";
      throw error;
    },
  );
  const installed = (text: string): Set<string> =>
    new Set(
      text
        .split("\n")
        .filter((line) => / ii/.test(line))
        .map((line) => line.split(" ")[0]!),
    );
  if (output) {
    const have = installed(output);
    return names.filter((name) => !have.has(name));
  }
  const single = await Promise.all(names.map(async (name) => ((await works(["dpkg", "-s", name])) ? [] : [name])));
  return single.flat();
}

/**
 * Installs what is missing with apt. No service of the machine is started by that: names are served by programs of the
 * lab's own, inside its namespaces, so the units of these packages stay masked on a machine that runs systemd.
 */
export async function installMissing(progress: (line: string) => void): Promise<void> {
  const missing = await missingPackages();
  if (missing.length === 0) return;
  progress(`installing ${missing.join(", ")}`);
  if (missing.includes("bind9") && existsSync("/run/systemd/system"))
    await run(["systemctl", "mask", "named.service", "bind9.service"]);
  await run([path.join(projectRoot(), "bin/apt-install"), ...missing]);
}
