/**
 * The package repository that managed hosts install from: fetched before, on the machine, since hosts have no Internet.
 */
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import * as path from "node:path";
import { STEP_CA_SOURCE } from "../constants";
import { cacheDir } from "../paths";
import { CommandError, run } from "../process";
import { labSources, machineAcquire } from "./apt";
import { buildOnce } from "./cache";
import { REPOSITORY_PACKAGES } from "./packages";
import { stepCaPackage } from "./step-ca";
import { makeStepCaRepository, STEP_CA_FOLDER } from "./step-ca-repository";

/** Directory of the repository for hosts that run `image`, whether it is there or not. */
export function repositoryDir(image: string): string {
  const recipe = {
    version: 3,
    packages: REPOSITORY_PACKAGES,
    image: path.basename(image),
    built: stepCaPackage(),
    signed: STEP_CA_SOURCE.fingerprint,
  };
  const hash = createHash("sha256").update(JSON.stringify(recipe)).digest("hex").slice(0, 16);
  return path.join(cacheDir(), "lab", "apt", hash);
}

/** An apt of its own below `root`: the lab's suite as sources, the image's packages as what is installed. */
async function prepareApt(root: string, image: string): Promise<NodeJS.ProcessEnv> {
  for (const dir of [
    "etc/apt.conf.d",
    "etc/preferences.d",
    "etc/trusted.gpg.d",
    "etc/sources.list.d",
    "state/lists/partial",
    "cache/archives/partial",
  ]) {
    mkdirSync(path.join(root, dir), { recursive: true });
  }
  writeFileSync(path.join(root, "etc/sources.list"), labSources());
  copyFileSync(path.join(image, "var/lib/dpkg/status"), path.join(root, "state/status"));
  const settings = [
    `Dir::Etc "${root}/etc";`,
    `Dir::Etc::sourcelist "${root}/etc/sources.list";`,
    `Dir::Etc::sourceparts "${root}/etc/sources.list.d";`,
    `Dir::Etc::parts "${root}/etc/apt.conf.d";`,
    `Dir::State "${root}/state";`,
    `Dir::State::status "${root}/state/status";`,
    `Dir::Cache "${root}/cache";`,
    'APT::Sandbox::User "root";',
    'APT::Architecture "amd64";',
    'APT::Update::Post-Invoke "";',
    'APT::Keep-Downloaded-Packages "true";',
  ];
  const architecture = (await run(["dpkg", "--print-architecture"])).trim();
  const conf = path.join(root, "apt.conf");
  writeFileSync(conf, `${await machineAcquire()}${settings.join("\n").replace('"amd64"', `"${architecture}"`)}\n`);
  return { APT_CONFIG: conf, DEBIAN_FRONTEND: "noninteractive" };
}

/**
 * Fetches one package with all it needs that the image lacks; the archives collect what several packages need only
 * once.
 */
async function download(name: string, env: NodeJS.ProcessEnv): Promise<void> {
  for (const recommends of ["false", "true"]) {
    await run(
      [
        "apt-get",
        "install",
        "--yes",
        "--download-only",
        "--quiet",
        "--reinstall",
        "-o",
        `APT::Install-Recommends=${recommends}`,
        name,
      ],
      { env },
    );
  }
}

/**
 * Makes the repository unless the cache has it, and returns its directory: `*.deb`, `Packages`, `Packages.gz`,
 * `Release`. The packages that are built here must be built already (`buildStepCa`).
 */
export function ensureRepository(image: string, progress: (line: string) => void): Promise<string> {
  return buildOnce(repositoryDir(image), progress, async (partial) => {
    progress(`fetching ${REPOSITORY_PACKAGES.length} packages and what they need for the hosts' repository (once)`);
    const work = `${partial}.apt`;
    rmSync(work, { recursive: true, force: true });
    try {
      const env = await prepareApt(work, image);
      await run(["apt-get", "update", "--quiet"], { env });
      for (const name of REPOSITORY_PACKAGES) {
        try {
          await download(name, env);
        } catch (error) {
          const what = error instanceof CommandError ? error.output : String(error);
          throw new Error(`package ${name} for the hosts' repository (lab/images/packages.ts): ${what}`, {
            cause: error,
          });
        }
      }
      mkdirSync(partial, { recursive: true });
      const archives = path.join(work, "cache/archives");
      for (const file of readdirSync(archives)) {
        // apt writes the colon of an epoch as %3a, which a client would decode once and then not find.
        if (file.endsWith(".deb"))
          renameSync(path.join(archives, file), path.join(partial, file.replace(/%3a/gi, "-")));
      }
      const index = await run(["apt-ftparchive", "packages", "."], { cwd: partial });
      if (/^Package: step-ca$/m.test(index)) throw new Error("step-ca is among Debian's packages, where it is not");
      writeFileSync(path.join(partial, "Packages"), index);
      await run(["gzip", "--keep", "--best", "Packages"], { cwd: partial });
      const release = await run(["apt-ftparchive", "-o", "APT::FTPArchive::Release::Suite=lab", "release", "."], {
        cwd: partial,
      });
      writeFileSync(path.join(partial, "Release"), release);
      await makeStepCaRepository(path.join(partial, STEP_CA_FOLDER)); // after the index, which takes all that is there
      if (
        !existsSync(path.join(partial, "Packages.gz")) ||
        !readFileSync(path.join(partial, "Packages"), "utf8").includes("\nFilename:")
      ) {
        throw new Error("the hosts' repository came out empty");
      }
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  });
}
