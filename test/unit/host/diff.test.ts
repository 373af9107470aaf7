import { ClaimRegistry, claimOf } from "../../../host/resource/claims";
import { diffRole } from "../../../host/resource/diff";

const olds = {
  connection: { address: "192.0.2.1", hostKeys: ["k"] },
  role: "web",
  owner: "p/s/web",
  machine: "1",
  packages: ["b", "a"],
  files: { "/etc/x": { content: "one\n", secrets: { k: "v" } } },
  units: { "a.service": {} },
  hostId: "m",
  observed: {},
  __provider: "text",
};
const news = (more: object) => ({ ...olds, hostId: undefined, observed: undefined, ...more });

test.each<[string, object]>([
  ["nothing", {}],
  ["the order of packages", { packages: ["a", "b"] }],
  ["an empty map in place of none", { sysctls: {}, probes: [] }],
  [
    "a default that is written out",
    {
      files: { "/etc/x": { content: "one\n", secrets: { k: "v" }, mode: "0600", owner: "root" } },
      units: { "a.service": { enabled: true, state: "started" } },
    },
  ],
  ["the stub's text", { __provider: "other" }],
  ["a host's name, which is for messages", { connection: { ...olds.connection, name: "home" } }],
  [
    "who may log in, which a state of before does not know",
    { connection: { ...olds.connection, operatorKeys: ["k"] } },
  ],
])("no change: %s", (_name, more) => {
  expect(diffRole(olds, news(more))).toEqual({ changes: false, replaces: [], deleteBeforeReplace: false });
});

test.each<[string, object]>([
  ["a line", { files: { "/etc/x": { content: "two\n", secrets: { k: "v" } } } }],
  ["a secret", { files: { "/etc/x": { content: "one\n", secrets: { k: "w" } } } }],
  ["an address", { connection: { address: "192.0.2.2", hostKeys: ["k"] } }],
  ["live state that drifted", { live: { a: { command: ["x"] } } }],
])("an update in place: %s", (_name, more) => {
  // The engine is to find out in what the inputs differ; after a change that was left half made they may be equal.
  expect(diffRole(olds, news(more))).toEqual({ changes: undefined, replaces: [], deleteBeforeReplace: false });
  const half = { ...olds, hostId: "" };
  expect(diffRole(half, news(more))).toEqual({ changes: true, replaces: [], deleteBeforeReplace: false });
});

test("another machine replaces; another role name does so after the first has let its paths go", () => {
  expect(diffRole(olds, news({ machine: "2" }))).toEqual({
    changes: undefined,
    replaces: ["machine"],
    deleteBeforeReplace: false,
  });
  expect(diffRole(olds, news({ role: "www" }))).toEqual({
    changes: undefined,
    replaces: ["role"],
    deleteBeforeReplace: true,
  });
});

describe("claims within a program", () => {
  const web = { role: "web", files: { "/etc/x": {} }, units: { "a.service": {} }, sysctls: { "net.a": "1" } };
  const add = (second: object) => {
    const registry = new ClaimRegistry();
    expect(registry.add(claimOf(web, "p/s/web"))).toEqual([]);
    return registry.add(claimOf(second as never, "p/s/other")).join("\n");
  };

  test("two roles for one path, unit or name are refused, both named", () => {
    expect(add({ role: "other", absent: ["/etc/x"] })).toMatch(
      /path \/etc\/x is claimed by role other and by role web \(p\/s\/web\)/,
    );
    expect(add({ role: "other", units: { "a.service": {} } })).toMatch(
      /unit a\.service is claimed by role other and by role web/,
    );
    expect(add({ role: "web" })).toMatch(/role web is declared twice on this host, by p\/s\/other and p\/s\/web/);
    expect(add({ role: "other", sysctls: { "net.a": "0" } })).toMatch(
      /sysctl net\.a is 0 in role other and 1 in role web/,
    );
  });

  const port = (...ports: [string, number, string?][]) => ({
    ports: ports.map(([protocol, number, address]) => ({ protocol, port: number, ...(address ? { address } : {}) })),
  });
  test.each<[string, object, object, RegExp | ""]>([
    [
      "the same port",
      port(["tcp", 443]),
      port(["tcp", 443]),
      /^port tcp\/443 is claimed by role b and by role a \(p\/s\/a\)/,
    ],
    ["another protocol", port(["tcp", 53]), port(["udp", 53]), ""],
    ["another port", port(["tcp", 53]), port(["tcp", 54]), ""],
    ["other addresses", port(["tcp", 53, "10.0.0.1"]), port(["tcp", 53, "10.0.0.2"], ["tcp", 53, "fd00::1"]), ""],
    [
      "one address written in two ways",
      port(["tcp", 53, "fd00:0:0::1"]),
      port(["tcp", 53, "FD00::1"]),
      /tcp\/53 at fd00::1/,
    ],
    [
      "every address and one",
      port(["tcp", 53, "10.0.0.1"]),
      port(["tcp", 53]),
      /^port tcp\/53 is claimed by role b and, as tcp\/53 at 10\.0\.0\.1, by role a/,
    ],
    ["one that is not known yet", port(["tcp", 53, "04da6b54-80e4-46f7-96ec-b56ff0331ba9"]), port(["tcp", 53]), ""],
  ])("ports: %s", (_what, one, two, says) => {
    const registry = new ClaimRegistry();
    expect(registry.add(claimOf({ role: "a", ...one }, "p/s/a"))).toEqual([]);
    expect(registry.add(claimOf({ role: "b", ...two }, "p/s/b")).join()).toMatch(says === "" ? /^$/ : says);
  });

  test("an equal sysctl is shared, and the same resource may be checked again", () => {
    expect(add({ role: "other", sysctls: { "net.a": "1" } })).toBe("");
    const registry = new ClaimRegistry();
    registry.add(claimOf(web, "p/s/web"));
    expect(registry.add(claimOf(web, "p/s/web"))).toEqual([]);
  });
});
