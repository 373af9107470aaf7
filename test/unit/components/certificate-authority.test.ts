/** What an authority's host, its page and the trust store get. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expiryNotice } from "../../../components/certificate-authority/expiry";
import * as page from "../../../components/certificate-authority/page";
import * as render from "../../../components/certificate-authority/render";
import { authorityRole } from "../../../components/certificate-authority/roles";
import { renderTrustUnit, TRUST_UNIT } from "../../../components/certificate-authority/trust";
import { type CertificateWithKey, makeIntermediate, makeRoot } from "../../../host/keys/x509";
import { minutesOf } from "../../../model";
import { checkRoleCheck, checkUnit, testWith, withFiles } from "./checkers";
import { PLAN } from "./fixtures";
import { expectGolden } from "./golden";

const domain = "intranet.example";
const config: render.AuthorityConfig = {
  domain,
  hostname: `ca.${domain}`,
  address: PLAN.hosts["home"]!.identity.v4,
  port: 9000,
  crlPort: 9001,
  provisioner: "acme",
  leafLifetime: "168h",
  subdomains: [`home.${domain}`],
};
const subject = { organisation: 'Müller & "Söhne" <x>', domain };

let root: CertificateWithKey, intermediate: CertificateWithKey;
beforeAll(async () => {
  root = await makeRoot({ organisation: subject.organisation, domain, lifetimeDays: 3650 });
  const signer = { rootCertificate: root.certificate, rootPrivateKey: root.privateKey };
  intermediate = await makeIntermediate({ version: 1, lifetimeDays: 1095, ...signer });
});

describe("the host of an authority", () => {
  test("its configuration", () => expectGolden("certificate-authority/ca.json", render.renderCaConfig(config)));
  test("its unit", () => expectGolden("certificate-authority/step-ca.service", render.renderCaUnit()));
  test("the unit of a trusted root", () => expectGolden(`certificate-authority/${TRUST_UNIT}`, renderTrustUnit()));

  testWith("systemd-analyze", "systemd reads the units", () => {
    const there = (unit: string): string => unit.replace(/^(Exec\w+=)\/usr\/bin\/step-ca/m, "$1/bin/true");
    for (const [unit, content] of [
      [render.CA_UNIT, there(render.renderCaUnit())],
      [TRUST_UNIT, renderTrustUnit()],
    ] as const)
      expect(checkUnit(unit, { [unit]: content }).output).toBe("");
  });

  testWith("openssl", "the checks take a pair that fits and refuse one that does not", async () => {
    const { checks } = authorityRole(config, { root: "", intermediate: "", key: "" });
    const files = {
      [render.CA_CONFIG]: render.renderCaConfig(config),
      [render.CA_ROOT]: root.certificate,
      [render.CA_INTERMEDIATE]: intermediate.certificate,
    };
    for (const check of checks!) expect(checkRoleCheck(check, files)).toMatchObject({ code: 0 });
    const other = await makeRoot({ organisation: "other", domain, lifetimeDays: 10 });
    expect(checkRoleCheck(checks![1]!, { ...files, [render.CA_ROOT]: other.certificate }).code).not.toBe(0);
    expect(checkRoleCheck(checks![0]!, { ...files, [render.CA_CONFIG]: "{" }).code).not.toBe(0);
  });

  test("only the intermediate's key goes there, as a secret, closed to others", () => {
    const role = authorityRole(config, { root: root.certificate, intermediate: intermediate.certificate, key: "KEY" });
    expect(role.files![render.CA_KEY]).toEqual({
      content: "{{private_key}}",
      secrets: { private_key: "KEY" },
      owner: "step-ca",
    });
    expect(JSON.stringify(role)).not.toContain("PRIVATE KEY");
  });
});

describe("the page", () => {
  const fill = (text: string): string => {
    const values = page.pageValues(root.certificate, root.fingerprint);
    return text.replace(/\{\{(\w+)\}\}/g, (_, name: string) => values[name]!);
  };

  test("for devices", () => expectGolden("certificate-authority/index.html", page.renderPage(subject)));
  test("for Apple's devices", () =>
    expectGolden("certificate-authority/root.mobileconfig", page.renderMobileConfig(subject)));

  test("leaves no placeholder without a value", () => {
    for (const text of [page.renderPage(subject), page.renderMobileConfig(subject)])
      expect(fill(text)).not.toMatch(/\{\{|undefined/);
  });

  testWith("python3", "the profile is a property list that holds the root", () => {
    const script =
      "import json, plistlib, sys; p = plistlib.load(open(sys.argv[1], 'rb')); c = p['PayloadContent'][0]; " +
      "print(json.dumps([p['PayloadType'], p['PayloadDisplayName'], c['PayloadType'], c['PayloadContent'].hex(), p['PayloadUUID'], c['PayloadUUID']]))";
    const read = (text: string): string[] =>
      withFiles({ "root.mobileconfig": text }, (folder) => {
        const done = spawnSync("python3", ["-c", script, join(folder, "root.mobileconfig")], { encoding: "utf8" });
        if (done.status !== 0) throw new Error(done.stderr);
        return JSON.parse(done.stdout) as string[];
      });
    const [kind, name, payload, der, ...uuids] = read(fill(page.renderMobileConfig(subject)));
    expect([kind, name, payload]).toEqual(["Configuration", `${subject.organisation} root`, "com.apple.security.root"]);
    expect(Buffer.from(der!, "hex").toString("base64")).toBe(root.certificate.replace(/-----[^-]+-----|\s/g, ""));
    expect(new Set(uuids).size).toBe(2);
    for (const uuid of uuids) expect(uuid).toMatch(/^[0-9A-F]{8}-[0-9A-F]{4}-8[0-9A-F]{3}-8[0-9A-F]{3}-[0-9A-F]{12}$/);
  });
});

describe("the notice of an end", () => {
  const validity = { notBefore: "2026-01-01T00:00:00.000Z", notAfter: "2026-01-31T00:00:00.000Z" };
  const at = (day: number) =>
    expiryNotice("it", validity, "replace it", Date.parse(validity.notBefore) + day * 86_400_000);

  test.each([
    [0, false, "it is valid until 2026-01-31, 30 more days"],
    [19.9, false, "it is valid until 2026-01-31, 10 more days"],
    [20, true, "it is valid until 2026-01-31, 10 more days: replace it"],
    [30, true, "it has been invalid since 2026-01-31: replace it"],
  ])("after %d of 30 days", (day, urgent, text) => expect(at(day)).toEqual({ urgent, text }));
});

test.each([
  ["168h", 10_080],
  ["5m", 5],
  ["7d", undefined],
  ["1h30m", undefined],
  ["-5m", undefined],
])("%s as a duration", (text, minutes) => expect(minutesOf(text)).toBe(minutes));
