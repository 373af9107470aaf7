import { redact } from "../../../toolchain/plugins/common/redact";
import {
  hasSecret,
  hasUnknown,
  secret,
  secretTexts,
  unwrap,
  withoutAbsent,
} from "../../../toolchain/plugins/common/values";

const signature = "4dabf18193072939515e22adb298388d";
const output = (fields: object) => ({ [signature]: "d0e6a833031e9bbcd3f4e8bde6ca49a4", ...fields });
const unknownText = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

describe("values as the engine sends them", () => {
  test("secrets and outputs are taken off at every depth, assets stay", () => {
    const asset = { [signature]: "c44067f5952c0a294b673a41bacd8c17", text: "x", hash: "h" };
    const raw = { a: secret({ b: secret("s") }), c: [output({ value: 1, secret: true })], d: asset, e: null };
    expect(unwrap(raw)).toEqual({ a: { b: "s" }, c: [1], d: asset });
  });

  test("an output without a value is unknown", () => {
    expect(hasUnknown({ a: [output({})] })).toBe(true);
    expect(unwrap(output({}))).toBe(unknownText);
    expect(hasUnknown(unwrap({ a: output({}) }))).toBe(true);
    expect(hasUnknown({ a: "known", b: [1, null] })).toBe(false);
  });

  test("secrets are found at every depth", () => {
    expect(hasSecret({ a: [{ b: secret(1) }] })).toBe(true);
    expect(hasSecret({ a: output({ value: 1, secret: true }) })).toBe(true);
    expect(hasSecret({ a: output({ value: 1, secret: false }) })).toBe(false);
  });

  test("the texts of a secret are its own, its members' and its lines', and no other", () => {
    const texts = secretTexts({ open: "open", key: secret({ pem: "first line\nsecond line", unknown: unknownText }) });
    expect(texts.sort()).toEqual(["first line", "first line\nsecond line", "second line"]);
  });

  test("undefined is left out, null and false are not", () => {
    expect(withoutAbsent({ a: undefined, b: null, c: false })).toEqual({ b: null, c: false });
  });
});

describe("the redactor", () => {
  test("takes longer secrets first and leaves too short ones alone", () => {
    expect(redact("token abcdef and abcdefgh, x", ["abcdef", "abcdefgh", "x"])).toBe("token [secret] and [secret], x");
  });

  test("a key that is quoted line by line does not get through", () => {
    const lines = redact("> AAAABBBB\n> CCCCDDDD", secretTexts({ key: secret("AAAABBBB\nCCCCDDDD") }));
    expect(lines).toBe("> [secret]\n> [secret]");
  });
});
