import { randomBytes } from "node:crypto";

/** A length-prefixed string (RFC 4251, 5). */
function string(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** The public half in OpenSSH's form (RFC 8709, 4), from its 32 bytes. */
export function openSshPublic(publicKey: Buffer): string {
  return `ssh-ed25519 ${Buffer.concat([string("ssh-ed25519"), string(publicKey)]).toString("base64")}`;
}

/**
 * An unencrypted Ed25519 private key file (OpenSSH's PROTOCOL.key), from the 32 bytes of each half.
 *
 * Written here because the SSH library's own generator drops leading zero bytes, so that one key in 256 cannot be read.
 */
export function openSshPrivate(seed: Buffer, publicKey: Buffer): string {
  const open = Buffer.concat([string("ssh-ed25519"), string(publicKey)]);
  const check = randomBytes(4);
  const closed = Buffer.concat([
    check,
    check,
    open,
    string(Buffer.concat([seed, publicKey])),
    string(""), // no comment
  ]);
  // Padded with 1, 2, 3 … to the block size of "none", which is 8.
  const padding = Buffer.from(Array.from({ length: (8 - (closed.length % 8)) % 8 }, (_, index) => index + 1));
  const one = Buffer.from([0, 0, 0, 1]);
  const whole = Buffer.concat([
    Buffer.from("openssh-key-v1\0"),
    string("none"),
    string("none"),
    string(""),
    one,
    string(open),
    string(Buffer.concat([closed, padding])),
  ]);
  const lines = whole.toString("base64").match(/.{1,70}/g) ?? [];
  return ["-----BEGIN OPENSSH PRIVATE KEY-----", ...lines, "-----END OPENSSH PRIVATE KEY-----", ""].join("\n");
}
