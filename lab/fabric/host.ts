/** One host: a disk of its own over a shared image, a network namespace, and systemd started by systemd-nspawn. */
import type { ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import type { PowerState } from "../machines";
import { CommandError, run, sleep, start, until } from "../process";
import { cgroupDirs, inCgroups, makeCgroups, removeCgroups } from "./cgroup";
import { addNamespace, deleteNamespace } from "./net";

/** What a host is made of. */
export interface HostOptions {
  /** Host name, also that of its console's log. */
  name: string;
  /** Name of its network namespace, control group and directory on disk. */
  id: string;
  /** Name of the lab's control group. */
  instance: string;
  /** Directory of the image below it. */
  image: string;
  /** Directory of its disk: holds `upper` and `work`. */
  disk: string;
  /** File that gets what its console says. */
  console: string;
  /** Plugs its new namespace in; called on every boot, before anything runs. */
  plug: () => Promise<void>;
  /** Takes it out of the network. */
  unplug: () => Promise<void>;
  /** Writes the files of a new disk, given the root of the mounted file system; called once in the life of a disk. */
  seed: (root: string) => void | Promise<void>;
}

/** Exit code of nspawn when the host asked to be started again (systemd-nspawn(1), --keep-unit). */
const EXIT_REBOOT = 133;

/** A host of the lab. Boots, loses its power, comes back on the same disk. */
export class Host {
  private nspawn: ChildProcess | undefined;
  private leaderPid: number | undefined;
  private bootedAt = 0;
  private switchedOn = false;
  private chain: Promise<unknown> = Promise.resolve();

  constructor(readonly options: HostOptions) {}

  /** Where the host's file system is mounted, inside the lab. */
  get root(): string {
    return path.join("/run/lab/hosts", this.options.id);
  }

  /** Process id of the host's init, as the lab sees it; undefined while it is off. */
  get leader(): number | undefined {
    return this.leaderPid;
  }

  /** Seconds since the last boot began; 0 while it is off. */
  get uptime(): number {
    return this.leaderPid === undefined ? 0 : (Date.now() - this.bootedAt) / 1000;
  }

  /** Whether it is on, or just on its way through a reset: what a restart of the lab has to bring back. */
  get on(): boolean {
    return this.switchedOn;
  }

  /** Off, starting (systemd runs), or running (its units are up). */
  get state(): PowerState {
    if (this.leaderPid === undefined) return "off";
    return existsSync(`/proc/${this.leaderPid}/root/run/lab-ready`) ? "running" : "starting";
  }

  /** Boots the host; done when its init runs. A host that runs stays as it is. */
  boot(): Promise<void> {
    return this.oneAtATime(() => {
      this.switchedOn = true;
      return this.bootNow();
    });
  }

  /**
   * Cuts the power: everything in it ends at once, its namespace and its link are gone. A host that is off stays so.
   */
  powerOff(): Promise<void> {
    return this.oneAtATime(() => {
      this.switchedOn = false;
      return this.powerOffNow();
    });
  }

  /** Cuts the power and boots again. */
  reset(): Promise<void> {
    return this.oneAtATime(async () => {
      this.switchedOn = true;
      await this.powerOffNow();
      await this.bootNow();
    });
  }

  /** Waits until the host's units are up. Throws with the end of its console after `seconds`. */
  async ready(seconds = 90): Promise<void> {
    await until(`host ${this.options.name} to boot`, seconds * 1000, () => {
      if (this.leaderPid === undefined)
        throw new Error(`host ${this.options.name} went off while it booted: ${this.consoleTail()}`);
      return this.state === "running";
    });
  }

  /** Cuts the power and deletes the disk. */
  destroy(): Promise<void> {
    return this.oneAtATime(async () => {
      await this.powerOffNow();
      await this.unmount();
      rmSync(this.options.disk, { recursive: true, force: true });
      await removeCgroups(this.options.instance, this.options.id);
    });
  }

  /** Cuts the power and lets go of the disk, which stays. */
  release(): Promise<void> {
    return this.oneAtATime(async () => {
      await this.powerOffNow();
      await this.unmount();
    });
  }

  /** Mounts the disk, and seeds it if it is new. */
  mount(): Promise<void> {
    return this.oneAtATime(() => this.mountNow());
  }

  /**
   * The argument list that runs `argv` inside the running host, as seen from within the lab. Throws while it is off.
   */
  enter(argv: readonly string[]): string[] {
    if (this.leaderPid === undefined) throw new Error(`host ${this.options.name} is off`);
    return ["nsenter", "-t", String(this.leaderPid), "-m", "-u", "-i", "-n", "-p", "-C", "--", ...argv];
  }

  private oneAtATime<T>(action: () => Promise<T>): Promise<T> {
    const next = this.chain.then(action, action);
    this.chain = next.catch(() => undefined);
    return next;
  }

  private async mountNow(): Promise<void> {
    const { disk, image, seed } = this.options;
    const [upper, work] = [path.join(disk, "upper"), path.join(disk, "work")];
    if (existsSync(path.join(this.root, "etc"))) return;
    const fresh = !existsSync(upper);
    for (const dir of [upper, work, this.root]) mkdirSync(dir, { recursive: true });
    const below = imageBelow(disk, image);
    await run([
      "mount",
      "-t",
      "overlay",
      "overlay",
      "-o",
      `lowerdir=${below},upperdir=${upper},workdir=${work}`,
      this.root,
    ]);
    if (!fresh) return;
    try {
      await seed(this.root);
    } catch (error) {
      await this.unmount();
      rmSync(disk, { recursive: true, force: true });
      throw error;
    }
  }

  private async unmount(): Promise<void> {
    if (!existsSync(this.root)) return;
    await run(["umount", "--lazy", this.root]).catch((error: unknown) => {
      if (!(error instanceof CommandError && /not mounted/.test(error.output))) throw error;
    });
    rmdirSync(this.root);
  }

  private async bootNow(): Promise<void> {
    if (this.leaderPid !== undefined) return;
    const { id, instance, console: log } = this.options;
    await this.mountNow();
    await this.leaveNetwork();
    await addNamespace(id);
    await this.options.plug();
    makeCgroups(instance, id);
    const nspawn = start(inCgroups(cgroupDirs(instance, id), this.nspawnCommand()), log, {
      env: {
        PATH: process.env["PATH"],
        SYSTEMD_NSPAWN_API_VFS_WRITABLE: "network",
        UNIFIED_CGROUP_HIERARCHY: "1",
        SYSTEMD_NSPAWN_UNIFIED_HIERARCHY: "1",
      },
    });
    this.nspawn = nspawn;
    this.bootedAt = Date.now();
    nspawn.on("exit", (code) => this.ended(nspawn, code));
    await until(
      `host ${this.options.name} to start`,
      30_000,
      () => {
        if (this.nspawn !== nspawn) throw new Error(`host ${this.options.name} did not start: ${this.consoleTail()}`);
        this.leaderPid = findLeader(nspawn.pid);
        return this.leaderPid !== undefined;
      },
      10,
    );
  }

  private nspawnCommand(): string[] {
    const argv = [
      "systemd-nspawn",
      "--quiet",
      "--register=no",
      "--keep-unit",
      "--settings=no",
      "--resolv-conf=off",
      "--timezone=off",
      "--link-journal=no",
    ];
    argv.push(
      `--directory=${this.root}`,
      `--machine=${this.options.id}`,
      `--hostname=${this.options.name}`,
      `--network-namespace-path=/run/netns/${this.options.id}`,
    );
    argv.push("--bind=/dev/net/tun", "--capability=CAP_NET_ADMIN,CAP_NET_RAW", "--console=pipe", "--boot");
    return argv;
  }

  /** nspawn is gone: the host went off, by itself or by a power cut, or wants to start again. */
  private ended(nspawn: ChildProcess, code: number | null): void {
    if (this.nspawn !== nspawn) return;
    this.nspawn = undefined;
    this.leaderPid = undefined;
    if (code === EXIT_REBOOT)
      this.reset().catch((error: unknown) => console.error(`reboot of ${this.options.name}:`, error));
  }

  private async powerOffNow(): Promise<void> {
    const { nspawn } = this;
    this.nspawn = undefined; // what ends now ends by us
    if (nspawn) {
      const over = new Promise<void>((resolve) =>
        nspawn.exitCode !== null || nspawn.signalCode !== null ? resolve() : nspawn.once("exit", () => resolve()),
      );
      const leader = this.leaderPid ?? findLeader(nspawn.pid);
      if (leader !== undefined) kill(leader);
      await Promise.race([over, sleep(2000)]);
      kill(nspawn.pid!);
      await over;
    }
    this.leaderPid = undefined;
    await this.leaveNetwork();
    // nspawn that was killed leaves these behind, and would refuse to start over them.
    const exported = path.join("/run/systemd/nspawn/unix-export", this.options.id);
    if (existsSync(exported)) {
      await run(["umount", "--lazy", exported]).catch(() => undefined);
      rmSync(exported, { recursive: true, force: true });
    }
  }

  /** Whatever was set in the namespace (addresses, routes, rules, sysctls) goes with it. */
  private async leaveNetwork(): Promise<void> {
    await this.options.unplug();
    await deleteNamespace(this.options.id);
  }

  private consoleTail(): string {
    const { console: log } = this.options;
    return existsSync(log)
      ? readFileSync(log, "utf8").trim().split("\n").slice(-5).join(" | ")
      : "its console said nothing";
  }
}

/**
 * The image that a disk was made on, which is noted beside it: a disk means nothing on another. Throws when that image
 * is gone.
 */
function imageBelow(disk: string, image: string): string {
  const note = path.join(disk, "image");
  if (!existsSync(note)) writeFileSync(note, image);
  const below = readFileSync(note, "utf8");
  if (!existsSync(below))
    throw new Error(
      `${disk} was made on the image ${below}, which is no longer in the cache; begin anew with: bin/lab down`,
    );
  return below;
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // it has ended meanwhile
  }
}

/** The init of a container: the descendant of nspawn that is process 1 of a namespace of its own. */
function findLeader(nspawn: number | undefined): number | undefined {
  if (nspawn === undefined) return undefined;
  try {
    for (const task of readdirSync(`/proc/${nspawn}/task`)) {
      for (const child of readFileSync(`/proc/${nspawn}/task/${task}/children`, "utf8").split(" ").filter(Boolean)) {
        const ids = /^NSpid:\s*(.*)$/m.exec(readFileSync(`/proc/${child}/status`, "utf8"))?.[1]?.split(/\s+/) ?? [];
        if (ids.at(-1) === "1") return Number(child);
      }
    }
  } catch {
    // it has ended meanwhile
  }
  return undefined;
}
