import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from "node:crypto";
import type { KeyPair } from "./key-provider";
import { openSshPrivate, openSshPublic } from "./openssh";

/** PKCS #8 head of an X25519 private key (RFC 8410): the 32 bytes of the key follow. */
const X25519_HEAD = Buffer.from("302e020100300506032b656e04220420", "hex");

/** A WireGuard pair: X25519, both halves as base64 of 32 bytes, as `wg genkey` and `wg pubkey` print them. */
export function makeWireGuardPair(): KeyPair {
  const pkcs8 = generateKeyPairSync("x25519").privateKey.export({ type: "pkcs8", format: "der" });
  const secret = Buffer.from(pkcs8.subarray(-32));
  // Clamped as RFC 7748 (5) says, for WireGuard shows keys in that form; the public half is the same.
  secret[0]! &= 248;
  secret[31] = (secret[31]! & 127) | 64;
  const key = createPrivateKey({ key: Buffer.concat([X25519_HEAD, secret]), type: "pkcs8", format: "der" });
  const spki = createPublicKey(key).export({ type: "spki", format: "der" });
  return { publicKey: spki.subarray(-32).toString("base64"), privateKey: secret.toString("base64") };
}

/** A WireGuard pair for each end of a tunnel. */
export function makeTunnelPairs(): Record<"publicKeyA" | "privateKeyA" | "publicKeyB" | "privateKeyB", string> {
  const [a, b] = [makeWireGuardPair(), makeWireGuardPair()];
  return { publicKeyA: a.publicKey, privateKeyA: a.privateKey, publicKeyB: b.publicKey, privateKeyB: b.privateKey };
}

/** An Ed25519 host key of sshd: public half as one line, private half as an OpenSSH private key file. */
export function makeSshHostPair(): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const seed = privateKey.export({ type: "pkcs8", format: "der" }).subarray(-32);
  const open = publicKey.export({ type: "spki", format: "der" }).subarray(-32);
  return { publicKey: openSshPublic(open), privateKey: openSshPrivate(seed, open) };
}

/** What several hosts know and nobody else: base64 of 32 random bytes. */
export function makeSharedSecret(): { value: string } {
  return { value: randomBytes(32).toString("base64") };
}
