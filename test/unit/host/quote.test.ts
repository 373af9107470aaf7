import { spawnSync } from "node:child_process";
import * as fc from "fast-check";
import { quoteCommand } from "../../../host/connection/quote";

test("a shell gives every word back as it was, whatever is in it", () => {
  const word = fc.string({ unit: "grapheme", maxLength: 30 }).filter((text) => !text.includes("\0"));
  const nasty = fc.constantFrom(
    "",
    "'",
    "''",
    "\\",
    "\\'",
    "$(id)",
    "`id`",
    "a\nb",
    "$HOME",
    "*",
    "~",
    "!x",
    "-n",
    "a b",
    "\t",
    ";&|<>",
    "#x",
    "é",
  );
  const lists = fc.sample(fc.array(fc.oneof(word, nasty), { minLength: 1, maxLength: 8 }), 60);
  for (const words of lists) {
    const script = `${quoteCommand(["printf", "%s\\0", ...words])}`;
    expect(spawnSync("sh", ["-c", script], { encoding: "utf8" }).stdout).toBe(words.map((one) => `${one}\0`).join(""));
  }
});

test("what no argument list can carry is refused", () => {
  expect(() => quoteCommand([])).toThrow(RangeError);
  expect(() => quoteCommand(["a\0b"])).toThrow(RangeError);
});
