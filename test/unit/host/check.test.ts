import * as fc from "fast-check";
import { checkRole } from "../../../host/resource/check";
import { isManagedPath } from "../../../host/resource/grammar";
import { makeKey } from "./ssh-server";

const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const connection = { address: "192.0.2.1", hostKeys: [makeKey().public] };
const base = { connection, role: "web", owner: "p/s/web" };
const reasons = (more: object) => checkRole({ ...base, ...more }).map((failure) => failure.reason);

test("a whole role passes", () => {
  expect(
    reasons({
      machine: "4711",
      packages: ["bird2", "libc6"],
      directories: { "/etc/wireguard": { mode: "0700" } },
      files: {
        "/etc/wireguard/wg0.conf": { content: "PrivateKey = {{key}}\n", secrets: { key: "x" }, mode: "0600" },
        "/etc/a b/ünï": { content: "" },
      },
      links: { "/etc/link": "../x" },
      absent: ["/etc/nginx/sites-enabled/default"],
      state: ["/var/lib/web", "/var/cache/web/pages", "/var/log/web"],
      sysctls: { "net.ipv4.ip_forward": "1", "net/ipv4/conf/eth0.10/rp_filter": "0" },
      users: { web: { system: true, home: "/srv/web", shell: "/bin/sh", groups: ["www-data"] } },
      units: { "wg-quick@wg0.service": { reloadOn: ["/etc/wireguard/wg0.conf"], restartOn: ["/etc/wireguard"] } },
      checks: [
        { command: ["wg-quick", "strip", { staged: "/etc/wireguard/wg0.conf" }], description: "wg-quick reads it" },
      ],
      probes: [
        { command: ["ping", "-c1", "10.0.0.1"], timeoutSeconds: 60 },
        { http: { address: "10.0.0.1", host: "wiki.example", status: 200 }, description: "the wiki answers" },
        {
          https: {
            address: "fd00::1",
            port: 8443,
            host: "wiki",
            path: "/health?x=1",
            status: 204,
            roots: "/etc/root.pem",
          },
        },
        { tls: { address: "10.0.0.1", name: "wiki.example", roots: "/etc/root.pem" }, timeoutSeconds: 120 },
        { tcp: { address: "::1", port: 25 } },
      ],
      confirm: { timeoutSeconds: 60 },
      ports: [
        { protocol: "tcp", port: 443 },
        { protocol: "udp", port: 53, address: "fd00::1" },
      ],
      live: { "the rules": { command: ["/usr/sbin/nft", "list", "ruleset"] } },
    }),
  ).toEqual([]);
});

test("what a preview does not know yet passes", () => {
  expect(reasons({ connection: { address: UNKNOWN, hostKeys: [UNKNOWN] }, machine: UNKNOWN })).toEqual([]);
  expect(reasons({ connection: UNKNOWN, files: { "/etc/x": { content: UNKNOWN, secrets: { a: UNKNOWN } } } })).toEqual(
    [],
  );
  expect(
    reasons({
      connection: { ...connection, hostKeys: UNKNOWN },
      files: { "/etc/x": { content: "{{a}}", secrets: UNKNOWN } },
    }),
  ).toEqual([]);
});

