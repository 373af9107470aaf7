/** The reverse zones of a space, and the names of addresses in them. Pure. */
import {
  addressAt,
  bitsOf,
  containsPrefix,
  parseAddress,
  parsePrefix,
  sizeOf,
  type Address,
  type Prefix,
} from "../../model";

/** Prefixes of which nobody on the Internet has a part, so that their whole reverse tree may be answered for. */
const NOBODYS = ["10.0.0.0/8", "192.168.0.0/16", "fc00::/7"].map((text) => parsePrefix(text)!);

/** Bits of one label: an octet, or a nibble (RFC 1035, section 3.5; RFC 3596, section 2.5). */
function labelBits(prefix: { family: 4 | 6 }): number {
  return prefix.family === 4 ? 8 : 4;
}

/** The labels of the first `length` bits, the most specific first, under the tree of their family. */
function reverseLabels(address: Address, length: number): string {
  const bits = labelBits(address);
  const labels: string[] = [];
  for (let end = bits; end <= length; end += bits) {
    const value = (address.value >> BigInt(bitsOf(address.family) - end)) & ((1n << BigInt(bits)) - 1n);
    labels.unshift(value.toString(address.family === 4 ? 10 : 16));
  }
  return [...labels, address.family === 4 ? "in-addr.arpa" : "ip6.arpa"].join(".");
}

/**
 * The zones that hold a prefix. Where it does not end between two labels: the one zone around it, if that is all
 * private (10.16.0.0/12 is in 10.in-addr.arpa); else as many as are in it (172.16.0.0/12 is sixteen), for the rest
 * belongs to others.
 */
export function reverseZones(prefix: Prefix): string[] {
  const bits = labelBits(prefix);
  const outer = prefix.length - (prefix.length % bits);
  const base = { family: prefix.family, value: prefix.base };
  const around = {
    ...prefix,
    base: (prefix.base >> BigInt(bitsOf(prefix.family) - outer)) << BigInt(bitsOf(prefix.family) - outer),
    length: outer,
  };
  if (outer === prefix.length || NOBODYS.some((range) => containsPrefix(range, around)))
    return [reverseLabels(base, outer)];
  const step = sizeOf({ ...prefix, length: outer + bits });
  return Array.from({ length: Number(sizeOf(prefix) / step) }, (_, index) =>
    reverseLabels(addressAt(prefix, BigInt(index) * step), outer + bits),
  );
}

/** The full reverse name of an address, without the trailing dot. */
export function reverseName(text: string): string {
  const address = parseAddress(text)!;
  return reverseLabels(address, bitsOf(address.family));
}

/** All reverse zones of a space, IPv4 first. */
export function spaceZones(space: { v4: string; v6: string }): string[] {
  return [parsePrefix(space.v4)!, parsePrefix(space.v6)!].flatMap(reverseZones);
}
