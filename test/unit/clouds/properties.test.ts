import fc from "fast-check";
import ipaddr from "ipaddr.js";
import { readContent } from "../../../lab/clouds/cloudflare/content";
import type { Zone } from "../../../lab/clouds/cloudflare/model";
import { qualify } from "../../../lab/clouds/cloudflare/names";
import { addressesOf } from "../../../lab/clouds/cloudflare/publish";
import { allocate } from "../../../lab/clouds/hetzner/addresses";
import { emptyProject, type PrimaryIpRecord } from "../../../lab/clouds/hetzner/model";
import { HETZNER_SPACE } from "../../../lab/constants";

describe("address pools", () => {
  test.each(["ipv4", "ipv6"] as const)(
    "%s: whatever comes and goes, no two are the same and all lie in the pool",
    (type) => {
      const steps = fc.array(fc.oneof(fc.constant("take" as const), fc.nat({ max: 20 })), { maxLength: 300 });
      fc.assert(
        fc.property(steps, (choices) => {
          const state = emptyProject();
          for (const choice of choices) {
            if (choice !== "take") state.primaryIps.splice(choice, 1);
            else if (state.primaryIps.length < 100)
              state.primaryIps.push({ ip: allocate(state, type) } as PrimaryIpRecord);
          }
          const given = state.primaryIps.map(({ ip }) => ip);
          expect(new Set(given).size).toBe(given.length);
          const pool = ipaddr.parseCIDR(HETZNER_SPACE[type]);
          for (const ip of given) expect(ipaddr.parse(ip.replace("/64", "")).match(pool)).toBe(true);
        }),
        { numRuns: 50 },
      );
    },
  );
});

describe("record names", () => {
  const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?$/);
  test("qualifying is idempotent, and always ends inside the zone", () => {
    fc.assert(
      fc.property(fc.array(label, { minLength: 1, maxLength: 4 }), (labels) => {
        const once = qualify(labels.join("."), "intranet.example");
        expect(once.endsWith(".intranet.example")).toBe(true);
        expect(qualify(once, "intranet.example")).toBe(once);
        expect(qualify(`${once.toUpperCase()}.`, "intranet.example")).toBe(once);
      }),
    );
  });

  test.each([
    ["@", "intranet.example"],
    ["", "intranet.example"],
    ["*", "*.intranet.example"],
    ["_acme-challenge.x", "_acme-challenge.x.intranet.example"],
    ["bücher", "xn--bcher-kva.intranet.example"],
    ["other.example", "other.example.intranet.example"],
  ])("%j is %s", (name, expected) => expect(qualify(name, "intranet.example")).toBe(expected));

  test.each(["a..b", "-a", "a b", "x.*.y", "a".repeat(64), `${"a.".repeat(130)}a`, "a\nb"])("%j is refused", (name) => {
    expect(() => qualify(name, "intranet.example")).toThrow("DNS name is invalid");
  });
});

describe("TXT content", () => {
  test("in presentation is one line of quoted strings of at most 255 bytes that hold all of it", () => {
    const text = fc
      .string({ unit: "grapheme", minLength: 1, maxLength: 400 })
      .filter((value) => !/\p{Cc}|^\s*"/u.test(value));
    fc.assert(
      fc.property(text, (content) => {
        const { presentation } = readContent("TXT", { content });
        const strings = presentation.match(/"((?:[^"\\]|\\\d{3}|\\["\\])*)"/g) ?? [];
        expect(strings.join(" ")).toBe(presentation);
        const bytes = strings.map((quoted) => {
          const octets = quoted.slice(1, -1).match(/\\\d{3}|\\.|./g) ?? [];
          return Buffer.from(
            octets.map((octet) => (/^\\\d/.test(octet) ? Number(octet.slice(1)) : octet.charCodeAt(octet.length - 1))),
          );
        });
        for (const piece of bytes) expect(piece.length).toBeLessThanOrEqual(255);
        expect(Buffer.concat(bytes).toString()).toBe(content);
      }),
    );
  });
});

describe("flattening", () => {
  test("ends in a loop of aliases", () => {
    const record = (name: string, content: string) => ({ name, content, type: "CNAME" });
    const zone = {
      name: "z.example",
      records: [record("a.z.example", "b.z.example"), record("b.z.example", "a.z.example")],
    };
    expect(addressesOf(zone as unknown as Zone, "a.z.example")).toEqual([]);
  });
});
