/** The lab itself: a reset leaves nothing, cuts cut, snapshots come back, and the machine is left alone. */
import { execFile } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { promisify } from "node:util";
import { SERVICES, STEP_CA_SOURCE } from "../../lab/constants";
import { hetzner } from "./lifted";
import { makeServer, removeServer } from "./servers";
import { exec, execOk as out, lab, labOk, LAB_NAME, probe, run, status } from "./support";

const command = promisify(execFile);
jest.setTimeout(30_000);
/** A server that only these tests use, on which there is no stack. */
const SERVER = "self-test";

beforeAll(async () => {
  // On hosts that no stack has touched: what an intranet does while a host boots is not what is looked at here.
  if ((await status()).hosts.some(({ kind }) => kind === "server")) await labOk(["restore", "fresh"]);
}, 120_000);
afterAll(() => removeServer(SERVER), 60_000);

describe("commands", () => {
  test("exec passes stdin, output and exit code; up touches nothing when the lab runs", async () => {
    const result = await exec("tv", ["sh", "-c", "cat; echo error >&2; exit 7"], { stdin: "in" });
    expect(result).toEqual({ code: 7, stdout: "in", stderr: "error\n" });
    const before = (await status()).hosts.map(({ name, leader }) => `${name} ${leader}`);
    await labOk(["up"]);
    expect((await status()).hosts.map(({ name, leader }) => `${name} ${leader}`)).toEqual(before);
  });

  test("exec passes a terminal", async () => {
    const there = "bin/lab exec tv -- sh -c 'test -t 0 && test -t 1 && echo terminal'";
    const { stdout } = await command("script", ["-qec", there, "/dev/null"], { env: { ...process.env, LAB_NAME } });
    expect(stdout).toContain("terminal");
  });

  test("an unknown host and a wrong option are said clearly", async () => {
    const unknown = await exec("nowhere", ["true"]);
    expect([unknown.code, unknown.stderr]).toEqual([
      1,
      expect.stringMatching(/no host "nowhere".*home, tv, laptop, visitor/),
    ]);
    const family = await lab(["probe", "tv", "10.20.0.10", "--family", "6"]);
    expect([family.code, family.stderr]).toEqual([1, expect.stringMatching(/--family 6.*10\.20\.0\.10.*contradict/)]);
  });

  test("a machine that cannot run a lab is told what it lacks, and nothing is begun", async () => {
    const without = command("setpriv", ["--bounding-set", "-sys_admin", "bin/lab", "up", "--name", "self-lacking"]);
    await expect(without).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/cannot run the lab:\n {2}- the right to make namespaces/),
    });
    expect((await lab(["--name", "self-lacking", "status"])).code).toBe(1);
  });

  test("run sits on home's LAN, asks the lab's resolver, and passes the exit code", async () => {
    const addresses = (await run(["ip", "-br", "address"])).stdout;
    expect(addresses).toContain("10.20.0.5/24");
    expect((await run(["cat", "/etc/resolv.conf"])).stdout).toContain(SERVICES.resolver.ipv4);
    expect((await run(["sh", "-c", "exit 3"])).code).toBe(3);
    expect((await run(["getent", "ahostsv4", "www.intranet.example"])).stdout).toMatch(/^192\.0\.2\./);
    expect((await run(["ssh-add", "-l"])).stdout).toContain("ED25519");
  });

  test("ssh to home checks its host key and runs a command", async () => {
    const result = await lab(["ssh", "home", "--", "hostname; exit 5"]);
    expect([result.code, result.stdout]).toEqual([5, "home\n"]);
  });
});

test("a reset leaves no address, route, rule, sysctl or interface, and keeps the disk", async () => {
  await out("home", ["sh", "-c", "echo kept > /root/self-test"]);
  const look = (): Promise<string> =>
    out("home", [
      "sh",
      "-c",
      "ip -br -6 a | grep -v fe80; ip route; ip -6 route; ip rule; ip -br link | cut -d' ' -f1; nft list tables; cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/conf/all/rp_filter",
    ]);
  await labOk(["reset", "home"]);
  const before = (await look()).replace(/eth0@if\d+/g, "eth0");
  const byHand = [
    ["ip", "address", "add", "10.66.0.1/32", "dev", "lo"],
    ["ip", "route", "add", "10.67.0.0/16", "via", "10.20.0.1"],
    ["ip", "rule", "add", "from", "10.68.0.0/16", "lookup", "main"],
    ["ip", "link", "add", "byhand", "type", "veth"],
    ["nft", "add table inet byhand"],
    ["sysctl", "-qw", "net.ipv4.ip_forward=1"],
  ];
  for (const argv of byHand) await out("home", argv);
  expect((await look()).replace(/eth0@if\d+/g, "eth0")).not.toBe(before);
  await labOk(["reset", "home"]);
  expect((await look()).replace(/eth0@if\d+/g, "eth0")).toBe(before);
  expect(await out("home", ["cat", "/root/self-test"])).toBe("kept\n");
  await out("home", ["rm", "/root/self-test"]);
  expect(await probe("tv", "home", { port: 7777 })).toMatchObject({ fate: "accepted" });
}, 60_000);

