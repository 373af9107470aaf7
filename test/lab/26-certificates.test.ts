/**
 * The internal CA: devices that trust its root and nothing else take the services' certificates, and nothing that is
 * not a service's.
 */
import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import type { JsonGeneralName } from "@peculiar/x509";
import { CLIENTS, TlsClients } from "../pki/clients";
import { giveRoot, ROOT_ALONE, shown, state, watchRenewal, type Watched, withServer } from "./certificates";
import { resolveThrough, staticRoutes, tunnel } from "./devices";
import { holders } from "./disks";
import { changedConfig, curl, ensureUp, identity, NAMES, outputs, plan, pulumiOk, until, up } from "./intranet";
import { exec, execOk, run } from "./support";

const { domain, devices, sites } = plan();
const [home, cabin] = [identity("home"), identity("cabin")];
const MANAGED = ["vps", "home", "cabin", "office"];
const NEXTCLOUD = `nextcloud.${domain}`;
/** A second service, whose certificates live for minutes. */
const PHOTOS = `photos.${domain}`;
const DEVICES = ["laptop", "phone", "tv", "printer"];

let root: X509Certificate;
let out: Record<string, any>;
let watch: Promise<Watched> | undefined;
beforeAll(async () => {
  const short = changedConfig((network) => {
    network.certificateAuthority = { ...network.certificateAuthority, leafLifetime: "3m", renewInterval: "5s" };
    network.services.photos = { at: "home", port: 8081 };
  });
  await ensureUp();
  await up(short);
  out = await outputs();
  root = new X509Certificate(out["certificateAuthority"].rootCertificate);
  for (const device of DEVICES) await giveRoot(device, root.toString());
  for (const device of ["laptop", "phone"]) await tunnel(device, "up");
  for (const site of ["home", "office"]) await staticRoutes(site, "entered");
  for (const device of ["tv", "printer"]) await resolveThrough(device, [home.v4, cabin.v4]);
  await until(
    "the phone is served",
    async () => (await curl("phone", [...ROOT_ALONE, `https://${PHOTOS}/`])).status > 0,
  );
  watch = watchRenewal("phone", PHOTOS, 200);
}, 900_000);
afterAll(async () => {
  await watch?.catch(() => undefined);
  for (const device of ["tv", "printer"]) await resolveThrough(device);
  for (const site of ["home", "office"]) await staticRoutes(site, "removed");
  for (const device of ["laptop", "phone"]) await tunnel(device, "down");
  await ensureUp();
  await pulumiOk(["preview", "--refresh", "--expect-no-changes"]);
}, 600_000);

