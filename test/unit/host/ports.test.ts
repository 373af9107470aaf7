/** Ports on the host: the ledger's claims across stacks, and programs of another hand, as ss(8) shows them. */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { Scratch } from "./scratch";

const SS = [
  'tcp LISTEN 0 128 0.0.0.0:443 0.0.0.0:* users:(("nginx",pid=11,fd=6),("nginx",pid=12,fd=6))',
  'udp UNCONN 0 0 127.0.0.53%lo:53 0.0.0.0:* users:(("systemd-resolve",pid=13,fd=6))',
  "udp UNCONN 0 0 0.0.0.0:51820 0.0.0.0:*",
  'tcp LISTEN 0 128 [fd00::1]:9000 [::]:* users:(("step-ca",pid=14,fd=6))',
];

let host: Scratch;
beforeEach(() => {
  host = new Scratch();
  mkdirSync(host.at("/etc"), { recursive: true });
  host.pretend("ss");
  writeFileSync(`${host.root}.bin/ss`, `#!/bin/sh\ncat <<'END'\n${SS.join("\n")}\nEND\n`);
  chmodSync(`${host.root}.bin/ss`, 0o755);
  host.write("/proc/11/cgroup", "0::/system.slice/nginx.service\n");
});
afterEach(() => host.remove());

const port = (protocol: string, number: number, address?: string) => ({
  ports: [{ protocol, port: number, ...(address === undefined ? {} : { address }) }],
});
const up = (more: object) => host.run({ action: "apply", ...more });

test.each<[string, object, RegExp]>([
  [
    "one address of a program on all",
    port("tcp", 443, "10.0.0.1"),
    /^port tcp\/443 at 10\.0\.0\.1 is taken on this host by nginx \(pid 11, unit nginx\.service\), and role r wants it; stop that program/,
  ],
  [
    "every address, of which a program has one",
    port("udp", 53),
    /^port udp\/53 is taken on this host by systemd-resolve \(pid 13\)/,
  ],
  ["IPv6", port("tcp", 9000, "fd00::1"), /by step-ca \(pid 14\)/],
])("taken: %s", (_what, ports, says) => {
  const before = host.tree();
  const { answer } = up({ ...ports, files: { "/etc/a": { content: "a" } } });
  expect(answer).toMatchObject({ ok: false, kind: "conflict", rolledBack: true });
  expect(answer!.message).toMatch(says);
  expect(host.tree()).toEqual(before);
});

test.each<[string, object]>([
  ["another protocol", port("udp", 443)],
  ["another address", port("udp", 53, "10.0.0.1")],
  ["what ss cannot name is said, and left to the unit's own start", port("udp", 51820)],
])("free: %s", (_what, ports) => {
  expect(up(ports).answer).toMatchObject({ ok: true });
});

test("a role's own port is not asked for again, and goes with it", () => {
  host.write("/proc/11/cgroup", "0::/system.slice/other.service\n");
  writeFileSync(`${host.root}.bin/ss`, "#!/bin/sh\n");
  expect(up(port("tcp", 443)).answer).toMatchObject({ ok: true });
  writeFileSync(`${host.root}.bin/ss`, `#!/bin/sh\necho '${SS[0]}'\n`);
  expect(up({ ...port("tcp", 443), files: { "/etc/a": { content: "a" } } }).answer).toMatchObject({ ok: true });
  expect(host.run({ action: "remove" }).answer).toMatchObject({ ok: true });
  expect(up(port("tcp", 443)).answer).toMatchObject({ ok: false });
});

test("across stacks the ledger refuses with both names; within one a port moves", () => {
  writeFileSync(`${host.root}.bin/ss`, "#!/bin/sh\n");
  up(port("tcp", 53, "10.0.0.1"));
  const other = { role: "other", id: "o-1" };
  const foreign = up({ ...other, owner: "q/t/o", ...port("tcp", 53) });
  expect(foreign.answer!.message).toMatch(
    /^port tcp\/53 \(there tcp\/53 at 10\.0\.0\.1\) is claimed by role other and already owned by role r \(p\/s\/r\)/,
  );
  expect(up({ ...other, owner: "q/t/o", ...port("tcp", 53, "10.0.0.2") }).answer).toMatchObject({ ok: true });
  expect(up({ role: "next", id: "n-1", owner: "p/s/n", ...port("tcp", 53, "10.0.0.1") }).answer).toMatchObject({
    ok: true,
  });
  expect(up(port("tcp", 53, "10.0.0.1")).answer).toMatchObject({ ok: false, kind: "conflict" });
});
