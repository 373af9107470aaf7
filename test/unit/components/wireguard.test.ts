import * as pulumi from "@pulumi/pulumi";
import { spawnSync } from "node:child_process";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { renderDeviceConfiguration } from "../../../components/road-warrior/render";
import * as render from "../../../components/wireguard/render";
import { linkRole, deviceHubRole } from "../../../components/wireguard/roles";
import { TAKEN_OVER } from "../../../components/wireguard/take-over";
import type { WireGuardEnd } from "../../../components/wireguard/args";
import { fill } from "../../../host/resource/content";
import type { FileInputs } from "../../../host/resource/inputs";
import { checkShell, checkUnit, checkWgQuick, testWith, withFiles } from "./checkers";
import { PLAN } from "./fixtures";
import { expectGolden } from "./golden";

const link = PLAN.links.find((candidate) => candidate.b.host === "home")!;
const connection = { address: "unused", hostKeys: [] };
const a: WireGuardEnd = {
  connection,
  ...link.a,
  routes: [...link.a.routes],
  source: PLAN.hosts["vps"]!.identity,
  endpoint: { address: "198.51.100.1", port: link.a.listenPort! },
};
const b: WireGuardEnd = { connection, ...link.b, routes: [...link.b.routes], source: PLAN.hosts["home"]!.identity };
const keys = { privateKey: "unused", peerPublicKey: Buffer.alloc(32, 2).toString("base64") };
const devices = Object.entries(PLAN.devices).map(([name, addresses]) => ({
  name,
  publicKey: Buffer.from(name.padEnd(32)).toString("base64"),
  ...addresses,
}));

/** The files of a role by path as they go to the host, but for their secrets. */
async function filesOf(role: ReturnType<typeof linkRole>): Promise<Record<string, string>> {
  const resolved = pulumi.output(role.files ?? {}) as unknown as { promise(): Promise<Record<string, FileInputs>> };
  const files = Object.entries(await resolved.promise());
  return Object.fromEntries(files.map(([path, file]) => [path, fill({ content: file.content, values: file.values })]));
}

const deviceConfiguration = renderDeviceConfiguration({
  device: "laptop",
  privateKey: "{{private_key}}",
  ...PLAN.devices["laptop"]!,
  hub: { publicKey: "{{hub}}", address: "198.51.100.1", port: 51820 },
  allowedPrefixes: [PLAN.space.v4, PLAN.space.v6],
  dns: [],
  mtu: PLAN.deviceHub.mtu,
});

