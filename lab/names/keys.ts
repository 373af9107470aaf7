/**
 * The keys that sign the lab's zones: one ECDSA P-256 key a zone (RFC 6605), derived from a fixed label. They are no
 * secret and sign nothing but the lab's own names; that they are always the same lets the committed `lab`
 * configuration pin the root's.
 */
import { createECDH, createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** ECDSAP256SHA256 (RFC 6605 section 2). */
const ALGORITHM = 13;
/**
 * Zone key with the secure entry point bit: it signs the whole zone, and the parent names it (RFC 4034 section 2.1.1).
 */
const FLAGS = 257;
/** The only protocol there is (RFC 4034 section 2.1.2). */
const PROTOCOL = 3;
/** Digest type of SHA-256 (RFC 4509). */
const SHA256 = 2;

/** The signing key of one zone. */
export interface ZoneKey {
  /** Zone without the final dot; empty for the root. */
  zone: string;
  /** RFC 4034 appendix B. */
  tag: number;
  /** Record data of the DNSKEY record. */
  dnskey: string;
  /** Record data of the DS record that the parent publishes. */
  ds: string;
  /** The secret number, base64. */
  secret: string;
}

/** The key of a zone: its secret number is SHA-256("pulumi-intranet lab zone " + zone + "."). */
export function zoneKey(zone: string): ZoneKey {
  const secret = createHash("sha256").update(`pulumi-intranet lab zone ${zone}.`).digest();
  const pair = createECDH("prime256v1");
  pair.setPrivateKey(secret);
  const point = pair.getPublicKey().subarray(1); // without the octet that says "uncompressed"
  const rdata = Buffer.concat([Buffer.from([FLAGS >> 8, FLAGS & 0xff, PROTOCOL, ALGORITHM]), point]);
  const tag = keyTag(rdata);
  const digest = createHash("sha256").update(wireName(zone)).update(rdata).digest("hex").toUpperCase();
  return {
    zone,
    tag,
    dnskey: `${FLAGS} ${PROTOCOL} ${ALGORITHM} ${point.toString("base64")}`,
    ds: `${tag} ${ALGORITHM} ${SHA256} ${digest}`,
    secret: secret.toString("base64"),
  };
}

/**
 * Writes a key as BIND's tools want it, `K<zone>.+013+<tag>.key` and `.private`; returns the path without the ending.
 */
export function writeKeyFiles(key: ZoneKey, directory: string): string {
  const base = join(
    directory,
    `K${key.zone}.+${String(ALGORITHM).padStart(3, "0")}+${String(key.tag).padStart(5, "0")}`,
  );
  const secret = ["Private-key-format: v1.3", `Algorithm: ${ALGORITHM} (ECDSAP256SHA256)`, `PrivateKey: ${key.secret}`];
  writeFileSync(`${base}.key`, `${key.zone}. IN DNSKEY ${key.dnskey}\n`);
  writeFileSync(`${base}.private`, `${secret.join("\n")}\n`, { mode: 0o600 });
  return base;
}

/** RFC 4034 appendix B. */
function keyTag(rdata: Buffer): number {
  let sum = 0;
  rdata.forEach((octet, index) => {
    sum += index % 2 === 0 ? octet << 8 : octet;
  });
  return (sum + (sum >> 16)) & 0xffff;
}

/** RFC 1035 section 3.1: labels with their lengths, and the empty one of the root. */
function wireName(zone: string): Buffer {
  const labels = zone === "" ? [] : zone.split(".");
  return Buffer.concat([
    ...labels.flatMap((label) => [Buffer.from([label.length]), Buffer.from(label)]),
    Buffer.from([0]),
  ]);
}
