/** The grammar of public keys: OpenSSH's and WireGuard's, and of their versions. Private keys never come here. */
import { createHash } from "node:crypto";
import { show, type Issues } from "./errors";

/** A public key in OpenSSH's one-line form. */
export interface OpenSshPublicKey {
  /** The algorithm, for example `ssh-ed25519`. */
  readonly type: string;
  /** The key in wire form (RFC 4253, section 6.6). */
  readonly blob: Buffer;
  /** What stands after the key; empty when nothing does. */
  readonly comment: string;
}

const SSH_TYPES = new Set([
  "ssh-ed25519",
  "ssh-rsa",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "sk-ssh-ed25519@openssh.com",
  "sk-ecdsa-sha2-nistp256@openssh.com",
]);

function decodeBase64(text: string): Buffer | undefined {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text) || text.length % 4 !== 0) return undefined;
  const bytes = Buffer.from(text, "base64");
  return bytes.toString("base64") === text ? bytes : undefined;
}

/**
 * Reads `ssh-ed25519 AAAA… comment`. Undefined when the line has options before the type, an unknown algorithm, a key
 * that is not base64, whose inner algorithm is another one, or (Ed25519) whose length is wrong.
 */
export function parseOpenSshPublicKey(line: string): OpenSshPublicKey | undefined {
  const match = /^(\S+) (\S+)(?: ([^\r\n]*))?$/.exec(line.trim());
  if (!match || !SSH_TYPES.has(match[1]!)) return undefined;
  const blob = decodeBase64(match[2]!);
  if (!blob || blob.length < 4) return undefined;
  const length = blob.readUInt32BE(0);
  if (blob.subarray(4, 4 + length).toString("latin1") !== match[1]) return undefined;
  if (match[1] === "ssh-ed25519" && blob.length !== 51) return undefined;
  return { type: match[1]!, blob, comment: match[3] ?? "" };
}

/**
 * The MD5 fingerprint as Hetzner's API prints it: 16 pairs of hexadecimal digits with colons. Names a key, protects
 * nothing.
 */
export function md5Fingerprint(key: OpenSshPublicKey): string {
  return createHash("md5").update(key.blob).digest("hex").match(/../g)!.join(":");
}

/** Whether a text is a WireGuard public key as `wg` prints it: 32 bytes in base64, 44 characters. */
export function isWireGuardKey(text: string): boolean {
  return decodeBase64(text)?.length === 32;
}

/** Notes a key version that is no whole number from 1. */
export function checkKeyVersion(version: number, path: string, issues: Issues): void {
  if (Number.isInteger(version) && version >= 1) return;
  issues.add(path, "a key version must be a whole number from 1", [show(version)], "raise it by one for a new key");
}
