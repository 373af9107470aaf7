import * as fc from "fast-check";
import { fileMode, fill } from "../../../host/resource/content";
import { type Facts, liveInputs } from "../../../host/resource/drift";
import { clean, type RoleOutputs } from "../../../host/resource/inputs";
import { Redactor, secretValues } from "../../../host/resource/secrets";

describe("placeholders", () => {
  test("named ones are filled once, others stay", () => {
    const content = "a={{one}} b={{two}} {{.ID}} {{ one }}";
    expect(fill({ content, secrets: { one: "{{two}}", two: "$&" } })).toBe("a={{two}} b=$& {{.ID}} {{ one }}");
    expect(fill({ content: "{{constructor}} {{toString}}", secrets: {} })).toBe("{{constructor}} {{toString}}");
  });

  test("a file with secrets is closed by default", () => {
    expect(fileMode({})).toBe("0644");
    expect(fileMode({ secrets: { a: "x" } })).toBe("0600");
    expect(fileMode({ secrets: { a: "x" }, mode: "0640" })).toBe("0640");
  });
});

describe("redaction", () => {
  test("hides a secret as it is, by line, escaped, in base64 and in a URL", () => {
    const secret = 'pass"word/1\nsecond-line';
    const text = `${secret} | second-line | ${JSON.stringify('pass"word/1')} | ${Buffer.from("second-line").toString("base64")} | ${encodeURIComponent('pass"word/1')}`;
    const clear = new Redactor([secret]).apply(text);
    expect(clear).not.toMatch(/pass|word|second/);
    expect(clear).not.toContain(Buffer.from("second-line").toString("base64"));
  });

  test("an error loses it from message, stack and reasons", () => {
    const error = Object.assign(new Error("key is hunter2-secret"), { reasons: ["hunter2-secret"] });
    new Redactor(["hunter2-secret"]).error(error);
    expect(`${error.message}${error.stack}${error.reasons}`).not.toContain("hunter2");
  });

  test("the longest secret goes first, so that no part of it stays", () => {
    expect(new Redactor(["abcd", "abcdefgh"]).apply("xabcdefghx")).toBe("x[secret]x");
  });

  test("no text keeps a secret", () => {
    const secret = fc.string({ minLength: 4, maxLength: 30 }).filter((text) => text.trim().length >= 4);
    fc.assert(
      fc.property(secret, fc.string(), fc.string(), (value, before, after) => {
        expect(new Redactor([value]).apply(before + value + after)).not.toContain(value.trim());
      }),
    );
  });

  test("secrets are found in half-made inputs too", () => {
    expect(secretValues({})).toEqual([]);
    expect(secretValues({ files: { "/a": { content: "", secrets: { x: "one" } }, "/b": undefined as never } })).toEqual(
      ["one"],
    );
  });
});

