// Pinned host keys: reading them, showing them, comparing them.
import { createHash, timingSafeEqual } from "node:crypto";

/** A host's public key. */
export interface HostKey {
  /** Its algorithm's name, as in `ssh-ed25519`. */
  readonly type: string;
  /** The key as it goes over the wire (RFC 4253, 6.6). */
  readonly blob: Buffer;
}

/** The signature algorithms that prove a key of a type (RFC 8332 for RSA). */
const signatures: Readonly<Record<string, readonly string[]>> = { "ssh-rsa": ["rsa-sha2-512", "rsa-sha2-256"] };

/**
 * Reads a key as OpenSSH writes it: `ssh-ed25519 AAAA… comment`, or a line of known_hosts, whose host is ignored.
 * Throws when it is neither, without repeating it.
 */
export function parseHostKey(text: string): HostKey {
  const words = text.trim().split(/\s+/);
  const at = words.findIndex((word) => /^(ssh-|ecdsa-sha2-|sk-)/.test(word));
  const [type, encoded] = [words[at], words[at + 1]];
  const blob = Buffer.from(encoded ?? "", "base64");
  const named = blob.length > 4 ? blob.subarray(4, 4 + blob.readUInt32BE(0)).toString("latin1") : "";
  if (at < 0 || at > 1 || type === undefined || named !== type) {
    throw new Error(
      'connection.hostKey is not a public key: give one as OpenSSH writes it, "ssh-ed25519 AAAA…" (ssh-keyscan prints it)',
    );
  }
  return { type, blob };
}

/** The fingerprint that OpenSSH shows: SHA256 and base64 without padding. */
export function fingerprint(blob: Buffer): string {
  return `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`;
}

/** Whether the key that a host shows is the pinned one. */
export function isPinned(pinned: HostKey, shown: Buffer): boolean {
  return pinned.blob.length === shown.length && timingSafeEqual(pinned.blob, shown);
}

/** The algorithms to offer, so that the host shows its key of the pinned type and no other. */
export function algorithmsFor(pinned: HostKey): readonly string[] {
  return signatures[pinned.type] ?? [pinned.type];
}