describe("a service by https", () => {
  test.each(DEVICES)(
    "is valid for the %s by the internal root alone, and the internal CA has issued it",
    async (device) => {
      const answer = await curl(device, [...ROOT_ALONE, `https://${NEXTCLOUD}/`]);
      expect(answer).toMatchObject({ status: 200, address: home.v4 });
      expect(JSON.parse(answer.body)).toMatchObject({ application: "nextcloud", host: "home" });
      const [leaf, issuer] = await shown(device, NEXTCLOUD);
      expect(leaf!.checkIssued(issuer!) && leaf!.verify(issuer!.publicKey)).toBe(true);
      expect(issuer!.checkIssued(root) && issuer!.verify(root.publicKey)).toBe(true);
      expect(leaf!.subjectAltName).toBe(`DNS:${NEXTCLOUD}`);
      // Positive control: a device that does not trust the root refuses the same certificate.
      const distrusting = await curl(device, [`https://${NEXTCLOUD}/`]);
      expect(distrusting.status).toBe(0);
      expect(distrusting.stderr).toMatch(/unable to get local issuer|self-signed certificate in/);
    },
  );

  test("is where plain http leads to", async () => {
    const answer = await curl("laptop", ["--include", `http://${NEXTCLOUD}/some/path?q=1`]);
    expect([301, 302, 307, 308]).toContain(answer.status);
    expect(answer.body).toMatch(new RegExp(`^location: https://${NEXTCLOUD}/some/path\\?q=1\\s*$`, "im"));
    expect(answer.body).not.toContain('"application"');
  });

  test("is told who asked, whatever the client says of it", async () => {
    const forged = ["X-Forwarded-For: 203.0.113.99", "X-Real-IP: 203.0.113.99", "Forwarded: for=203.0.113.99"];
    const headers = forged.flatMap((header) => ["--header", header]);
    const answer = await curl("laptop", [...ROOT_ALONE, ...headers, `https://${NEXTCLOUD}/`]);
    expect(answer.status).toBe(200);
    expect(answer.body).not.toContain("203.0.113.99");
    expect(JSON.parse(answer.body).headers["x-forwarded-for"]).toBe(devices["laptop"]!.v4);
  });

  test("is nobody's under another name: no backend answers", async () => {
    const at = (name: string) => ["--resolve", `${name}:443:${home.v4}`];
    const other = `other.${domain}`;
    for (const args of [
      [...at(other), `https://${other}/`],
      [...at(other), "--header", `Host: ${NEXTCLOUD}`, `https://${other}/`],
      [...at(NEXTCLOUD), "--header", `Host: ${other}`, `https://${NEXTCLOUD}/`],
      [`https://${home.v4}/`],
      ["--header", `Host: ${NEXTCLOUD}`, `https://${home.v4}/`],
    ]) {
      const answer = await curl("laptop", ["--insecure", ...args]);
      expect(answer.status).not.toBe(200);
      expect(answer.body).not.toContain("application");
    }
    // Positive control: the same by the service's own name.
    expect((await curl("laptop", ["--insecure", ...at(NEXTCLOUD), `https://${NEXTCLOUD}/`])).status).toBe(200);
  });

  test.each(MANAGED)("is trusted by every program on %s", async (host) => {
    expect(await curl(host, [`https://${NEXTCLOUD}/`])).toMatchObject({ status: 200, address: home.v4 });
    const python = `import urllib.request; print(urllib.request.urlopen("https://${NEXTCLOUD}/", timeout=8).status)`;
    expect((await execOk(host, ["python3", "-c", python])).trim()).toBe("200");
  });
});

describe("the page that hands out the root", () => {
  const page = `http://ca.${domain}`;

  test("explains to the tv how each system takes it, and gives the fingerprint", async () => {
    expect(out["certificateAuthority"].page).toMatch(new RegExp(`^${page}/?$`));
    const { status, body } = await curl("tv", [page]);
    expect(status).toBe(200);
    expect(body).toContain(root.fingerprint256);
    expect(out["certificateAuthority"].fingerprint).toBe(root.fingerprint256);
    for (const system of ["iPhone", "Certificate Trust Settings", "Android", "Firefox", "Windows", "macOS", "Debian"])
      expect(body).toContain(system);
    for (const [, link] of body.matchAll(/href="([^"]+)"/g))
      expect((await curl("tv", [`${page}/${link}`])).status).toBe(200);
  });

  test("has the certificate, and Apple's profile with it", async () => {
    const fetched = async (file: string) => {
      const [head = "", ...rest] = (await curl("tv", ["--include", `${page}/${file}`])).body.split(/\r?\n\r?\n/);
      return { type: /^content-type: (\S+?);?\s*$/im.exec(head)?.[1], content: rest.join("\n\n") };
    };
    const certificate = await fetched("root.crt");
    expect(certificate.type).toMatch(/^application\/(x-x509-ca-cert|pkix-cert)$/);
    expect(new X509Certificate(certificate.content).fingerprint256).toBe(root.fingerprint256);
    const profile = await fetched("root.mobileconfig");
    expect(profile.type).toBe("application/x-apple-aspen-config");
    const read =
      'import base64, plistlib, sys; p = plistlib.loads(sys.stdin.buffer.read())["PayloadContent"]; ' +
      'print(len(p), p[0]["PayloadType"], base64.b64encode(p[0]["PayloadContent"]).decode())';
    const payload = await exec("tv", ["python3", "-c", read], { stdin: profile.content });
    expect(payload.stdout.trim()).toBe(`1 com.apple.security.root ${root.raw.toString("base64")}`);
  });
});

test("step-ca came from its maker's repository, which the role has brought to the CA's host alone", async () => {
  const policy = (host: string) => execOk(host, ["apt-cache", "policy", "step-ca"]);
  expect(await policy("home")).toMatch(/Installed: 0\.[^]* http:\/\/packages\.example\/stable\/debian debs\/main/);
  expect(await execOk("home", ["cat", "/etc/apt/preferences.d/intranet-step-ca.pref"])).toContain("Pin-Priority: -1");
  expect(await policy("cabin")).not.toContain("packages.example");
});

