/**
 * step-ca as a Debian package: Debian has none, so the toolchain builds it from its pinned Go module
 * (toolchain/README.md).
 */
import { execFileSync, spawn } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { projectRoot } from "../paths";
import { run } from "../process";

/**
 * The package's control file; nothing but the program is in it, so whoever installs it brings unit, user and folders.
 */
const CONTROL = `Package: step-ca
Version: @VERSION@
Architecture: @ARCHITECTURE@
Maintainer: pulumi-intranet <lab@intranet.example>
Section: net
Priority: optional
Homepage: https://github.com/smallstep/certificates
Description: online certificate authority with ACME
 The program /usr/bin/step-ca alone, without a unit or a user.
`;

/** The command of the toolchain that builds it, as an argument list. */
function toolchain(...args: string[]): string[] {
  return [path.join(projectRoot(), "toolchain/bin/toolchain"), "program", "step-ca", ...args];
}

let folder: string | undefined;

/**
 * Folder of the built program in the cache, whether it is there or not; its name follows from all that it is built
 * from.
 */
function stepCaFolder(): string {
  const [file, ...args] = toolchain("--where") as [string, ...string[]];
  folder ??= execFileSync(file, args, { encoding: "utf8" }).trim();
  return folder;
}

/** What the package is made from, for a recipe in the cache. */
export function stepCaPackage(): unknown {
  return { control: CONTROL, program: path.basename(stepCaFolder()) };
}

/**
 * Builds the program unless the cache has it. The toolchain says on stderr how far it is. Throws when the build fails.
 */
export async function buildStepCa(): Promise<void> {
  const [file, ...args] = toolchain() as [string, ...string[]];
  const code = await new Promise<number | null>((resolve, reject) => {
    const child = spawn(file, args, { stdio: ["ignore", "ignore", "inherit"] });
    child.on("error", reject).on("close", resolve);
  });
  if (code !== 0) throw new Error(`step-ca could not be built (exit code ${code}); the lines above say why`);
}

/** Writes the package into `directory`; the program must be built. */
export async function packStepCa(directory: string): Promise<void> {
  const tree = path.join(directory, "step-ca.tree");
  const source = path.join(stepCaFolder(), "step-ca");
  const said = await run([source, "version"]); // "Smallstep CA/0.30.2 (linux/amd64)"
  const version = /^Smallstep CA\/([0-9.]+) /.exec(said)?.[1];
  if (!version) throw new Error(`${source} says no version: ${said}`);
  const architecture = (await run(["dpkg", "--print-architecture"])).trim();
  try {
    mkdirSync(path.join(tree, "DEBIAN"), { recursive: true });
    mkdirSync(path.join(tree, "usr/bin"), { recursive: true });
    const target = path.join(tree, "usr/bin/step-ca");
    copyFileSync(source, target);
    chmodSync(target, 0o755);
    writeFileSync(
      path.join(tree, "DEBIAN/control"),
      CONTROL.replace("@VERSION@", version).replace("@ARCHITECTURE@", architecture),
    );
    const file = path.join(directory, `step-ca_${version}_${architecture}.deb`);
    await run(["dpkg-deb", "--root-owner-group", "-Zgzip", "--build", tree, file]);
  } finally {
    rmSync(tree, { recursive: true, force: true });
  }
}
