/** Addresses and prefixes of both families, as numbers that can be compared and as their one canonical text. */
import * as ipaddr from "ipaddr.js";

/** The IP version. */
export type Family = 4 | 6;

/** One address; `value` is its number, of 32 or 128 bits. */
export interface Address {
  readonly family: Family;
  readonly value: bigint;
}

/** A prefix in CIDR notation; `base` is its first address and has no bit set beyond `length`. */
export interface Prefix {
  readonly family: Family;
  readonly base: bigint;
  /** How many leading bits are fixed: 0 to 32, or 0 to 128. */
  readonly length: number;
}

/** The number of bits of an address of that family. */
export function bitsOf(family: Family): number {
  return family === 4 ? 32 : 128;
}

function toBigInt(bytes: readonly number[]): bigint {
  return bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

/**
 * Reads an address: IPv4 of four decimal parts (no octal, no short form), or IPv6 without a zone.
 * Undefined for everything else.
 */
export function parseAddress(text: string): Address | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) {
    return { family: 4, value: toBigInt(ipaddr.IPv4.parse(text).toByteArray()) };
  }
  if (text.includes(":") && !text.includes("%") && ipaddr.IPv6.isValid(text)) {
    return { family: 6, value: toBigInt(ipaddr.IPv6.parse(text).toByteArray()) };
  }
  return undefined;
}

/**
 * Reads a prefix as `address/length`. Undefined when it is none, or when bits beyond the length are set
 * (`10.20.0.5/24`): such a text is more often a mistake than a way of writing.
 */
export function parsePrefix(text: string): Prefix | undefined {
  const match = /^([^/]+)\/(\d{1,3})$/.exec(text);
  const address = match && parseAddress(match[1]!);
  if (!match || !address) return undefined;
  const length = Number(match[2]);
  if (length > bitsOf(address.family)) return undefined;
  if ((address.value & hostMask(address.family, length)) !== 0n) return undefined;
  return { family: address.family, base: address.value, length };
}

function hostMask(family: Family, length: number): bigint {
  return (1n << BigInt(bitsOf(family) - length)) - 1n;
}

/** How many addresses a prefix holds. */
export function sizeOf(prefix: Prefix): bigint {
  return 1n << BigInt(bitsOf(prefix.family) - prefix.length);
}

/** The canonical text of an address; IPv6 by RFC 5952. */
export function formatAddress(address: Address): string {
  const bytes: number[] = [];
  for (let shift = bitsOf(address.family) - 8; shift >= 0; shift -= 8) {
    bytes.push(Number((address.value >> BigInt(shift)) & 0xffn));
  }
  const parsed = ipaddr.fromByteArray(bytes);
  return parsed instanceof ipaddr.IPv6 ? parsed.toRFC5952String() : parsed.toString();
}

/** The canonical text of a prefix. */
export function formatPrefix(prefix: Prefix): string {
  return `${formatAddress({ family: prefix.family, value: prefix.base })}/${prefix.length}`;
}

/** An address as a prefix that holds it alone: `/32` or `/128`. */
export function hostPrefix(address: Address): Prefix {
  return { family: address.family, base: address.value, length: bitsOf(address.family) };
}

/** Whether the address lies in the prefix; false for different families. */
export function containsAddress(prefix: Prefix, address: Address): boolean {
  return prefix.family === address.family && (address.value & ~hostMask(prefix.family, prefix.length)) === prefix.base;
}

/** Whether `inner` lies wholly in `outer`; a prefix contains itself. */
export function containsPrefix(outer: Prefix, inner: Prefix): boolean {
  return inner.length >= outer.length && containsAddress(outer, { family: inner.family, value: inner.base });
}

/** Whether two prefixes share an address. */
export function overlaps(a: Prefix, b: Prefix): boolean {
  return containsPrefix(a, b) || containsPrefix(b, a);
}

/**
 * The address at an offset from the prefix's first one.
 * @throws RangeError when the offset lies outside
 */
export function addressAt(prefix: Prefix, offset: bigint): Address {
  if (offset < 0n || offset >= sizeOf(prefix)) {
    throw new RangeError(`offset ${offset} lies outside ${formatPrefix(prefix)}`);
  }
  return { family: prefix.family, value: prefix.base + offset };
}

/**
 * A sub-prefix counted from the end: index 0 is the last one of that length.
 * @throws RangeError when the prefix holds no such sub-prefix
 */
export function subPrefixFromEnd(prefix: Prefix, length: number, index: bigint): Prefix {
  const bits = length - prefix.length;
  if (bits < 0 || index < 0n || index >= 1n << BigInt(bits)) {
    throw new RangeError(`${formatPrefix(prefix)} holds no prefix number ${index} from the end of length ${length}`);
  }
  const step = 1n << BigInt(bitsOf(prefix.family) - length);
  return { family: prefix.family, base: prefix.base + sizeOf(prefix) - (index + 1n) * step, length };
}
