/** `bin/lab up`: from whatever there is to a lab whose hosts answer. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { SERVICES } from "../constants";
import { imageDir, ensureImage } from "../images/image";
import { withLock } from "../images/cache";
import { ensureRepository, repositoryDir } from "../images/repository";
import { buildStepCa } from "../images/step-ca";
import { labStatus, outerPid, startSupervisor, stopLab } from "../lab-process";
import type { InstancePaths } from "../paths";
import { sleep } from "../process";
import { checkMachine, installMissing, raiseInotifyLimit } from "../requirements";
import type { LabStatus } from "../supervisor-api";

/** Whether every host that is on has booted, and the lab has started everything. */
function settled(status: LabStatus): boolean {
  return status.running && status.hosts.every(({ state }) => state !== "starting");
}

/** Makes images and repository unless the cache has them; side by side where nothing waits for the other. */
export async function prepareImages(progress: (line: string) => void): Promise<void> {
  const server = imageDir("server");
  if (existsSync(server) && existsSync(imageDir("device")) && existsSync(repositoryDir(server))) return;
  await installMissing(progress);
  await Promise.all([
    ensureImage("device", progress),
    Promise.all([ensureImage("server", progress), buildStepCa()]).then(([image]) => ensureRepository(image, progress)),
  ]);
}

function writeOperatorFiles(paths: InstancePaths): void {
  mkdirSync(paths.operator, { recursive: true, mode: 0o700 });
  writeFileSync(
    path.join(paths.operator, "resolv.conf"),
    `nameserver ${SERVICES.resolver.ipv4}\nnameserver ${SERVICES.resolver.ipv6}\n`,
  );
  writeFileSync(
    path.join(paths.operator, "nsswitch.conf"),
    "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nnetworks: files\nprotocols: files\nservices: files\n",
  );
}

/**
 * Brings the lab up and returns its status; a lab that runs is left as it is. `progress` hears what takes long. Throws
 * `RequirementError` on a machine that cannot, and with the names of hosts that do not boot within two minutes.
 */
export async function up(paths: InstancePaths, progress: (line: string) => void): Promise<LabStatus> {
  const running = await labStatus(paths);
  if (running && settled(running)) return running;
  await checkMachine();
  mkdirSync(paths.dir, { recursive: true, mode: 0o700 });
  return withLock(
    path.join(paths.dir, "up.lock"),
    () => progress(`waiting for another "lab up" of ${paths.name}`),
    async () => {
      await installMissing(progress);
      raiseInotifyLimit(progress);
      await prepareImages(progress);
      writeOperatorFiles(paths);
      if (!(await labStatus(paths))) {
        if (outerPid(paths) !== undefined) await stopLab(paths);
        progress(`starting the lab ${paths.name}`);
        await startSupervisor(paths);
      }
      return waitForHosts(paths, progress);
    },
  );
}

async function waitForHosts(paths: InstancePaths, progress: (line: string) => void): Promise<LabStatus> {
  const since = Date.now();
  progress("booting the hosts");
  for (let told = since; ;) {
    const status = await labStatus(paths);
    if (!status)
      throw new Error(`the lab went down while it was starting; see ${path.join(paths.logs, "supervisor.log")}`);
    if (settled(status)) return status;
    const waiting =
      status.hosts
        .filter(({ state }) => state === "starting")
        .map(({ name }) => name)
        .join(", ") || "the services";
    if (Date.now() - since > 120_000)
      throw new Error(`not there within two minutes: ${waiting}; look with: bin/lab logs HOST --console`);
    if (Date.now() - told > 10_000) {
      progress(`still waiting for ${waiting}`);
      told = Date.now();
    }
    await sleep(100);
  }
}
