import * as fc from "fast-check";
import * as model from "../../../model";
import { HOST_KEY } from "./fixtures";

describe("names", () => {
  test.each(["intranet.example", "a.b", "xn--nxasmq6b.example", "home-1.example.net"])("%s is a domain", (text) =>
    expect(model.isDomain(text)).toBe(true),
  );
  test.each([
    "example",
    "Intranet.example",
    "intranet.example.",
    "-a.example",
    "a-.example",
    "a..b",
    "a_b.example",
    "1.2.3.4",
    `${"a".repeat(64)}.example`,
    `${"a.".repeat(127)}ab`,
    "a.b;c",
  ])("%s is no domain", (text) => expect(model.isDomain(text)).toBe(false));

  test("a name within a domain ends at a label", () => {
    expect(model.isWithinDomain("a.example.net", "example.net")).toBe(true);
    expect(model.isWithinDomain("badexample.net", "example.net")).toBe(false);
  });

  test("every site has an interface name that Linux takes", () => {
    const labels = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/);
    fc.assert(fc.property(labels, (label) => expect(model.isTunnelInterface(model.tunnelInterface(label))).toBe(true)));
  });

  test("long names that begin alike get different interfaces", () => {
    expect(model.tunnelInterface("weekend-house-north")).not.toBe(model.tunnelInterface("weekend-house-south"));
  });
});

describe("keys", () => {
  test("an OpenSSH key is read with its comment", () => {
    expect(model.parseOpenSshPublicKey(`${HOST_KEY} root@home`)).toMatchObject({
      type: "ssh-ed25519",
      comment: "root@home",
    });
  });

  test.each([
    "",
    "ssh-ed25519",
    "ssh-ed25519 AAAA",
    "ssh-dss AAAAB3NzaC1kc3M=",
    HOST_KEY.replace("ssh-ed25519 ", "ssh-rsa "),
    `command="x" ${HOST_KEY}`,
    `${HOST_KEY} a\n${HOST_KEY}`,
    HOST_KEY.slice(0, -4),
  ])("%j is none", (line) => expect(model.parseOpenSshPublicKey(line)).toBeUndefined());

  test("the fingerprint is that of ssh-keygen -E md5", () => {
    expect(model.md5Fingerprint(model.parseOpenSshPublicKey(HOST_KEY)!)).toMatch(/^([0-9a-f]{2}:){15}[0-9a-f]{2}$/);
  });

  test("a WireGuard key is 32 bytes in base64", () => {
    expect(model.isWireGuardKey(Buffer.alloc(32, 7).toString("base64"))).toBe(true);
    expect(model.isWireGuardKey(Buffer.alloc(31, 7).toString("base64"))).toBe(false);
    expect(model.isWireGuardKey("not a key")).toBe(false);
  });
});
