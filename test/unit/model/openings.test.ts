/** What can be reached, keyed by what it says. */
import * as fc from "fast-check";
import { openingsOf, planIntranet, type IntranetSpec, type ServiceSpec } from "../../../model";
import { site, spec } from "./fixtures";

const openings = (services: Record<string, ServiceSpec>, more: Partial<IntranetSpec> = {}) => {
  const whole = spec({ sites: { home: site(0), cabin: site(1) }, services, ...more });
  return openingsOf(planIntranet("home", whole), whole.sinkhole.management);
};

test("the Internet's side, management, and what is offered inside", () => {
  const blog = { at: "home", port: 8081, audience: "internet" as const };
  const found = openings({ nextcloud: { at: "home", port: 8080 }, mail: { at: "cabin", port: 2525, protocol: "tcp" } });
  expect(Object.keys(found).map((key) => key.replace(/udp \d{5}(, \d{5})?/, "udp"))).toEqual([
    "internet → web at vps: tcp 80, 443",
    "internet → echo at vps: icmp, icmpv6",
    "internet → devices' tunnels at vps: udp",
    "internet → tunnel of home at vps: udp",
    "internet → tunnel of cabin at vps: udp",
    "management → ssh at vps: tcp 22",
    "inside → dns at home: tcp, udp 53",
    "inside → ca at home: tcp 80, 9000",
    "inside → nextcloud at home: tcp 80, 443",
    "inside → mail at cabin: tcp 2525",
  ]);
  expect(found["management → ssh at vps: tcp 22"]).toContain("198.51.100.7/32");
  expect(Object.keys(found).filter((key) => key.startsWith("internet → ") && /nextcloud|mail/.test(key))).toEqual([]);
  const opened = Object.keys(openings({ nextcloud: { at: "home", port: 8080 }, blog }));
  expect(opened).toContain("internet → blog at home: tcp 80, 443");
});

test("a service, a device or a site more adds its own keys and changes no other", () => {
  const names = fc.uniqueArray(fc.constantFrom("alpha", "beta", "gamma", "delta", "zeta"), { minLength: 1 });
  fc.assert(
    fc.property(names, fc.boolean(), (all, everybody) => {
      const [first, ...others] = all;
      const audience = everybody ? "internet" : "intranet";
      const one = (name: string): [string, ServiceSpec] => [
        name,
        { at: "home", port: 1000 + name.charCodeAt(0), audience },
      ];
      const before = openings(Object.fromEntries(others.map(one)));
      const after = openings(Object.fromEntries(all.map(one)));
      const added = Object.keys(after).filter((key) => !(key in before));
      expect(added.every((key) => key.includes(`→ ${first} at home`))).toBe(true);
      expect(added).toHaveLength(everybody ? 2 : 1);
      expect(Object.keys(before).filter((key) => !(key in after))).toEqual([]);
    }),
    { numRuns: 50 },
  );
});