describe("a link", () => {
  test.each([
    ["hub", () => linkRole(a, b, link, keys), link.a.interface],
    ["site", () => linkRole(b, a, link, keys), link.b.interface],
  ])("the %s's files", async (end, role, name) => {
    const files = await filesOf(role());
    expectGolden(`wireguard/${end}.conf`, files[render.configPath(name)]!);
    expectGolden(`wireguard/${end}.up`, files[render.scriptPath(name)]!);
    expectGolden(`wireguard/${end}-drop-in.conf`, files[render.dropInPath(name)]!);
  });

  test("only the end that dials has a keepalive and a probe", async () => {
    expect(linkRole(a, b, link, keys).probes).toBeUndefined();
    expect(linkRole(b, a, link, keys).probes).toHaveLength(1);
    expect((await filesOf(linkRole(a, b, link, keys)))[render.configPath(a.interface)]).not.toContain(
      "PersistentKeepalive",
    );
  });

  test("nothing but a reload follows a changed peer, route or address", () => {
    for (const role of [linkRole(a, b, link, keys), linkRole(b, a, link, keys)]) {
      const [unit] = Object.values(role.units!);
      expect(unit!.reloadOn).toHaveLength(2);
      expect(unit!.restartOn).toBeUndefined();
    }
  });

  test("an IPv6 endpoint stands in brackets", async () => {
    const overV6 = { ...a, endpoint: { address: "2001:db8::1", port: 61234 } };
    const files = await filesOf(linkRole(b, overV6, link, keys));
    expect(files[render.configPath(b.interface)]).toContain("Endpoint = [2001:db8::1]:61234");
  });

  testWith("wg-quick", "wg and wg-quick read both ends, and refuse a bad key", async () => {
    for (const role of [linkRole(a, b, link, keys), linkRole(b, a, link, keys)]) {
      const text = Object.entries(await filesOf(role)).find(
        ([path]) => path.endsWith(".conf") && path.startsWith("/etc/wireguard"),
      )![1];
      expect(checkWgQuick(text)).toMatchObject({ code: 0 });
      expect(checkWgQuick(text).output).not.toMatch(/PostUp|Table|MTU/);
      expect(checkWgQuick(text.replace("{{private_key}}", "too-short")).code).not.toBe(0);
      expect(checkWgQuick(text.replace("0.0.0.0/0", "0.0.0.0/40")).code).not.toBe(0);
    }
  });

  describe("with another tunnel beside it", () => {
    const neighbour = (name: string, state = "Full"): string =>
      `10.31.0.9 \t  1\t${state}/PtP  \t18.2\t${name}   169.254.1.2\n`;
    const announced = (times: number): string =>
      `\n\trouter 10.31.0.1\n\t\tdistance 0\n\t\trouter 10.31.0.9 metric 10\n` +
      `\n\trouter 10.31.0.9\n\t\tdistance 10\n${"\t\trouter 10.31.0.1 metric 10\n".repeat(times)}`;
    /** Asks whether `lo`, which every machine has, has taken over, with what birdc says. */
    const ask = (neighbours: string, state: string, other = "lo"): { code: number | null; said: string } => {
      const birdc =
        'case "$*" in *status) echo "Router ID is 10.31.0.1";; *neighbors*) cat neighbours;; *state*) cat state;; esac';
      const content = { neighbours, state, "bin/birdc": `#!/bin/sh\n${birdc}\n`, "bin/sleep": "#!/bin/sh\n" };
      return withFiles(content, (folder) => {
        for (const program of ["birdc", "sleep"]) chmodSync(join(folder, "bin", program), 0o755);
        const env = { ...process.env, PATH: `${folder}/bin:${process.env["PATH"]}` };
        const asked = spawnSync("sh", ["-c", TAKEN_OVER, "probe", other], { cwd: folder, env, encoding: "utf8" });
        return { code: asked.status, said: asked.stdout + asked.stderr };
      });
    };

    test("it is deleted when both ends have each other there, too", () => {
      expect(linkRole(a, b, link, keys).beforeDelete).toBeUndefined();
      const [probe] = linkRole({ ...a, other: "wg-home-b" }, b, link, keys).beforeDelete!;
      expect(probe).toMatchObject({ command: ["sh", "-c", TAKEN_OVER, "probe", "wg-home-b"] });
      expect(checkShell(TAKEN_OVER)).toMatchObject({ code: 0 });
      const both = neighbour("wg-home") + neighbour("lo");
      expect(ask(both, announced(2))).toEqual({ code: 0, said: "" });
      expect(ask(neighbour("lo"), announced(1))).toEqual({ code: 0, said: "" });
      expect(ask("", "", "wg-no-such")).toEqual({ code: 0, said: "" });
    });

    test("and not while one of them has not", () => {
      const both = neighbour("wg-home") + neighbour("lo");
      expect(ask(both, announced(1))).toMatchObject({ code: 1, said: expect.stringMatching(/announces 1 ways/) });
      expect(ask(neighbour("wg-home"), announced(1))).toMatchObject({
        code: 1,
        said: expect.stringMatching(/no neighbour on lo yet/),
      });
      const half = neighbour("wg-home") + neighbour("lo", "Loading");
      expect(ask(half, announced(2))).toMatchObject({ code: 1, said: expect.stringMatching(/no neighbour on lo yet/) });
    });
  });

  testWith("sh", "the shell reads the scripts", async () => {
    for (const role of [linkRole(a, b, link, keys), linkRole(b, a, link, keys)]) {
      const script = Object.entries(await filesOf(role)).find(([path]) => path.endsWith(".up"))![1];
      expect(checkShell(script)).toMatchObject({ code: 0 });
    }
  });

  testWith("wg-quick", "systemd reads Debian's unit with what is added to it", () => {
    const files = { "wg-quick@wg-home.service.d/intranet.conf": render.renderDropIn("wg-home") };
    expect(checkUnit("wg-quick@wg-home.service", files).output).toBe("");
  });
});

describe("devices", () => {
  const args = { connection, ...PLAN.deviceHub, key: { privateKey: "unused" } as never, devices };

  test("the hub's files", async () => {
    const files = await filesOf(deviceHubRole(args));
    expectGolden("wireguard/devices.conf", files[render.configPath("wg-devices")]!);
    expectGolden("wireguard/devices.up", files[render.scriptPath("wg-devices")]!);
  });

  test("one more device is one more section, whatever the order in which they are written", async () => {
    const before = (await filesOf(deviceHubRole({ ...args, devices: [devices[1]!] })))[
      render.configPath("wg-devices")
    ]!;
    const after = (await filesOf(deviceHubRole({ ...args, devices: [devices[1]!, devices[0]!] })))[
      render.configPath("wg-devices")
    ]!;
    expect(after).toBe((await filesOf(deviceHubRole(args)))[render.configPath("wg-devices")]!);
    for (const line of before.split("\n")) expect(after).toContain(line);
  });

  test("a device's configuration", () => expectGolden("road-warrior/laptop.conf", deviceConfiguration));

  test("resolvers are named only where there are any, and an IPv6 hub stands in brackets", () => {
    expect(deviceConfiguration).not.toContain("DNS");
    const hub = { publicKey: "HUB", address: "2001:db8::1", port: 51820 };
    const text = renderDeviceConfiguration({
      device: "phone",
      privateKey: "KEY",
      ...PLAN.devices["phone"]!,
      hub,
      allowedPrefixes: ["10.16.0.0/12"],
      dns: ["10.31.240.1"],
      mtu: 1280,
    });
    expect(text).toContain("DNS = 10.31.240.1\n");
    expect(text).toContain("Endpoint = [2001:db8::1]:51820\n");
  });

  testWith("wg-quick", "wg-quick reads the device's and the hub's configuration", async () => {
    expect(checkWgQuick(deviceConfiguration)).toMatchObject({ code: 0 });
    expect(checkWgQuick((await filesOf(deviceHubRole(args)))[render.configPath("wg-devices")]!)).toMatchObject({
      code: 0,
    });
  });
});