test("a certificate that is revoked is in the list, one that is not is not, and openssl acts on it", async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "intranet-crl-"));
  const file = (name: string, content: string | Buffer) => {
    fs.writeFileSync(path.join(folder, name), content);
    return path.join(folder, name);
  };
  const openssl = (...args: string[]) => execFileSync("openssl", args, { encoding: "utf8", stdio: "pipe" });
  try {
    const [good, issuer] = await shown("laptop", NEXTCLOUD);
    const [bad] = await shown("laptop", PHOTOS);
    const url = /URI:(http:\S+)/.exec(
      openssl("x509", "-noout", "-text", "-in", file("good.pem", good!.toString())),
    )![1]!;
    const list = async () =>
      file(
        "list.der",
        Buffer.from(await execOk("laptop", ["sh", "-c", 'curl -sSf "$1" | base64', "sh", url]), "base64"),
      );
    const serials = async () =>
      openssl("crl", "-inform", "DER", "-noout", "-text", "-in", await list())
        .match(/(?<=Serial Number: )[0-9A-F]+/g)
        ?.map((serial) => serial.padStart(40, "0")) ?? [];
    const padded = ({ serialNumber }: X509Certificate) => serialNumber.padStart(40, "0");
    expect(await serials()).not.toContain(padded(bad!));

    // Who has the certificate's key may revoke it.
    const revoke =
      'cd /var/lib/caddy/.local/share/caddy/certificates/*/"$1" && ' +
      'curl -sSf --cert "$1.crt" --key "$1.key" --json "{\\"serial\\": \\"$2\\", \\"passive\\": true}" "$3"';
    const decimal = BigInt(`0x${bad!.serialNumber}`).toString();
    await execOk("home", ["sh", "-c", revoke, "sh", PHOTOS, decimal, `https://ca.${domain}:9000/1.0/revoke`]);
    const revoked = await until("the list names it", async () => {
      const now = await serials();
      return now.includes(padded(bad!)) && now;
    });
    expect(revoked).not.toContain(padded(good!));
    const chain = ["-CAfile", file("root.pem", root.toString()), "-untrusted", file("issuer.pem", issuer!.toString())];
    const verify = (leaf: X509Certificate) => {
      const crl = file("list.pem", openssl("crl", "-inform", "DER", "-in", path.join(folder, "list.der")));
      return openssl("verify", "-crl_check", "-CRLfile", crl, ...chain, file("leaf.pem", leaf.toString()));
    };
    expect(verify(good!)).toMatch(/OK/);
    expect(() => verify(bad!)).toThrow(/certificate revoked/);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}, 60_000);

describe("the keys", () => {
  test("the root's is on no host; the intermediate's is on the CA's host alone", async () => {
    const [rootKey, intermediateKey] = [
      (await state("RootCertificate"))["privateKey"]!,
      (await state("IntermediateCertificate"))["privateKey"]!,
    ];
    for (const host of MANAGED) {
      expect({ host, files: await holders(host, rootKey) }).toEqual({ host, files: [] });
      const expected = host === "home" ? ["/etc/step-ca/intermediate.key"] : [];
      expect({ host, files: await holders(host, intermediateKey) }).toEqual({ host, files: expected });
    }
  }, 180_000);

  test("a preview says until when root and intermediate are valid", async () => {
    const [, intermediate] = await shown("laptop", NEXTCLOUD);
    const preview = await pulumiOk(["preview"]);
    for (const [what, { validTo }] of [
      ["root", root],
      ["intermediate", intermediate!],
    ] as const) {
      const date = new Date(validTo).toISOString().slice(0, 10);
      expect(preview).toMatch(new RegExp(`certificates of ${domain}: .*the ${what} is valid until ${date}`));
    }
  });
});

