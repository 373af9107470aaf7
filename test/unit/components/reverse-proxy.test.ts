import * as render from "../../../components/reverse-proxy/render";
import { checkCaddy, checkUnit, testWith } from "./checkers";
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
