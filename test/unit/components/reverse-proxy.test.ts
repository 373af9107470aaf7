import { makeRoot } from "../../../host/keys/x509";
import * as render from "../../../components/reverse-proxy/render";
import { proxyRole } from "../../../components/reverse-proxy/roles";
import { checkCaddy, checkRoleCheck, checkUnit, testWith, type Verdict } from "./checkers";
import { PLAN } from "./fixtures";
import { expectGolden } from "./golden";

const identity = PLAN.hosts["home"]!.identity;
const listen = [identity.v4, identity.v6, PLAN.sites["home"]!.hostAddress];
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
});
