import { makeRoot } from "../../../host/keys/x509";
import * as render from "../../../components/reverse-proxy/render";
import { proxyRole } from "../../../components/reverse-proxy/roles";
import { checkCaddy, checkRoleCheck, checkUnit, inNamespace, testWith, type Verdict } from "./checkers";
import { PLAN } from "./fixtures";
import { expectGolden } from "./golden";

const identity = PLAN.hosts["home"]!.identity;
const listen = [identity.v4, identity.v6, PLAN.sites["home"]!.hostAddress];
/** A public service's own address. */
const OWN = "2001:db8:1:0:1::7";
const sites = Object.values(PLAN.services).map((service) => ({
  hostnames: [service.fqdn],
  upstream: `127.0.0.1:${service.port}`,
}));

describe("the proxy's configuration", () => {
  test.each([
    ["no application", [], "reverse-proxy/none.caddyfile"],
    ["one", sites.slice(0, 1), "reverse-proxy/one.caddyfile"],
    ["two", sites, "reverse-proxy/two.caddyfile"],
  ])("for %s", (_case, some, golden) => expectGolden(golden, render.renderCaddyfile({ listen, sites: some })));

  const certificates = { directory: "https://ca.intranet.example:9000/acme/acme/directory", renewInterval: "30s" };
  const pages = [{ hostname: "ca.intranet.example", folder: "/srv/intranet-ca" }];
  const secure = { listen, sites, certificates, pages };

  test("with certificates and a page", () =>
    expectGolden("reverse-proxy/certificates.caddyfile", render.renderCaddyfile(secure)));

  test("one more application with certificates adds its two virtual hosts and changes no other line", () => {
    const one = render.renderCaddyfile({ ...secure, sites: sites.slice(0, 1) });
    const [hosts] = /\nhttps:\/\/wiki[^]*?\n}\n\nhttp:\/\/wiki[^]*?\n}\n/.exec(render.renderCaddyfile(secure)) ?? [""];
    expect(render.renderCaddyfile(secure).replace(hosts, "")).toBe(one);
  });

  testWith("caddy", "caddy reads those with certificates, from the root where it is staged", async () => {
    const { certificate } = await makeRoot({ organisation: "x", domain: "intranet.example", lifetimeDays: 1 });
    const { checks } = proxyRole({
      ...{ connection: { address: "192.0.2.1", hostKeys: [] }, listen, pages },
      sites: [{ hostname: ["a.intranet.example", "b.intranet.example"], upstream: "127.0.0.1:1" }],
      certificates: { ...certificates, rootCertificate: certificate },
    });
    const caddyfile = render.renderCaddyfile(secure);
    const validate = (content: string, root: string): Verdict =>
      checkRoleCheck(checks![0]!, { [render.CADDYFILE]: content, [render.PROXY_ROOT]: root });
    expect(validate(caddyfile, certificate)).toMatchObject({ code: 0 });
    expect(validate(caddyfile, "no certificate").code).not.toBe(0);
    expect(validate(caddyfile.replace("acme_ca ", "acme_car "), certificate).code).not.toBe(0);
  });

  test("the check of names finds all that https offers, and says which leads elsewhere", async () => {
    const { certificate } = await makeRoot({ organisation: "x", domain: "intranet.example", lifetimeDays: 1 });
    const { checks } = proxyRole({
      ...{ connection: { address: "192.0.2.1", hostKeys: [] }, listen: ["127.0.0.1", "::1"], sites: [] },
      certificates: { ...certificates, rootCertificate: certificate },
    });
    const check = checks!.at(-1)!;
    const impatient = { ...check, command: check.command.map((word) => (word === "50" ? "0" : word)) };
    const names = (...hostnames: string[]): Verdict =>
      checkRoleCheck(impatient, {
        [render.CADDYFILE]: render.renderCaddyfile({
          listen,
          certificates,
          sites: [{ hostnames, upstream: "127.0.0.1:1" }],
        }),
      });
    expect(names("localhost")).toEqual({ code: 0, output: "" });
    expect(names("localhost", "nowhere.invalid")).toMatchObject({
      code: 1,
      output: expect.stringContaining("nowhere.invalid leads to nothing, and not to this proxy at 127.0.0.1 ::1"),
    });
  });

  test("what is added to Debian's unit", () =>
    expectGolden("reverse-proxy/caddy-drop-in.conf", render.renderCaddyDropIn()));

  test("one more application adds its virtual host and changes no other line", () => {
    const one = render.renderCaddyfile({ listen, sites: sites.slice(0, 1) });
    const two = render.renderCaddyfile({ listen, sites: [sites[1]!, sites[0]!] });
    const [host] = two.match(/\nhttp:\/\/wiki[^]*?\n}\n/) ?? [""];
    expect(two.replace(host, "")).toBe(one);
  });

  testWith(
    "caddy",
    "an address that is missing takes no other down and is answered at when it comes; an application that is not there is named",
    () => {
      const role = proxyRole({
        ...{ connection: { address: "192.0.2.1", hostKeys: [] }, listen: ["127.0.0.1", "192.0.2.7", "2001:db8::7"] },
        sites: [
          { hostname: ["absent.example"], upstream: "localhost:8091" },
          { hostname: ["six.example"], upstream: "localhost:8092" },
        ],
      });
      const caddyfile = (role.files![render.CADDYFILE]!.content as string).replace(/^\tadmin .*$/m, "\tadmin off");
      const up = (at: string) => `until curl -gso /dev/null http://${at}/; do sleep 0.1; done`;
      const settings = Object.entries(role.sysctls!).map(([key, value]) => `sysctl -qw ${key}=${value}`);
      const [without, first, later] = inNamespace(
        [
          "mount --bind hosts /etc/hosts",
          "export HOME=$PWD XDG_CONFIG_HOME=$PWD XDG_DATA_HOME=$PWD; mkdir six; echo over-IPv6 >six/index.html",
          "start() { caddy run --adapter caddyfile --config caddyfile >log 2>&1 & caddy=$!; }",
          'ask() { curl -gs -m 5 -H "Host: $2" "http://$1/" || echo "none"; echo; }',
          "python3 -m http.server --bind ::1 --directory six 8092 >served 2>&1 & app=$!",
          // Without the settings it does not even start.
          'start; wait $caddy || grep -o "cannot assign requested address" log | head -n 1; echo --',
          `${settings.join("; ")}; start; ${up("127.0.0.1:80")}; ${up("[::1]:8092")}; ask 127.0.0.1 absent.example; ask 127.0.0.1 six.example; echo --`,
          "ip link add lan type veth peer name far; ip link set lan up; ip link set far up",
          "ip address add 192.0.2.7/24 dev lan; ip -6 address add 2001:db8::7/64 dev lan nodad",
          'ask 192.0.2.7 six.example; ask "[2001:db8::7]" six.example; kill $caddy $app',
        ].join("\n"),
        { caddyfile, hosts: "127.0.0.1 localhost\n::1 localhost\n" },
      ).split("--\n");
      expect(without).toBe("cannot assign requested address\n");
      expect(first).toMatch(/^The application behind this name does not answer\. .*\nover-IPv6\n/);
      expect(later!.match(/over-IPv6/g)).toHaveLength(2);
    },
    60_000,
  );

  testWith("caddy", "caddy reads all of them, and refuses a broken one", () => {
    for (const some of [[], sites.slice(0, 1), sites])
      expect(checkCaddy(render.renderCaddyfile({ listen, sites: some }))).toMatchObject({ code: 0 });
    expect(
      checkCaddy(render.renderCaddyfile({ listen, sites }).replace("reverse_proxy", "reverse_porxy")).code,
    ).not.toBe(0);
    expect(checkCaddy(render.renderCaddyfile({ listen, sites: [sites[0]!, sites[0]!] })).code).not.toBe(0);
  });

  testWith("caddy", "systemd reads caddy's unit with what is added to it", () => {
    expect(
      checkUnit("/lib/systemd/system/caddy.service", { "caddy.service.d/intranet.conf": render.renderCaddyDropIn() })
        .output,
    ).toBe("");
  });

  describe("with public certificates", () => {
    const directory = "https://acme-v02.api.letsencrypt.org/directory";
    const ca = { directory: "https://acme.example/dir", ownRoot: true, email: "admin@example.net" };
    const blog = { hostnames: ["blog.intranet.example"], upstream: "127.0.0.1:8090", public: true, listen: [OWN] };
    const mixed = { ...secure, sites: [blog, ...sites], publicCertificates: ca };
    const alone = { listen, sites: [blog], publicCertificates: { directory, ownRoot: false } };

    test.each([
      ["beside those of the internal authority", mixed, "reverse-proxy/public.caddyfile"],
      ["alone, by an authority that Debian trusts", alone, "reverse-proxy/public-alone.caddyfile"],
    ])("%s", (_case, config, golden) => expectGolden(golden, render.renderCaddyfile(config)));

    test("and caddy's unit makes the certificate that fits no name", () =>
      expectGolden("reverse-proxy/caddy-drop-in-public.conf", render.renderCaddyDropIn(true)));

    test("one more adds its virtual hosts, and its address to those that answer nothing else", () => {
      const wiki = { ...blog, hostnames: ["weblog.intranet.example"], listen: ["2001:db8:1:0:1::8"] };
      const hosts = /\nhttps:\/\/weblog[^]*?\n}\n\nhttp:\/\/weblog[^]*?\n}\n/;
      const more = render.renderCaddyfile({ ...mixed, sites: [...mixed.sites, wiki] });
      expect(more).toMatch(hosts);
      expect(more.replace(hosts, "").replaceAll(" [2001:db8:1:0:1::8]", "")).toBe(render.renderCaddyfile(mixed));
    });

    testWith("caddy", "systemd reads caddy's unit with it", () => {
      const files = { "caddy.service.d/intranet.conf": render.renderCaddyDropIn(true) };
      expect(checkUnit("/lib/systemd/system/caddy.service", files).output).toBe("");
    });

    testWith("caddy", "caddy reads it, with both roots where they are staged", async () => {
      const { certificate } = await makeRoot({ organisation: "x", domain: "intranet.example", lifetimeDays: 1 });
      const role = proxyRole({
        ...{ connection: { address: "192.0.2.1", hostKeys: [] }, listen, pages },
        sites: [{ hostname: blog.hostnames, upstream: blog.upstream, authority: "public", listen: [OWN] }],
        certificates: { ...certificates, rootCertificate: certificate },
        publicCertificates: { directory, rootCertificate: certificate },
      });
      const caddyfile = render.renderCaddyfile(mixed);
      const read = (content: string, root: string, publicRoot: string): Verdict =>
        checkRoleCheck(role.checks![0]!, {
          ...{ [render.CADDYFILE]: content, [render.PROXY_ROOT]: root, [render.PUBLIC_ROOT]: publicRoot },
        });
      expect(read(caddyfile, certificate, certificate)).toMatchObject({ code: 0 });
      expect(read(caddyfile, "no certificate", certificate).code).not.toBe(0);
      expect(read(caddyfile, certificate, "no certificate").code).not.toBe(0);
      expect(read(caddyfile.replace("issuer acme", "issuer acne"), certificate, certificate).code).not.toBe(0);
    });

    test("no public name is waited for, and no public certificate asked about", async () => {
      const { certificate } = await makeRoot({ organisation: "x", domain: "intranet.example", lifetimeDays: 1 });
      const role = proxyRole({
        ...{ connection: { address: "192.0.2.1", hostKeys: [] }, listen: ["127.0.0.1", "::1"] },
        sites: [
          { hostname: ["localhost"], upstream: "127.0.0.1:1" },
          { hostname: ["nowhere.invalid"], upstream: "127.0.0.1:2", authority: "public" },
        ],
        certificates: { ...certificates, rootCertificate: certificate },
        publicCertificates: { directory },
      });
      const { content } = role.files![render.CADDYFILE]!;
      expect(content).toContain("https://nowhere.invalid");
      const check = role.checks!.at(-1)!;
      const impatient = { ...check, command: check.command.map((word) => (word === "50" ? "0" : word)) };
      const verdict = checkRoleCheck(impatient, { [render.CADDYFILE]: content as string });
      expect(verdict).toEqual({ code: 0, output: "" });
      expect(JSON.stringify(role.probes)).toContain("localhost");
      expect(JSON.stringify(role.probes!.filter((probe) => "tls" in probe))).not.toContain("nowhere.invalid");
      expect(JSON.stringify(role.checks)).not.toContain(directory);
    });

    test("an authority that no application asks changes nothing", () => {
      const args = {
        ...{ connection: { address: "192.0.2.1", hostKeys: [] }, listen },
        sites: [{ hostname: ["a.intranet.example"], upstream: "127.0.0.1:1" }],
      };
      expect(proxyRole({ ...args, publicCertificates: { directory } })).toEqual(proxyRole(args));
    });
  });
});