test("a reboot from within is a reset, and a power-off stays off until somebody switches it on", async () => {
  const boot = (): Promise<string> => out("tv", ["stat", "-c", "%Z", "/proc/1"]);
  const first = await boot();
  await exec("tv", ["sh", "-c", "sleep 1.1; systemctl reboot"]);
  let second = first;
  for (const end = Date.now() + 30_000; second === first && Date.now() < end;) {
    await new Promise((resolve) => setTimeout(resolve, 300));
    second = await boot().catch(() => first);
  }
  expect(second).not.toBe(first);
  await labOk(["up"]);
  await exec("tv", ["systemctl", "poweroff"]);
  const state = async (): Promise<string | undefined> =>
    (await status()).hosts.find(({ name }) => name === "tv")?.state;
  for (const end = Date.now() + 30_000; (await state()) !== "off" && Date.now() < end;)
    await new Promise((resolve) => setTimeout(resolve, 300));
  expect(await state()).toBe("off");
  expect((await exec("tv", ["true"])).stderr).toMatch(/is off; switch it on with/);
  await labOk(["on", "tv"]);
  expect(await state()).toBe("running");
}, 90_000);

test("a path that is cut drops both families both ways, and only that path; mending brings it back", async () => {
  await labOk(["cut", "home", "visitor"]);
  await labOk(["cut", "visitor", "home"]); // twice is once
  for (const family of [4, 6] as const) {
    expect(await probe("tv", "visitor", { family, timeout: 1 })).toMatchObject({ fate: "filtered" });
    expect(await probe("laptop", "visitor", { family })).toMatchObject({ fate: "accepted" });
  }
  await labOk(["mend", "home", "visitor"]);
  for (const family of [4, 6] as const)
    expect(await probe("tv", "visitor", { family })).toMatchObject({ fate: "accepted" });
  const lan = await lab(["cut", "home", "tv"]);
  expect([lan.code, lan.stderr]).toEqual([1, expect.stringMatching(/one LAN/)]);
}, 60_000);

test("a server of the cloud: user data, keys, routed /64, firewall in force, packages, reset", async () => {
  await removeServer(SERVER);
  const { id, ipv4, firewallId } = await makeServer(SERVER, [
    { direction: "in", protocol: "tcp", port: "22", source_ips: ["0.0.0.0/0", "::/0"] },
  ]);
  expect(await probe("visitor", SERVER, { port: 22 })).toMatchObject({ fate: "accepted", address: ipv4 });
  expect(await probe("visitor", SERVER, { port: 22, family: 6 })).toMatchObject({ fate: "accepted" });
  expect(await probe("visitor", SERVER, { port: 80, timeout: 1 })).toMatchObject({ fate: "filtered" });
  await hetzner(`/firewalls/${firewallId}/actions/set_rules`, "POST", { rules: [] });
  expect(await probe("visitor", SERVER, { port: 22, timeout: 1 })).toMatchObject({ fate: "filtered" });
  expect(await probe(SERVER, "visitor")).toMatchObject({ fate: "accepted" });
  await hetzner(`/firewalls/${firewallId}/actions/remove_from_resources`, "POST", {
    remove_from: [{ type: "server", server: { id } }],
  });
  expect(await probe("visitor", SERVER, { port: 80 })).toMatchObject({ fate: "refused" });
  // The whole /64 is routed to it, not only the address that it has.
  const second = (await status()).hosts.find(({ name }) => name === SERVER)!.ipv6!.replace(/::1$/, "::77");
  await out(SERVER, ["ip", "-6", "address", "add", `${second}/128`, "dev", "lo"]);
  expect(await probe("visitor", second)).toMatchObject({ fate: "accepted" });
  await labOk(["reset", SERVER]);
  expect(await probe("visitor", second, { timeout: 1 })).not.toMatchObject({ fate: "accepted" });
  await out(SERVER, ["apt-get", "update", "-q"]);
  await out(SERVER, ["apt-get", "install", "-y", "-q", "wireguard-tools"]);
  expect(await out(SERVER, ["wg", "--version"])).toContain("wireguard-tools");
  // What the lab builds itself: the program alone.
  await expect(out(SERVER, ["apt-get", "install", "-y", "-q", "step-ca"])).rejects.toThrow(/Unable to locate package/);
  const source = `deb [trusted=yes] ${STEP_CA_SOURCE.repository} debs main`;
  await out(SERVER, ["sh", "-c", `echo '${source}' >/etc/apt/sources.list.d/step-ca.list && apt-get update -q`]);
  await out(SERVER, ["apt-get", "install", "-y", "-q", "step-ca"]);
  expect(await out(SERVER, ["step-ca", "version"])).toContain("Smallstep CA/0.30.2 ");
  expect(await out(SERVER, ["dpkg", "-L", "step-ca"])).toBe("/.\n/usr\n/usr/bin\n/usr/bin/step-ca\n");
}, 180_000);