describe("drift", () => {
  const path = "/etc/wireguard/wg0.conf";
  const state: RoleOutputs = {
    connection: { address: "h", port: 22, user: "root", hostKeys: [] },
    role: "wg",
    owner: "p/s/wg",
    files: {
      [path]: { content: "[Interface]\nPrivateKey = {{key}}\nListenPort = 51820\n", secrets: { key: "TOPSECRETKEY" } },
    },
    hostId: "m",
    observed: {},
  };
  const empty = {
    known: true,
    owner: "",
    id: "",
    machine: "m",
    directories: {},
    links: {},
    present: [],
    sysctls: {},
    users: {},
    units: {},
    missing: [],
    observed: {},
  };
  const facts = (file: object): Facts =>
    ({ ...empty, files: { [path]: { kind: "file", mode: "0600", owner: "root", group: "root", ...file } } }) as Facts;
  const content = (file: object, from = state) => liveInputs(from, facts(file)).files?.[path]?.content;

  test("a file that is as applied stays word for word", () => {
    expect(liveInputs(state, facts({ same: true }))).toEqual({ ...state, hostId: undefined, observed: undefined });
  });

  test("a hand edit of a file with secrets shows by line, and neither the old secret nor what was written", () => {
    const live = "[Interface]\nPrivateKey = TOPSECRETKEY\nListenPort = 51999\nPresharedKey = OTHERSECRET\n";
    const shown = content({ same: false, content: live })!;
    expect(shown.split("\n").slice(0, 4)).toEqual([
      "[Interface]",
      "PrivateKey = {{key}}",
      "[drift: another line, hidden]",
      "[drift: another line, hidden]",
    ]);
    expect(shown).toMatch(/digest [0-9a-f]{12}\]$/);
    expect(shown).not.toMatch(/TOPSECRET|OTHERSECRET|51999/);
  });

  test("a changed secret alone is drift, and a second refresh of the same finds no more", () => {
    const live = "[Interface]\nPrivateKey = OTHERSECRET\nListenPort = 51820\n";
    const first = content({ same: false, content: live })!;
    expect(first).not.toBe(state.files![path]!.content);
    const after = { ...state, files: { [path]: { ...state.files![path]!, content: first } } };
    expect(content({ same: false, content: live }, after)).toBe(first);
  });

  test("whatever stands there, no line that is not the template's is shown", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (live) => {
        const shown = content({ same: false, content: live })!;
        const allowed = new Set([...state.files![path]!.content.split("\n"), "[drift: another line, hidden]"]);
        for (const line of shown.split("\n").slice(0, -1)) expect(allowed).toContain(line);
      }),
    );
  });

  test("mode, owner, units, sysctls, packages and live state show under the paths of their arguments", () => {
    const role: RoleOutputs = {
      ...state,
      files: { "/etc/a": { content: "x" }, "/etc/gone": { content: "y" } },
      packages: ["bird2", "nftables"],
      sysctls: { "net.ipv4.ip_forward": "1", "net.ipv4.tcp_rmem": "1 2 3" },
      units: { "a.service": {}, "b.service": { enabled: false, state: "stopped" }, "c.service": {} },
      live: { rules: { command: ["nft"] } },
      absent: ["/etc/bad"],
      observed: { rules: "table a\ntable b" },
    };
    const unit = {
      load: "loaded",
      enabled: "enabled",
      active: "active",
      sub: "running",
      result: "success",
      type: "simple",
    };
    const found = liveInputs(role, {
      ...empty,
      files: {
        "/etc/a": { kind: "file", mode: "0666", owner: "bird", group: "bird", same: true },
        "/etc/gone": { kind: "absent" },
      },
      missing: ["nftables"],
      present: ["/etc/bad"],
      sysctls: { "net.ipv4.ip_forward": "0", "net.ipv4.tcp_rmem": "1\t2\t3" },
      units: {
        "a.service": { ...unit, enabled: "masked", active: "failed" },
        "b.service": unit,
        "c.service": { ...unit, enabled: "static" },
      },
      observed: { rules: "table a\ntable c" },
    });
    expect(found).toMatchObject({
      files: { "/etc/a": { content: "x", mode: "0666", owner: "bird" } },
      packages: ["bird2"],
      absent: [],
      sysctls: { "net.ipv4.ip_forward": "0", "net.ipv4.tcp_rmem": "1 2 3" },
      units: {
        "a.service": { enabled: "masked", state: "failed" },
        "b.service": { enabled: true, state: "started" },
        "c.service": {},
      },
      live: { rules: { command: ["nft"], drifted: "- table b\n+ table c" } },
    });
    expect(found.files).not.toHaveProperty(["/etc/gone"]);
  });
});

test("cleaning leaves no undefined anywhere, for the engine cannot store it", () => {
  fc.assert(
    fc.property(
      fc.object({
        withNullPrototype: false,
        values: [fc.constant(undefined), fc.string(), fc.integer(), fc.boolean()],
      }),
      (value) => {
        const holds = (item: unknown): boolean =>
          item === undefined || (typeof item === "object" && item !== null && Object.values(item).some(holds));
        expect(holds(clean(value))).toBe(false);
      },
    ),
  );
});
