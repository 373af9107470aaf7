import * as fc from "fast-check";
import * as model from "../../../model";
import { site, spec } from "./fixtures";

const NETWORK = "2001:db8:100:1::/64";
const blog: model.ServiceSpec = { at: "home", port: 8081, audience: "internet" };

function plan(services: Record<string, model.ServiceSpec>, more: Partial<model.IntranetSpec> = {}): model.IntranetPlan {
  return model.planIntranet("home", spec({ sites: { home: site(0), cabin: site(1) }, services, ...more }));
}

/** Every public service's address. */
function addresses(given: model.IntranetPlan): Record<string, string> {
  const all = model.publicServices(given.services);
  return Object.fromEntries(all.map((service) => [service.name, model.serviceAddress(NETWORK, service.public)]));
}

describe("addresses of the sinkhole's /64", () => {
  test("a site's /80 has its number in the fifth group, a service its own in the last", () => {
    expect(model.sitePrefix(NETWORK, 0xa3)).toBe("2001:db8:100:1:a3::/80");
    expect(model.serviceAddress(NETWORK, { site: 0xa3, service: 0x1f2d })).toBe("2001:db8:100:1:a3::1f2d");
    expect(model.serviceAddress("2001:db8::/64", { site: 1, service: 7 })).toBe("2001:db8::1:0:0:7");
  });

  test.each(["2001:db8::/56", "2001:db8::1/64", "10.0.0.0/8", ""])("%j is no such network", (network) => {
    expect(() => model.sitePrefix(network, 1)).toThrow("no IPv6 prefix of 64 bits");
  });

  test("a service lies in its site's prefix and in no other's", () => {
    const number = fc.integer({ min: 1, max: 4094 });
    fc.assert(
      fc.property(number, number, fc.integer({ min: 1, max: 65535 }), (own, other, service) => {
        const address = model.parseAddress(model.serviceAddress(NETWORK, { site: own, service }))!;
        const inside = (place: number): boolean =>
          model.containsAddress(model.parsePrefix(model.sitePrefix(NETWORK, place))!, address);
        return inside(own) && (own === other || !inside(other));
      }),
    );
  });
});

describe("public services", () => {
  test("without one nothing is planned for the Internet", () => {
    const closed = plan({ nextcloud: { at: "home", port: 8080 } });
    expect(closed.publicCertificates).toBeUndefined();
    expect(model.publicServices(closed.services)).toEqual([]);
  });

  test("https is reached at 80 and 443, and guests are let in at 443; tcp at its own port alone", () => {
    const { services, publicCertificates } = plan({
      blog,
      imap: { at: "home", port: 993, protocol: "tcp", audience: "internet", user: "dovecot" },
    });
    expect(services.blog!.public).toMatchObject({ ports: [80, 443], guestPorts: [443] });
    expect(services.imap!.public).toMatchObject({ ports: [993], guestPorts: [993], user: "dovecot" });
    expect(publicCertificates).toEqual({ directory: model.PUBLIC_DIRECTORY, issuer: "letsencrypt.org" });
  });

  test("one more service or site, or one less, renumbers nobody", () => {
    const before = addresses(plan({ blog, forum: { ...blog, at: "cabin" } }));
    const more = plan(
      { shop: { ...blog, port: 9 }, blog, forum: { ...blog, at: "cabin" }, inner: { at: "home", port: 1 } },
      { sites: { attic: site(2), home: site(0), cabin: site(1) } },
    );
    expect(addresses(more)).toMatchObject(before);
    expect(addresses(plan({ blog }))).toEqual({ blog: before.blog });
  });

  test("the exposure table names what the Internet reaches, and what it does not", () => {
    const rows = model.exposureOf(plan({ blog, nextcloud: { at: "home", port: 8080 } }), { from: ["198.51.100.7/32"] });
    const outside = rows.filter((row) => row.from === "the Internet");
    expect(outside.map((row) => [row.what, row.host, row.ports])).toContainEqual(["blog", "home", "tcp 80, 443"]);
    expect(outside.map((row) => row.what)).not.toContain("nextcloud");
    expect(outside[0]!.gets).toContain("but for the names of public services");
  });

  test("a number can be given", () => {
    expect(addresses(plan({ blog: { ...blog, id: 7 } })).blog).toMatch(/::7$/);
  });

  test.each<[string, Record<string, model.ServiceSpec>, Partial<model.IntranetSpec>, string, string]>([
    [
      "an account on a private service",
      { blog: { at: "home", port: 1, user: "www" } },
      {},
      "services.blog.user",
      "address of its own",
    ],
    [
      "a number on a private service",
      { blog: { at: "home", port: 1, id: 7 } },
      {},
      "services.blog.id",
      "address of its own",
    ],
    ["an account that is none", { blog: { ...blog, user: "$(id)" } }, {}, "services.blog.user", "name of an account"],
    [
      "one number twice",
      { a: { ...blog, id: 7 }, b: { ...blog, port: 2, id: 7 } },
      {},
      "services.b.id",
      "the same number",
    ],
    ["a number out of range", { a: { ...blog, id: 65536 } }, {}, "services.a.id", "from 1 to 65535"],
    [
      "the sinkhole's own port",
      { a: { ...blog, protocol: "tcp", port: 443 } },
      {},
      "services.a.port",
      "itself answers",
    ],
    [
      "an authority without a name",
      { blog },
      { publicCertificates: { directory: "https://acme.example/dir" } },
      "publicCertificates.issuer",
      "who issues",
    ],
    [
      "a directory over http",
      { blog },
      { publicCertificates: { directory: "http://acme.example/dir", issuer: "x.example" } },
      "publicCertificates.directory",
      "https URL",
    ],
    [
      "an issuer that is no domain",
      { blog },
      { publicCertificates: { issuer: "; x" } },
      "publicCertificates.issuer",
      "CAA records",
    ],
    [
      "a root that is no certificate",
      { blog },
      { publicCertificates: { rootCertificate: "x" } },
      "publicCertificates.rootCertificate",
      "PEM",
    ],
    ["an address that is none", { blog }, { publicCertificates: { email: "x" } }, "publicCertificates.email", "e-mail"],
  ])("%s is refused", (_case, services, more, path, rule) => {
    let issues: readonly model.Issue[] = [];
    try {
      plan(services, more);
    } catch (error) {
      issues = (error as model.ValidationError).issues;
    }
    expect(issues.map((issue) => [issue.path, issue.rule.includes(rule)])).toContainEqual([path, true]);
  });
});
