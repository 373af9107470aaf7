/** Leaves that an authority's intermediate has signed, good ones and such as a thief of its key would make. */
import "reflect-metadata";
import { webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";
import type { CertificateWithKey } from "../../host/keys/x509";

x509.cryptoProvider.set(webcrypto);
const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

/** A leaf and the intermediate, as a server shows them. */
export interface SignedLeaf {
  /** PEM, the leaf first. */
  readonly chain: string;
  /** PKCS #8, PEM. */
  readonly privateKey: string;
}

/** Signs a leaf with the given names, whatever they are. */
export async function signLeaf(
  issuer: Pick<CertificateWithKey, "certificate" | "privateKey">,
  names: x509.JsonGeneralName[],
  more: x509.Extension[] = [],
): Promise<SignedLeaf> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const der = x509.PemConverter.decodeFirst(issuer.privateKey);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: Buffer.from(webcrypto.getRandomValues(new Uint8Array(8)).map((byte) => (byte & 0x7f) | 1)).toString(
      "hex",
    ),
    issuer: new x509.X509Certificate(issuer.certificate).subjectName,
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + 86_400_000),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: await webcrypto.subtle.importKey("pkcs8", der, ALGORITHM, false, ["sign"]),
    extensions: [
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(names, true),
      ...more,
    ],
  });
  const pkcs8 = await webcrypto.subtle.exportKey("pkcs8", keys.privateKey);
  return {
    chain: `${certificate.toString("pem")}\n${issuer.certificate}`,
    privateKey: `${x509.PemConverter.encode(pkcs8, "PRIVATE KEY")}\n`,
  };
}
