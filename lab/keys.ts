/**
 * Keys of the lab. They are derived from fixed labels, so the committed `lab` configuration can pin them; they are
 * therefore no secret, and open nothing but lab hosts.
 */
import { createECDH, createHash, createPrivateKey, createPublicKey } from "node:crypto";

/** An Ed25519 key pair in OpenSSH's forms. */
export interface SshKey {
  /** `ssh-ed25519 AAAA…` without a comment. */
  publicKey: string;
  /** A file of OpenSSH's private key format. */
  privateKey: string;
}

/** DER of a PKCS #8 Ed25519 private key up to the seed (RFC 8410, section 7). */
const PKCS8_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");

/** A string as RFC 4251, section 5 encodes it: length and bytes. */
function sshString(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/**
 * The key pair whose Ed25519 seed is SHA-256("pulumi-intranet lab " + label). The private key is written in OpenSSH's
 * own format (its PROTOCOL.key), unencrypted, with `comment`; the same label and comment give the same bytes.
 */
export function deriveSshKey(label: string, comment = label): SshKey {
  const seed = createHash("sha256").update(`pulumi-intranet lab ${label}`).digest();
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: "der", type: "pkcs8" });
  const raw = createPublicKey(privateKey).export({ format: "der", type: "spki" }).subarray(-32);
  const blob = Buffer.concat([sshString("ssh-ed25519"), sshString(raw)]);
  const check = createHash("sha256").update(seed).digest().subarray(0, 4);
  let secret = Buffer.concat([check, check, blob, sshString(Buffer.concat([seed, raw])), sshString(comment)]);
  const padding = (8 - (secret.length % 8)) % 8;
  secret = Buffer.concat([secret, Buffer.from(Array.from({ length: padding }, (_, i) => i + 1))]);
  const count = Buffer.from([0, 0, 0, 1]);
  const file = Buffer.concat([
    Buffer.from("openssh-key-v1\0"),
    sshString("none"),
    sshString("none"),
    sshString(""),
    count,
    sshString(blob),
    sshString(secret),
  ]);
  const lines = file.toString("base64").match(/.{1,70}/g) ?? [];
  return {
    publicKey: `ssh-ed25519 ${blob.toString("base64")}`,
    privateKey: ["-----BEGIN OPENSSH PRIVATE KEY-----", ...lines, "-----END OPENSSH PRIVATE KEY-----", ""].join("\n"),
  };
}

/** The P-256 private key, PKCS #8 in PEM, whose secret number is SHA-256("pulumi-intranet lab " + label). */
export function derivePemKey(label: string): string {
  const secret = createHash("sha256").update(`pulumi-intranet lab ${label}`).digest();
  const pair = createECDH("prime256v1");
  pair.setPrivateKey(secret);
  const point = pair.getPublicKey(); // 4, x, y
  const [d, x, y] = [secret, point.subarray(1, 33), point.subarray(33)].map((part) => part.toString("base64url"));
  const key = createPrivateKey({ format: "jwk", key: { kty: "EC", crv: "P-256", d: d!, x: x!, y: y! } });
  return key.export({ format: "pem", type: "pkcs8" }).toString();
}
