import ipaddr from "ipaddr.js";

/** The reverse zones of the lab's public space: 192.0.2.0/24, 198.51.100.0/24, 2001:db8::/32. */
export const REVERSE_ZONES = ["2.0.192.in-addr.arpa", "100.51.198.in-addr.arpa", "8.b.d.0.1.0.0.2.ip6.arpa"] as const;

/**
 * The name of an address's PTR record (RFC 1035 section 3.5, RFC 3596 section 2.5), and the lab's zone that it lies in.
 * @throws Error when the text is no address, or an address outside the lab's public space
 */
export function reverseName(ip: string): { name: string; zone: string } {
  if (!ipaddr.isValid(ip)) throw new Error(`"${ip}" is not an IP address`);
  const address = ipaddr.parse(ip);
  const bytes = address.toByteArray();
  const name =
    address.kind() === "ipv4"
      ? `${bytes.reverse().join(".")}.in-addr.arpa`
      : `${[...Buffer.from(bytes).toString("hex")].reverse().join(".")}.ip6.arpa`;
  const zone = REVERSE_ZONES.find((entry) => name.endsWith(`.${entry}`));
  if (!zone)
    throw new Error(`${ip} is outside the lab's public space; its reverse zones are ${REVERSE_ZONES.join(", ")}`);
  return { name, zone };
}
