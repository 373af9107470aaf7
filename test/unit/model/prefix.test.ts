import * as fc from "fast-check";
import * as model from "../../../model";

const prefixes = fc.oneof(
  fc
    .tuple(fc.bigInt({ min: 0n, max: (1n << 32n) - 1n }), fc.integer({ min: 0, max: 32 }))
    .map(([value, length]) => make(4, value, length)),
  fc
    .tuple(fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }), fc.integer({ min: 0, max: 128 }))
    .map(([value, length]) => make(6, value, length)),
);

function make(family: model.Family, value: bigint, length: number): model.Prefix {
  const mask = (1n << BigInt(model.bitsOf(family) - length)) - 1n;
  return { family, base: value & ~mask, length };
}

describe("prefixes", () => {
  test("text and value are each other's inverse", () => {
    fc.assert(fc.property(prefixes, (prefix) => expect(model.parsePrefix(model.formatPrefix(prefix))).toEqual(prefix)));
  });

  test("two prefixes overlap exactly when their ranges meet", () => {
    fc.assert(
      fc.property(prefixes, prefixes, (a, b) => {
        const end = (p: model.Prefix): bigint => p.base + model.sizeOf(p);
        const meet = a.family === b.family && a.base < end(b) && b.base < end(a);
        expect(model.overlaps(a, b)).toBe(meet);
      }),
    );
  });

  test("sub-prefixes counted from the end are contained and disjoint", () => {
    fc.assert(
      fc.property(prefixes, fc.nat(8), fc.nat(255), fc.nat(255), (prefix, bits, i, j) => {
        const length = prefix.length + bits;
        fc.pre(length <= model.bitsOf(prefix.family) && i < 1 << bits && j < 1 << bits);
        const a = model.subPrefixFromEnd(prefix, length, BigInt(i));
        expect(model.containsPrefix(prefix, a)).toBe(true);
        expect(model.overlaps(a, model.subPrefixFromEnd(prefix, length, BigInt(j)))).toBe(i === j);
      }),
    );
  });

  test.each([
    "10.20.0.5/24",
    "10.20.0.0",
    "10.20.0.0/33",
    "010.1.1.0/24",
    "10.1/16",
    "fe80::1%eth0/64",
    "::/129",
    "",
    "/24",
    "10.0.0.0/8/8",
  ])("%s is no prefix", (text) => {
    expect(model.parsePrefix(text)).toBeUndefined();
  });

  test("an offset outside is refused", () => {
    const prefix = model.parsePrefix("10.20.0.0/30")!;
    expect(model.formatAddress(model.addressAt(prefix, 3n))).toBe("10.20.0.3");
    expect(() => model.addressAt(prefix, 4n)).toThrow(RangeError);
    expect(() => model.subPrefixFromEnd(prefix, 29, 0n)).toThrow(RangeError);
  });

  test("IPv6 is written by RFC 5952", () => {
    expect(model.formatPrefix(model.parsePrefix("FD00:0:0:0:0:0:0:0/8")!)).toBe("fd00::/8");
  });
});