describe("a thief of the intermediate's key", () => {
  const at = { address: sites["home"]!.hostAddress, port: 8443 };
  let clients: TlsClients;
  /** What the CA's host holds. */
  const stolen = async () => ({
    certificate: await execOk("home", ["cat", "/etc/step-ca/intermediate.crt"]),
    privateKey: await execOk("home", ["cat", "/etc/step-ca/intermediate.key"]),
  });
  beforeAll(async () => {
    clients = new TlsClients(root.toString());
    await clients.build();
  }, 120_000);
  afterAll(() => clients.remove());

  const ask = async (client: string, name: string) => {
    const { code, stdout, stderr } = await run(clients.command(client, name, at));
    return { client, accepted: code === 0, said: stdout + stderr };
  };

  test.each([`wiki.${domain}`, `a.b.${domain}`])(
    "a leaf for %s is taken by every client",
    async (name) => {
      await withServer("home", at, await stolen(), [{ type: "dns", value: name }], async () => {
        for (const client of CLIENTS) expect(await ask(client, name)).toMatchObject({ client, accepted: true });
      });
    },
    60_000,
  );

  test.each([
    ["a foreign name", "www.bank.example", [{ type: "dns", value: "www.bank.example" }]],
    ["a name that only ends alike", `evil${domain}`, [{ type: "dns", value: `evil${domain}` }]],
    ["an IP address", at.address, [{ type: "ip", value: at.address }]],
    [
      "a good name beside a foreign one",
      `wiki.${domain}`,
      [
        { type: "dns", value: `wiki.${domain}` },
        { type: "dns", value: "www.bank.example" },
      ],
    ],
  ] as [string, string, JsonGeneralName[]][])(
    "a leaf for %s is refused by every client",
    async (_what, name, names) => {
      await withServer("home", at, await stolen(), names, async () => {
        for (const client of CLIENTS) {
          const { accepted, said } = await ask(client, name);
          expect({ client, accepted }).toEqual({ client, accepted: false });
          expect(said).toMatch(/constraint|permitted|excluded/i);
        }
      });
    },
    60_000,
  );
});

describe("off the tunnel, with the root trusted,", () => {
  const ways = NAMES.flatMap((name) => [4, 6].map((family) => [name, family] as const));
  /** Requests with that path that the sinkhole has heard. */
  const heard = async (mark: string) =>
    (await execOk("vps", ["sh", "-c", 'grep -c -- "$1" /var/log/nginx/access.log || true', "sh", mark])).trim();

  beforeAll(() => tunnel("laptop", "down"));
  afterAll(() => tunnel("laptop", "up"));

  test.each(ways)(
    "the laptop refuses the sinkhole's certificate for %s over IPv%d, and sends no request",
    async (name, family) => {
      const mark = `/cookie-${name}-${family}-${Date.now()}`;
      const refused = await curl("laptop", [...ROOT_ALONE, `-${family}`, `https://${name}${mark}`]);
      expect(refused.status).toBe(0);
      expect(refused.stderr).toMatch(/self-signed certificate/);
      expect(await heard(mark)).toBe("0");
      // Positive control: one who does not look sends it, gets ACCESS DENIED, and is heard.
      const careless = await curl("laptop", ["--insecure", `-${family}`, `https://${name}${mark}`]);
      expect(careless).toMatchObject({
        status: 403,
        address: family === 4 ? out["sinkhole"].ipv4 : out["sinkhole"].ipv6,
      });
      expect(careless.body).toContain("ACCESS DENIED");
      expect(await heard(mark)).toBe("1");
    },
  );

  test("the bare addresses are the same", async () => {
    for (const address of [out["sinkhole"].ipv4, `[${out["sinkhole"].ipv6}]`]) {
      expect((await curl("laptop", [...ROOT_ALONE, "--globoff", `https://${address}/`])).status).toBe(0);
      const careless = await curl("laptop", ["--insecure", "--globoff", `https://${address}/`]);
      expect(careless.status).toBe(403);
      expect(careless.body).toContain("ACCESS DENIED");
    }
  });
});

test("a certificate is renewed in time, and no client meets a bad one", async () => {
  const { serials, failures, asked } = await watch!;
  expect(failures).toEqual([]);
  expect(asked).toBeGreaterThan(20);
  expect(serials).toHaveLength(2);
  // The new one, or one after it on a slow machine, is as short-lived as was asked for; the CA dates it back by a
  // minute.
  const [leaf] = await shown("laptop", PHOTOS);
  expect(BigInt(`0x${leaf!.serialNumber}`)).not.toBe(BigInt(`0x${serials[0]}`));
  expect(Date.parse(leaf!.validTo) - Date.parse(leaf!.validFrom)).toBeLessThanOrEqual(4 * 60_000);
  const [week] = await shown("laptop", NEXTCLOUD);
  expect((Date.parse(week!.validTo) - Date.parse(week!.validFrom)) / 86_400_000).toBeCloseTo(7, 1);
}, 240_000);
