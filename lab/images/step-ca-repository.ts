/** The repository of step-ca as its maker has it: a signed one with suite `debs`, component `main`, and its key. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { STEP_CA_SOURCE } from "../constants";
import { projectRoot } from "../paths";
import { run } from "../process";
import { packStepCa } from "./step-ca";

/** Its folder in the directory of the hosts' repository. */
export const STEP_CA_FOLDER = "step-ca";

/**
 * A package that hosts have from elsewhere too, in a version that apt would prefer: nobody takes it from here whose
 * source is pinned to step-ca.
 */
const DECOY = `Package: jq
Version: 99
Architecture: all
Maintainer: pulumi-intranet <lab@intranet.example>
Description: stands for what a repository may have beside the package that one wants
`;

const KEY_FILE = "lab/files/step-ca-repository.asc";

/** Writes it below `directory`, which does not exist yet: `stable/debian/` and `keys/apt/`. */
export async function makeStepCaRepository(directory: string): Promise<void> {
  const debian = path.join(directory, "stable/debian");
  const keys = path.join(directory, "keys/apt");
  const architecture = (await run(["dpkg", "--print-architecture"])).trim();
  const release = path.join(debian, "dists/debs");
  const lists = path.join(release, `main/binary-${architecture}`);
  const pool = path.join(debian, "pool/debs");
  for (const folder of [lists, pool, keys]) mkdirSync(folder, { recursive: true });
  await packStepCa(pool);
  await packDecoy(pool);
  writeFileSync(path.join(lists, "Packages"), await run(["apt-ftparchive", "packages", "pool/debs"], { cwd: debian }));
  await run(["gzip", "--keep", "--best", "Packages"], { cwd: lists });
  const fields = { Origin: "debs", Label: "debs", Suite: "debs", Codename: "debs", Components: "main" };
  const options = Object.entries({ ...fields, Architectures: architecture }).flatMap(([field, value]) => [
    "-o",
    `APT::FTPArchive::Release::${field}=${value}`,
  ]);
  const text = await run(["apt-ftparchive", ...options, "release", "."], { cwd: release });
  writeFileSync(path.join(release, "Release"), text);
  await sign(release, path.join(keys, "repo-signing-key.gpg"));
}

async function packDecoy(directory: string): Promise<void> {
  const tree = path.join(directory, "decoy.tree");
  mkdirSync(path.join(tree, "DEBIAN"), { recursive: true });
  writeFileSync(path.join(tree, "DEBIAN/control"), DECOY);
  await run(["dpkg-deb", "--root-owner-group", "--build", tree, path.join(directory, "jq_99_all.deb")]);
  rmSync(tree, { recursive: true });
}

/** Signs `Release` in a folder, both ways that apt knows, and writes the public key. */
async function sign(folder: string, publicKey: string): Promise<void> {
  const home = mkdtempSync(path.join(tmpdir(), "intranet-gpg-"));
  const gpg = (...args: string[]): Promise<string> =>
    run(["gpg", "--batch", "--quiet", "--yes", "--homedir", home, ...args], { cwd: folder });
  try {
    await gpg("--import", path.join(projectRoot(), KEY_FILE));
    const by = ["--local-user", STEP_CA_SOURCE.fingerprint, "--armor", "--output"];
    await gpg(...by, "InRelease", "--clearsign", "Release");
    await gpg(...by, "Release.gpg", "--detach-sign", "Release");
    await gpg("--armor", "--output", publicKey, "--export", STEP_CA_SOURCE.fingerprint);
    if (!readFileSync(publicKey, "utf8").startsWith("-----BEGIN PGP PUBLIC KEY BLOCK-----"))
      throw new Error(`gpg wrote no public key of ${KEY_FILE}`);
  } finally {
    await run(["gpgconf", "--homedir", home, "--kill", "all"]).catch(() => undefined);
    rmSync(home, { recursive: true, force: true });
  }
}
