import { createHash } from "node:crypto";
import { type ServerHostKeyAlgorithm, utils } from "ssh2";

/** Fingerprint as OpenSSH prints it: SHA256 and unpadded base64 of the key blob (ssh-keygen(1), -l). */
export function fingerprint(blob: Buffer): string {
  return `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`;
}

/** A host key of the wire in OpenSSH form; the blob begins with its own type (RFC 4253, 6.6). */
export function openSshForm(blob: Buffer): string {
  const length = blob.length >= 4 ? blob.readUInt32BE(0) : 0;
  return `${blob.subarray(4, 4 + length).toString("latin1")} ${blob.toString("base64")}`;
}

/** Key blob of a pinned key in OpenSSH form. */
export function blobOf(pinned: string): Buffer {
  const parsed = utils.parseKey(pinned);
  if (parsed instanceof Error) throw parsed;
  return parsed.getPublicSSH();
}

/** Whether the host's key is one of the pinned ones, compared as a whole. */
export function isPinned(blob: Buffer, pinned: readonly string[]): boolean {
  return pinned.some((key) => blobOf(key).equals(blob));
}

/** Signature algorithms to ask for, so that a host with several keys shows one that is pinned (RFC 8332 for RSA). */
export function algorithmsFor(pinned: readonly string[]): ServerHostKeyAlgorithm[] {
  const types = new Set(pinned.map((key) => openSshForm(blobOf(key)).split(" ", 1)[0]));
  return [...types].flatMap((type) =>
    type === "ssh-rsa" ? ["rsa-sha2-512" as const, "rsa-sha2-256" as const] : [type as ServerHostKeyAlgorithm],
  );
}

/** What to say when the host shows `blob`: both fingerprints, and how to accept it if it is right. */
export function hostKeyMessage(host: string, blob: Buffer, pinned: readonly string[]): string {
  const shown = openSshForm(blob);
  const compare =
    "Compare it on the host's own console (`ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub`), " +
    `and if it is the same pin it: connection.hostKeys: ["${shown}"]`;
  if (pinned.length === 0)
    return `${host} has no pinned host key, so nothing was sent to it. It shows ${fingerprint(blob)}. ${compare}`;
  const known = pinned.map((key) => fingerprint(blobOf(key))).join(", ");
  return (
    `${host} shows another host key than the pinned one: shown ${fingerprint(blob)}, pinned ${known}. ` +
    `Either somebody is in between, or the host was reinstalled; nothing was sent to it. ${compare}`
  );
}