const file = (more: object) => ({ files: { "/etc/x": { content: "{{a}}", ...more } } });
test.each<[string, object, RegExp]>([
  ["role", { role: "Web Server" }, /^role must be 1 to 40 lower case letters/],
  ["a port's protocol", { ports: [{ protocol: "sctp", port: 1 }] }, /^ports\[0\]\.protocol must be "tcp" or "udp"/],
  ["a port", { ports: [{ protocol: "tcp", port: 0 }] }, /^ports\[0\]\.port must be a whole number from 1 to 65535/],
  [
    "a port's address that is all",
    { ports: [{ protocol: "tcp", port: 1, address: "::" }] },
    /^ports\[0\]\.address must be one IPv4 or IPv6 address; leave it out/,
  ],
  ["a port that is none", { ports: ["tcp/443"] }, /^ports\[0\] must be an object \(protocol, port, address\)/],
  ["role that leaves its folder", { role: "../x" }, /^role must be/],
  ["unknown argument", { file: {} }, /^file is no known argument here \(connection, role/],
  [
    "unknown field",
    file({ contents: "x" }),
    /^files\["\/etc\/x"\]\.contents is no known argument here \(content, secrets/,
  ],
  ["missing content", { files: { "/etc/x": {} } }, /^files\["\/etc\/x"\]\.content is missing; it must be text/],
  ["relative path", { files: { "etc/x": { content: "" } } }, /^files\["etc\/x"\] must be an absolute path/],
  ["path with ..", { files: { "/etc/../x": { content: "" } } }, /without '\.\.'/],
  ["own records", { files: { "/var/lib/intranet/ledger.json": { content: "" } } }, /the host layer's own records/],
  ["mode", file({ mode: "644" }), /\.mode must be four octal digits/],
  ["owner", file({ owner: "a:b" }), /\.owner must be at most 31/],
  ["open secret", file({ secrets: { a: "s" }, mode: "0644" }), /\.mode opens a file with secrets to everybody/],
  [
    "secret without placeholder",
    file({ secrets: { a: "s", b: "s" } }),
    /\.secrets\.b has no placeholder \{\{b\}\} in the content/,
  ],
  ["empty secret", file({ secrets: { a: "" } }), /\.secrets\.a must be a text that is not empty/],
  [
    "twice",
    { files: { "/etc/x": { content: "" } }, absent: ["/etc/x"] },
    /absent\[0\] is managed twice in this role, also as files/,
  ],
  [
    "below a file",
    { files: { "/etc/x": { content: "" }, "/etc/x/y": { content: "" } } },
    /lies below \/etc\/x, which is itself a managed file/,
  ],
  ["state outside", { state: ["/srv/web"] }, /^state\[0\] must be an absolute path below \/var\/lib/],
  ["state of all", { state: ["/var/lib"] }, /^state\[0\] must be/],
  ["state by a detour", { state: ["/var/lib/../../etc"] }, /^state\[0\] must be/],
  ["own state", { state: ["/var/lib/intranet/tx"] }, /^state\[0\] must be/],
  ["package", { packages: ["--allow-unauthenticated"] }, /^packages\[0\] must be a Debian package's name/],
  ["package twice", { packages: ["a1", "a1"] }, /^packages\[1\] is named twice/],
  ["unit", { units: { bird: {} } }, /^units\["bird"\] must be a systemd unit's full name/],
  ["unit option", { units: { "-f.service": {} } }, /must be a systemd unit's full name/],
  ["unit state", { units: { "a.service": { state: "running" } } }, /\.state must be "started" or "stopped"/],
  [
    "foreign trigger",
    { units: { "a.service": { reloadOn: ["/etc/y"] } } },
    /names \/etc\/y, which this role does not manage/,
  ],
  ["sysctl", { sysctls: { "../../etc/passwd": "1" } }, /must be a kernel setting's name/],
  [
    "sysctl value",
    { sysctls: { "net.ipv4.ip_forward": "1\nkernel.panic = 1" } },
    /must be one line of printable ASCII/,
  ],
  ["root", { users: { root: {} } }, /must not be root/],
  ["user", { users: { "a b": {} } }, /must be at most 31/],
  ["home", { users: { a: { home: "/x:/y" } } }, /\.home must be an absolute path/],
  ["empty command", { probes: [{ command: [] }] }, /^probes\[0\]\.command must be a list of words/],
  ["command as text", { probes: [{ command: "rm -rf" }] }, /^probes\[0\]\.command must be a list of words/],
  ["program", { checks: [{ command: ["-c", "x"] }] }, /^checks\[0\]\.command\[0\] must be a program's name/],
  [
    "staged stranger",
    { checks: [{ command: ["cat", { staged: "/etc/shadow" }] }] },
    /names \/etc\/shadow, which is no file of this role/,
  ],
  ["two questions", { probes: [{ tcp: { address: "::1", port: 1 }, command: ["true"] }] }, /one of .*tcp alone/],
  ["no question", { probes: [{ description: "x" }] }, /^probes\[0\] must have one of command, http, https, tls, tcp$/],
  ["a question as text", { probes: [{ tcp: "::1" }] }, /^probes\[0\]\.tcp must be an object \(address, port\)/],
  [
    "a port too many",
    { probes: [{ tcp: { address: "::1", port: 65536 } }] },
    /^probes\[0\]\.tcp\.port must be a whole/,
  ],
  ["no port", { beforeDelete: [{ tcp: { address: "::1" } }] }, /^beforeDelete\[0\]\.tcp\.port is missing/],
  ["a name for an address", { probes: [{ tcp: { address: "wiki", port: 1 } }] }, /\.address must be one IPv4 or IPv6/],
  [
    "a header of one's own",
    { probes: [{ http: { address: "::1", host: "a\r\nX: y", status: 200 } }] },
    /^probes\[0\]\.http\.host must be a host name/,
  ],
  [
    "a path with a blank",
    { probes: [{ http: { address: "::1", host: "a", path: "/ x", status: 200 } }] },
    /\.path must begin/,
  ],
  [
    "a status of none",
    { probes: [{ http: { address: "::1", host: "a", status: 99 } }] },
    /\.status must be a whole number/,
  ],
  [
    "roots over plain HTTP",
    { probes: [{ http: { address: "::1", host: "a", status: 200, roots: "/x" } }] },
    /roots is no known/,
  ],
  ["no roots", { probes: [{ tls: { address: "::1", name: "a" } }] }, /^probes\[0\]\.tls\.roots is missing/],
  ["staged in a probe", { probes: [{ command: ["cat", { staged: "/x" }] }] }, /only a check sees staged files/],
  [
    "probe time",
    { probes: [{ command: ["true"], timeoutSeconds: 0 }] },
    /must be a whole number of seconds from 1 to 600/,
  ],
  ["staged before deletion", { beforeDelete: [{ command: ["cat", { staged: "/x" }] }] }, /only a check sees staged/],
  ["last way", { lastWay: { interface: "wg-a", unless: "--help" } }, /^lastWay\.unless must be an interface's name/],
  ["last way as text", { lastWay: "yes" }, /^lastWay must be true, false or \{interface, unless\}/],
  [
    "confirm time",
    { confirm: { timeoutSeconds: 5 } },
    /^confirm\.timeoutSeconds must be a whole number of seconds from 15 to 3600/,
  ],
  [
    "connection",
    { connection: { ...connection, password: "hunter2" } },
    /^connection\.password connection\.password|^connection\.password is not a field/,
  ],
])("refused with argument, rule and way out: %s", (_name, more, reason) => {
  const found = reasons(more);
  expect(found.join("\n")).toMatch(reason);
  expect(found.join("\n")).not.toContain("hunter2");
});

const hostile = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.constantFrom(
    "$(reboot)",
    "`id`",
    "a;b",
    "a'b",
    'a"b',
    "a\nb",
    "a\0b",
    "-rf",
    "--help",
    "..",
    "/",
    "//",
    "/a/../b",
    "/a\u202eb",
    "ａ",
    "\ud800",
  ),
  fc.string({ minLength: 3000, maxLength: 6000 }),
);

test("a hostile string in any place is refused or is plainly within the grammar", () => {
  fc.assert(
    fc.property(hostile, (text) => {
      const accepted = (more: object) => reasons(more).length === 0;
      if (accepted({ role: text })) expect(text).toMatch(/^[a-z][a-z0-9-]*$/);
      if (accepted({ packages: [text] })) expect(text).toMatch(/^[a-z0-9][a-z0-9+.-]+$/);
      if (accepted({ users: { [text]: {} } })) expect(text).toMatch(/^[a-z_][a-z0-9_-]*$/);
      if (accepted({ units: { [text]: {} } })) expect(text).toMatch(/^[A-Za-z0-9:_.\\@][A-Za-z0-9:_.\\@-]*\.[a-z]+$/);
      if (accepted({ sysctls: { [text]: "1" } })) expect(text).toMatch(/^[a-z0-9_]+([./][A-Za-z0-9_@:.-]+)+$/);
      if (accepted({ sysctls: { "net.a": text } })) expect(text).toMatch(/^[\x20-\x7e\t]+$/);
      if (accepted({ files: { "/etc/x": { content: "", mode: text } } })) expect(text).toMatch(/^[0-7]{4}$/);
      if (accepted({ connection: { ...connection, address: text } })) expect(text).toMatch(/^[A-Za-z0-9:.%_-]+$/);
      if (accepted({ files: { [text]: { content: "" } } })) {
        expect(text.startsWith("/")).toBe(true);
        expect(text).not.toMatch(/\/\.\.?(\/|$)|\/\/|\/$/);
        expect([...text].every((char) => char.codePointAt(0)! >= 32 && char !== "\x7f")).toBe(true);
      }
      expect(isManagedPath(text)).toBe(accepted({ absent: [text] }));
    }),
    { numRuns: 300 },
  );
});
