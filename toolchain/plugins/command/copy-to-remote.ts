// command:remote:CopyToRemote: an asset or a folder, by SFTP.
import { stat } from "node:fs/promises";
import path from "node:path";
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

/** An existing folder takes the source under its own name; anything else is the target itself. Parents are made. */
async function target(ssh: NodeSSH, sftp: SFTPWrapper, remotePath: string, name: string | undefined): Promise<string> {
  const there = await statRemote(sftp, remotePath);
  if (there?.isDirectory()) {
    if (name === undefined)
      throw new Error(`${remotePath} is a folder on the host and a StringAsset has no name: give the file's path`);
    return path.posix.join(remotePath, name);
  }
  await ssh.mkdir(path.posix.dirname(remotePath), "sftp", sftp);
  return remotePath;
}

async function copy(inputs: Properties): Promise<void> {
  const source = inputs.source as { path?: string; text?: string };
  const remotePath = String(inputs.remotePath);
  await withConnection(endpointOf(inputs.connection), async (ssh) => {
    const sftp = await ssh.requestSFTP();
    if (source.text !== undefined) return writeText(sftp, await target(ssh, sftp, remotePath, undefined), source.text);
    const local = path.resolve(String(source.path));
    const to = await target(ssh, sftp, remotePath, path.basename(local));
    if (!(await stat(local)).isDirectory()) return ssh.putFile(local, to, sftp);
    if ((await statRemote(sftp, to))?.isFile())
      throw new Error(`${to} is a file on the host; the folder ${local} cannot be copied onto it`);
    const failed: string[] = [];
    await ssh.putDirectory(local, to, {
      sftp,
      recursive: true,
      tick: (file, _remote, error) => void (error && failed.push(`${file}: ${error.message}`)),
    });
    if (failed.length > 0) throw new Error(`not everything was copied to ${to}: ${failed.join("; ")}`);
  });
}

/** A copy of a local file, text or folder on a host. Deleting the resource leaves the copy there, as the official plugin does. */
export const copyToRemote: ResourceType = {
  check,
  diff: diffOf(["connection", "remotePath", "source", "triggers"]),
  async create(inputs) {
    await copy(inputs);
    return { id: randomId("copy"), outputs: { ...inputs } };
  },
  async update(_id, _outputs, inputs) {
    await copy(inputs);
    return { ...inputs };
  },
  delete: async () => undefined,
};
