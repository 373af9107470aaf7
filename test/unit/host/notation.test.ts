/** The agent's JSON: what the C half of Python's own gives is what the whole of it gives. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import * as fc from "fast-check";

const agent = join(__dirname, "../../../host/agent");

/** Runs Python with the agent's modules; `input` is its stdin, JSON its answer. */
function python(text: string, input = ""): unknown {
  const env = { ...process.env, PYTHONDONTWRITEBYTECODE: "1" };
  return JSON.parse(execFileSync("python3", ["-c", text], { cwd: agent, encoding: "utf8", env, input }));
}

test("it reads and writes as json does", () => {
  const texts = fc
    .sample(fc.json({ maxDepth: 5, stringUnit: "binary" }), 300)
    .concat(' {"a" : [1, 2.5e3, null]}\n', "[]", '"\\u00e9é"');
  const differ = python(
    `
import json, sys, notation
wrong = []
for text in json.load(sys.stdin):
    value = json.loads(text)
    if notation.loads(text) != value or notation.dumps(value) != json.dumps(value):
        wrong.append(text)
print(json.dumps([wrong, notation.loads.__module__]))`,
    JSON.stringify(texts),
  );
  expect(differ).toEqual([[], "notation"]);
});

test("bytes are UTF-8; what is no JSON is an error, and so is what JSON has not", () => {
  const found = python(`
import json, notation
def ends(work):
    try:
        return work()
    except Exception as error:
        return isinstance(error, ValueError), type(error).__name__
bad = [b"", b"  ", b"{", b'{"a": 1} x', b"[1,]", b"nothing", b'{"a": 1}{', b"\\xff"]
print(json.dumps([notation.loads('"é"'.encode()), [ends(lambda: notation.loads(text))[0] for text in bad], ends(lambda: notation.dumps({"a": b""}))[1]]))`);
  expect(found).toEqual(["é", Array(8).fill(true), "TypeError"]);
});

test("where Python has the C half otherwise, or not at all, json does it", () => {
  for (const otherwise of [
    "sys.modules['_json'] = None",
    "import _json; _json.make_encoder = lambda *_: None",
    "import _json; _json.make_scanner = lambda *_: lambda text, at: (0, 0)",
  ])
    expect(
      python(`
import json, json.encoder, sys
${otherwise}
import notation
print(json.dumps([notation.loads is json.loads, notation.dumps({"a": 1})]))`),
    ).toEqual([true, '{"a": 1}']);
});

test("a look at a host loads neither json nor what it stands on", () => {
  const loaded = python(`
import sys
before = set(sys.modules)
import main
print(main.notation.dumps(sorted({"json", "re", "enum", "functools", "collections", "contextlib", "signal"} & (set(sys.modules) - before))))`);
  expect(loaded).toEqual([]);
});