test("a restore brings back disks, servers that are gone, the cloud's and the names' state, and drops what came later", async () => {
  await removeServer("later");
  const kept = (await hetzner(`/servers?name=${SERVER}`)).servers;
  expect(kept).toHaveLength(1);
  await out("home", ["sh", "-c", "echo before > /root/self-test"]);
  await labOk(["snapshot", "self-test"]);
  await out("home", ["sh", "-c", "echo after > /root/self-test; rm /root/notes.txt"]);
  await removeServer(SERVER);
  await makeServer("later");
  await labOk(["restore", "self-test"]);
  expect(await out("home", ["cat", "/root/self-test"])).toBe("before\n");
  await out("home", ["rm", "/root/self-test"]);
  expect(await out("home", ["cat", "/root/notes.txt"])).toContain("drawer");
  expect((await status()).hosts.map(({ name }) => name)).toEqual(expect.arrayContaining([SERVER]));
  expect((await status()).hosts.map(({ name }) => name)).not.toContain("later");
  expect((await hetzner("/servers")).servers.map((server: { name: string }) => server.name)).toEqual(
    expect.arrayContaining([SERVER]),
  );
  expect(await probe("visitor", SERVER, { port: 22 })).toMatchObject({ fate: "accepted" });
  expect(
    (await probe("visitor", SERVICES.resolver.ipv4, { protocol: "dns", host: "www.intranet.example" })).seen["answers"],
  ).toHaveLength(1);
  const none = await lab(["restore", "no-such"]);
  expect([none.code, none.stderr]).toEqual([1, expect.stringMatching(/no snapshot no-such; there is .*self-test/)]);
}, 180_000);

test("the clouds' state survives a restart of their process", async () => {
  const before = (await hetzner("/servers")).servers;
  await labOk(["restart-clouds"]);
  expect((await hetzner("/servers")).servers).toEqual(before);
}, 60_000);

describe("the machine's own namespace", () => {
  /** Addresses, routes, mounts, named namespaces and control groups as the machine itself sees them. */
  const traces = async (): Promise<string[]> => {
    const looks = [
      ["ip", "-o", "address"],
      ["ip", "route"],
      ["ip", "-6", "route"],
      ["cat", "/proc/self/mounts"],
      ["find", "/sys/fs/cgroup", "-maxdepth", "4", "-path", "*pulumi-intranet-lab/self-other*"],
    ];
    const texts = await Promise.all(looks.map(async ([file, ...args]) => (await command(file!, args)).stdout));
    return [
      ...texts
        .join("\n")
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => line.replace(/valid_lft.*|expires.*/, "")),
      ...(existsSync("/run/netns") ? readdirSync("/run/netns") : []),
    ];
  };

  test("shows nothing of a running lab", async () => {
    // 192.0.2.0/24 is left out: a machine's own network may well be numbered out of it.
    const ours = /10\.20\.0\.|10\.99\.0\.|198\.51\.100\.|172\.31\.1\.|2001:db8:|\/run\/lab/;
    expect((await traces()).filter((line) => ours.test(line))).toEqual([]);
  });

  test("a lab that is ended leaves no process, control group, mount or file", async () => {
    const other = { ...process.env, LAB_NAME: "self-other" };
    const bin = (...args: string[]): Promise<{ stdout: string }> =>
      command("bin/lab", args, { env: other, maxBuffer: 1 << 24 });
    const processes = async (): Promise<string[]> =>
      (await command("ps", ["-eww", "-o", "args"])).stdout.split("\n").filter((line) => line.includes("self-other"));
    await bin("down");
    const before = await traces();
    await bin("up");
    expect((await processes()).length).toBeGreaterThan(0);
    const { operator } = JSON.parse((await bin("status", "--json")).stdout) as { operator: { key: string } };
    const directory = operator.key.replace(/\/operator\/.*$/, "");
    expect(existsSync(directory)).toBe(true);
    // Kept, it goes on where it ended.
    await bin("exec", "tv", "--", "touch", "/root/kept");
    await bin("down", "--keep");
    expect(await processes()).toEqual([]);
    await bin("up");
    await bin("exec", "tv", "--", "test", "-e", "/root/kept");
    await bin("down");
    expect(await processes()).toEqual([]);
    expect(existsSync(directory)).toBe(false);
    expect(await traces()).toEqual(before);
    expect((await status()).name).toBe(LAB_NAME); // side by side: this one goes on
  }, 120_000);
});
