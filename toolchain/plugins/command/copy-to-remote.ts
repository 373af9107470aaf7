// command:remote:CopyToRemote: an asset or a folder, by SFTP.
import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { NodeSSH } from "node-ssh";
import type { SFTPWrapper, Stats } from "ssh2";
import type { CheckFailure } from "@pulumi/pulumi/provider";
import { failure, type ResourceType } from "../common/plugin";
import { hasUnknown, isObject, type Properties } from "../common/values";
import { diffOf, randomId } from "./command-resource";
import { withConnection } from "./connection";
import { checkConnection, endpointOf } from "./endpoint";

function check(inputs: Properties): { failures: CheckFailure[] } {
  const failures = checkConnection(inputs.connection);
  const { remotePath, source } = inputs;
  if (typeof remotePath !== "string" || remotePath === "")
    failures.push(failure("remotePath", '"remotePath" is required'));
  if (source === undefined) failures.push(failure("source", '"source" is required'));
  else if (
    !hasUnknown(source) &&
    !(isObject(source) && (typeof source.path === "string" || typeof source.text === "string"))
  ) {
    failures.push(failure("source", '"source" must be a FileAsset, a StringAsset or a FileArchive'));
  }
  return { failures };
}

/** What lies at a remote path, or undefined when nothing does. */
function statRemote(sftp: SFTPWrapper, remote: string): Promise<Stats | undefined> {
  return new Promise((resolve, reject) => {
    sftp.stat(remote, (error, stats) => {
      const missing = (error as (Error & { code?: number }) | undefined)?.code === 2;
      if (error && !missing) reject(new Error(`${remote} on the host: ${error.message}`));
      else resolve(error ? undefined : stats);
    });
  });
}

function writeText(sftp: SFTPWrapper, remote: string, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    sftp.writeFile(remote, text, (error) =>
      error ? reject(new Error(`${remote} on the host: ${(error as Error).message}`)) : resolve(),
    );
  });
}

/** A file or text goes to that path, or into the folder there under its own name. Parents are made. */
async function fileTarget(ssh: NodeSSH, sftp: SFTPWrapper, remotePath: string, name?: string): Promise<string> {
  const there = await statRemote(sftp, remotePath);
  if (there?.isDirectory()) {
    if (name === undefined)
      throw new Error(`${remotePath} is a folder on the host and a StringAsset has no name: give the file's path`);
    return path.posix.join(remotePath, name);
  }
  await ssh.mkdir(path.posix.dirname(remotePath), "sftp", sftp);
  return remotePath;
}

/** Makes a folder on the host, and its parents. @throws Error when something else is there */
async function makeFolder(ssh: NodeSSH, sftp: SFTPWrapper, remote: string): Promise<void> {
  const there = await statRemote(sftp, remote);
  if (there && !there.isDirectory())
    throw new Error(`${remote} is a file on the host; a folder cannot be copied onto it`);
  if (!there) await ssh.mkdir(remote, "sftp", sftp);
}

/** Copies what is in a folder, hidden files and empty folders too; files that are there are overwritten. */
async function copyFolder(ssh: NodeSSH, sftp: SFTPWrapper, local: string, remote: string): Promise<void> {
  await makeFolder(ssh, sftp, remote);
  for (const entry of (await readdir(local, { withFileTypes: true })).toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const [from, to] = [path.join(local, entry.name), path.posix.join(remote, entry.name)];
    if (entry.isDirectory()) await copyFolder(ssh, sftp, from, to);
    else await ssh.putFile(from, to, sftp);
  }
}

/**
 * A folder always goes below `remotePath` under its own name, which is made when it is not there, so that a second copy
 * goes where the first did. Only a source that ends with a slash goes into `remotePath` itself. Both as the official
 * plugin does it.
 */
async function copy(inputs: Properties): Promise<void> {
  const source = inputs.source as { path?: string; text?: string };
  const remotePath = String(inputs.remotePath);
  await withConnection(endpointOf(inputs.connection), async (ssh) => {
    const sftp = await ssh.requestSFTP();
    if (source.text !== undefined) return writeText(sftp, await fileTarget(ssh, sftp, remotePath), source.text);
    const given = String(source.path);
    const local = path.resolve(given);
    if (!(await stat(local)).isDirectory()) {
      return ssh.putFile(local, await fileTarget(ssh, sftp, remotePath, path.basename(local)), sftp);
    }
    await makeFolder(ssh, sftp, remotePath);
    const to = given.endsWith("/") ? remotePath : path.posix.join(remotePath, path.basename(local));
    await copyFolder(ssh, sftp, local, to);
  });
}

/**
 * Whether an update has to copy: the official plugin does so for another content or another path, not for another
 * connection.
 */
function mustCopy(before: Properties, after: Properties): boolean {
  return !isDeepStrictEqual([before.source, before.remotePath], [after.source, after.remotePath]);
}

/**
 * A copy of a local file, text or folder on a host. Deleting the resource leaves the copy there, as the official plugin
 * does.
 */
export const copyToRemote: ResourceType = {
  check,
  diff: diffOf(["connection", "remotePath", "source", "triggers"]),
  async create(inputs) {
    await copy(inputs);
    return { id: randomId("copy"), outputs: { ...inputs } };
  },
  async update(_id, outputs, inputs) {
    if (mustCopy(outputs, inputs)) await copy(inputs);
    return { ...inputs };
  },
  delete: async () => undefined,
};
