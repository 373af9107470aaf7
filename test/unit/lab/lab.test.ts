import { createServer } from "node:http";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { CLOUDFLARE_API_TOKEN, HCLOUD_TOKEN, SERVICES } from "../../../lab/constants";
import { cgroupRoots } from "../../../lab/fabric/cgroup";
import { macFor } from "../../../lab/fabric/net";
import { checkSnapshotName } from "../../../lab/fabric/snapshot";
import { buildOnce, withLock } from "../../../lab/images/cache";
import { serveFile } from "../../../lab/images/repository-server";
import { instanceName, instancePaths } from "../../../lab/paths";
import { CommandError, run } from "../../../lab/process";
import { probeText, resolveTarget, type ProbeResult } from "../../../lab/probe";
import { table } from "../../../lab/commands/table";

const directory = mkdtempSync(path.join(tmpdir(), "lab-unit-"));
afterAll(() => rmSync(directory, { recursive: true }));

test("tokens have the lengths that the official clients insist on", () => {
  expect(HCLOUD_TOKEN).toMatch(/^[0-9A-Za-z]{64}$/);
  expect(CLOUDFLARE_API_TOKEN).toMatch(/^[0-9A-Za-z_-]{40}$/);
});

test("every service has an address within the routed prefix", () => {
  for (const service of [
    SERVICES.hetzner,
    SERVICES.cloudflare,
    SERVICES.resolver,
    SERVICES.authoritative,
    SERVICES.packages,
    SERVICES.acme,
  ]) {
    expect(Number(service.ipv4.split(".")[3])).toBeLessThan(128);
    expect(SERVICES.ipv4Prefix).toBe("192.0.2.0/25");
  }
});

test("MAC addresses are local, not multicast, and stay", () => {
  expect(macFor("tv")).toMatch(/^02(:[0-9a-f]{2}){5}$/);
  expect(macFor("tv")).toBe(macFor("tv"));
  expect(macFor("tv")).not.toBe(macFor("home"));
});

test("instances: names are plain words, and their sockets fit", () => {
  expect(instanceName("test-2")).toBe("test-2");
  for (const bad of ["Test", "a b", "../x", "", "-a", "a".repeat(40)])
    expect(() => instanceName(bad)).toThrow(/lab name/);
  const before = process.env["INTRANET_CACHE"];
  process.env["INTRANET_CACHE"] = `/${"x".repeat(100)}`;
  try {
    expect(() => instancePaths("default")).toThrow(/107 bytes.*INTRANET_CACHE/);
  } finally {
    if (before === undefined) delete process.env["INTRANET_CACHE"];
    else process.env["INTRANET_CACHE"] = before;
  }
});

test("snapshot names cannot leave their directory", () => {
  for (const bad of ["../x", "", ".x", "a/b", "a b"]) expect(() => checkSnapshotName(bad)).toThrow(/snapshot name/);
  expect(() => checkSnapshotName("up-1.a_b")).not.toThrow();
});

test("control groups: on a hybrid machine the unified hierarchy and systemd's", () => {
  const hybrid =
    "30 29 0:26 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n31 29 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n32 29 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
  expect(cgroupRoots(hybrid)).toEqual(["/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified"]);
  expect(cgroupRoots("32 29 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n")).toEqual(["/sys/fs/cgroup"]);
});

test("a command that fails says which, how and what it said", async () => {
  await expect(run(["sh", "-c", "echo nonsense >&2; exit 3"])).rejects.toMatchObject({
    code: 3,
    output: "nonsense",
    message: expect.stringMatching(/^sh -c .*exit code 3: nonsense$/),
  });
  await expect(run(["/no/such/program"])).rejects.toBeInstanceOf(CommandError);
});

test("something that fails to build leaves no half of it, and the next try builds it", async () => {
  const target = path.join(directory, "image");
  await expect(
    buildOnce(
      target,
      () => undefined,
      async (partial) => {
        writeFileSync(partial, "half");
        throw new Error("mirror is gone");
      },
    ),
  ).rejects.toThrow("mirror is gone");
  let builds = 0;
  const build = (partial: string): Promise<void> => {
    builds += 1;
    writeFileSync(partial, "whole");
    return Promise.resolve();
  };
  await Promise.all([buildOnce(target, () => undefined, build), buildOnce(target, () => undefined, build)]);
  expect(builds).toBe(1);
});

test("the lock of a process that has died is taken over", async () => {
  const lock = path.join(directory, "lock");
  await run(["sh", "-c", 'mkdir "$1"; sh -c "echo \\$\\$" > "$1/pid"', "sh", lock]);
  await expect(
    withLock(
      lock,
      () => undefined,
      () => Promise.resolve("mine"),
    ),
  ).resolves.toBe("mine");
});

test("the package repository's server gives its files and nothing else", async () => {
  writeFileSync(path.join(directory, "Packages"), "Package: a\n");
  const server = createServer((request, response) => serveFile(directory, request, response)).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const get = (file: string): Promise<Response> =>
    fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${file}`);
  try {
    expect(await (await get("/debian/./Packages")).text()).toBe("Package: a\n");
    mkdirSync(path.join(directory, "step-ca/keys/apt"), { recursive: true });
    writeFileSync(path.join(directory, "step-ca/keys/apt/key"), "key");
    expect(await (await get("/keys/apt/key")).text()).toBe("key");
    for (const file of ["/keys/apt", "/keys/..%2f..%2fPackages", "/stable/none", "/step-ca/keys/apt/key"])
      expect((await get(file)).status).toBe(404);
    for (const file of ["/debian/none", "/debian/", "/etc/passwd", "/debian/..%2f..%2fetc%2fpasswd", "/debian/a/b"])
      expect((await get(file)).status).toBe(404);
  } finally {
    server.close();
  }
});

test("probe targets: hosts by name, the rest as it is", () => {
  const status = {
    hosts: [{ name: "vps", ipv4: "198.51.100.10" }],
    operator: { ipv4: "10.20.0.5", ipv6: "2001:db8:a:1::5" },
  } as never;
  expect(resolveTarget(status, "vps", 4)).toBe("198.51.100.10");
  expect(resolveTarget(status, "operator", 6)).toBe("2001:db8:a:1::5");
  expect(resolveTarget(status, "www.intranet.example", 6)).toBe("www.intranet.example");
  expect(() => resolveTarget(status, "vps", 6)).toThrow(/host vps has no IPv6 address/);
});

test("a probe in one line", () => {
  const result: ProbeResult = {
    fate: "filtered",
    from: "visitor",
    to: "vps",
    protocol: "tcp",
    port: 22,
    family: 4,
    address: "198.51.100.10",
    seconds: 3,
    seen: { icmp: { from: "192.0.2.129", meaning: "administratively prohibited" } },
  };
  expect(probeText(result)).toBe(
    "filtered: visitor to vps (198.51.100.10) tcp port 22: ICMP from 192.0.2.129: administratively prohibited",
  );
});

test("tables line up", () => {
  expect(table(["A", "LONG"], [["xxx", "y"]])).toBe("A    LONG\nxxx  y");
});
