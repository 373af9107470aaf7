/** The certificate that shows a name nobody should have asked for: it says so, and no device trusts it. Pure. */

/**
 * The words of a command that makes a key and its self-signed certificate: CN ACCESS DENIED, no other name, ten years,
 * no authority (RFC 5280, 4.2.1.9), so that it can sign nothing even for somebody who has trusted it by mistake.
 * Without a configuration, since Debian's adds CA:TRUE.
 */
export function deniedCertificate(keyPath: string, certificatePath: string): string {
  return [
    "openssl req -x509 -config /dev/null -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -sha256 -days 3650",
    '-subj "/CN=ACCESS DENIED" -addext basicConstraints=critical,CA:FALSE -addext keyUsage=critical,digitalSignature',
    `-addext extendedKeyUsage=serverAuth -keyout ${keyPath} -out ${certificatePath}`,
  ].join(" ");
}

/**
 * The words of a command that succeeds when such a certificate is there; one that was made before, as an authority, is
 * not such.
 */
export function hasDeniedCertificate(certificatePath: string): string {
  return `openssl x509 -noout -ext basicConstraints -in ${certificatePath} 2>/dev/null | grep -q CA:FALSE`;
}
