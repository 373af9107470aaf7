/** Certificates of a private authority, made offline: P-256, random serials, names limited to one domain. */
import "reflect-metadata"; // the library's dependency injection wants it first
import { randomBytes, webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";

x509.cryptoProvider.set(webcrypto);

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const DAY = 86_400_000;
/** Clocks differ: a certificate is valid from a little before it was made. */
const BACKDATE = 3_600_000;

/** A certificate with its private key, and what can be said of it. */
export interface CertificateWithKey {
  /** PEM. */
  certificate: string;
  /** SHA-256 of the certificate, as devices show it: upper-case pairs with colons. */
  fingerprint: string;
  /** Validity, ISO 8601. */
  notBefore: string;
  notAfter: string;
  /** PKCS #8, PEM; secret. */
  privateKey: string;
}

/** What a root is made of. */
export interface RootSpec {
  /** The name that devices show, and the organisation in the subject. */
  organisation: string;
  /** The only domain for which certificates below it can be valid. */
  domain: string;
  /** Days. */
  lifetimeDays: number;
}

/** What an intermediate is made of; its organisation and its limits are the root's. */
export interface IntermediateSpec {
  /** Counted up by the operator; part of the name. */
  version: number;
  /** Days; it never outlives the root. */
  lifetimeDays: number;
  /** PEM. */
  rootCertificate: string;
  /** PKCS #8, PEM. */
  rootPrivateKey: string;
}

/** Twenty octets at most, positive, 127 random bits (RFC 5280, 4.1.2.2). */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0]! & 0x3f) | 0x40;
  return bytes.toString("hex");
}

/** A DER element: tag, length, content (X.690, 8.1). */
function der(tag: number, ...content: Uint8Array[]): Buffer {
  const body = Buffer.concat(content);
  const { length } = body;
  const octets = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...octets]), body]);
}

const NAME_CONSTRAINTS = "2.5.29.30";
const SEQUENCE = 0x30;
/** Tags of RFC 5280, 4.2.1.10 and 4.2.1.6. */
const [PERMITTED, EXCLUDED, EMAIL, DNS, URI, IP] = [0xa0, 0xa1, 0x81, 0x82, 0x86, 0x87];

/**
 * Names limited to the domain (RFC 5280, 4.2.1.10): DNS names, and those of mail and URIs, which would be unlimited
 * where they are not mentioned; every IP address is excluded, since a limit on DNS names says nothing about addresses.
 * Critical: who does not understand it must refuse the certificate.
 */
function nameConstraints(domain: string): x509.Extension {
  const subtree = (tag: number, name: Uint8Array): Buffer => der(SEQUENCE, der(tag, name));
  const [all, below] = [Buffer.from(domain), Buffer.from(`.${domain}`)];
  const permitted = [subtree(DNS, all), ...[EMAIL, URI].flatMap((tag) => [subtree(tag, all), subtree(tag, below)])];
  // Address and mask, all zero: 0.0.0.0/0 and ::/0.
  const excluded = [subtree(IP, Buffer.alloc(8)), subtree(IP, Buffer.alloc(32))];
  return new x509.Extension(
    NAME_CONSTRAINTS,
    true,
    der(SEQUENCE, der(PERMITTED, ...permitted), der(EXCLUDED, ...excluded)),
  );
}

async function finish(certificate: x509.X509Certificate, keys: webcrypto.CryptoKeyPair): Promise<CertificateWithKey> {
  const pkcs8 = await webcrypto.subtle.exportKey("pkcs8", keys.privateKey);
  const digest = Buffer.from(await certificate.getThumbprint("SHA-256"));
  return {
    certificate: `${certificate.toString("pem")}\n`,
    fingerprint: digest.toString("hex").toUpperCase().match(/../g)!.join(":"),
    notBefore: certificate.notBefore.toISOString(),
    notAfter: certificate.notAfter.toISOString(),
    privateKey: `${x509.PemConverter.encode(pkcs8, "PRIVATE KEY")}\n`,
  };
}

async function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
}

const SIGNS_CERTIFICATES = new x509.KeyUsagesExtension(
  x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
  true,
);

/** A root: it may sign one level of intermediates, and nothing below it is valid outside the domain. */
export async function makeRoot(spec: RootSpec, now = Date.now()): Promise<CertificateWithKey> {
  const keys = await newKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: [{ O: [spec.organisation] }, { CN: [`${spec.organisation} root`] }],
    notBefore: new Date(now - BACKDATE),
    notAfter: new Date(now + spec.lifetimeDays * DAY),
    signingAlgorithm: ALGORITHM,
    keys: keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 1, true),
      SIGNS_CERTIFICATES,
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      nameConstraints(spec.domain),
    ],
  });
  return finish(certificate, keys);
}

/**
 * An intermediate: it signs leaves for servers and clients, and revocation lists; it carries the root's limits itself.
 */
export async function makeIntermediate(spec: IntermediateSpec, now = Date.now()): Promise<CertificateWithKey> {
  const root = new x509.X509Certificate(spec.rootCertificate);
  const pkcs8 = x509.PemConverter.decodeFirst(spec.rootPrivateKey);
  const signingKey = await webcrypto.subtle.importKey("pkcs8", pkcs8, ALGORITHM, false, ["sign"]);
  const keys = await newKeys();
  const [organisation] = root.subjectName.getField("O");
  const limits = root.getExtension(NAME_CONSTRAINTS);
  if (organisation === undefined || limits === null) throw new Error("the root certificate has no name or no limits");
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: [{ O: [organisation] }, { CN: [`${organisation} intermediate ${spec.version}`] }],
    issuer: root.subjectName,
    notBefore: new Date(now - BACKDATE),
    notAfter: new Date(Math.min(now + spec.lifetimeDays * DAY, root.notAfter.getTime())),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: signingKey,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      SIGNS_CERTIFICATES,
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(root.publicKey),
      limits,
    ],
  });
  return finish(certificate, keys);
}
