import * as pulumi from "@pulumi/pulumi";
import { Intranet, type HostReference, type IntranetArgs } from "../../components";
import { md5Fingerprint, parseOpenSshPublicKey, ValidationError } from "../../model";
import { HOST_KEY, site, spec } from "../unit/model/fixtures";
import {
  named,
  ofType,
  publicKeyOf,
  registered,
  settled,
  sshKeyOf,
  startMocks,
  TYPES,
  valueOf,
  world,
  type Registered,
} from "./mocks";

jest.setTimeout(30_000); // on a busy machine

/** The key by which the engine's protocol marks a special value; this one's value is a secret's mark. */
const SECRET = "4dabf18193072939515e22adb298388d";

/** Options of every resource as the SDK is given them; the mocks' monitor does not see them. */
const options = new Map<string, pulumi.CustomResourceOptions>();

function args(more: Partial<IntranetArgs> = {}): IntranetArgs {
  return { ...spec(), sshPublicKeys: [HOST_KEY], ...more };
}

/** Makes an intranet in a world of its own and waits for it. */
async function make(more: Partial<IntranetArgs> = {}, before: () => void = () => undefined): Promise<Intranet> {
  await startMocks();
  before();
  options.clear();
  const note: pulumi.ResourceTransformation = ({ name, opts }) => {
    options.set(name, opts);
    return undefined;
  };
  const net = new Intranet("home", args(more), { transformations: [note] });
  await settled();
  return net;
}

/** The value of a secret, as the mocks' monitor is sent it. */
const unwrap = (value: unknown): unknown =>
  typeof value === "object" && value !== null && SECRET in value ? (value as { value?: unknown }).value : value;
const files = (
  role: Registered,
): Record<
  string,
  { content: string; secrets?: Record<string, unknown>; values?: Record<string, string>; mode?: string }
> => unwrap(role.inputs["files"]) as never;
const role = (name: string): Registered => ofType(TYPES.role).find((resource) => resource.name === name) ?? named(name);
const dependencies = async (name: string): Promise<string[]> => {
  const given = (await valueOf(pulumi.output(options.get(name)!.dependsOn as never))).value as unknown as
    pulumi.Resource | pulumi.Resource[];
  return Promise.all([given].flat().map(async (resource) => (await valueOf(resource.urn)).value.split("::").pop()!));
};

describe("an intranet", () => {
  test("is made of these resources", async () => {
    await make();
    expect(registered.map((resource) => `${resource.type} ${resource.name}`).sort()).toMatchSnapshot();
  });

  test("names every child after its parent", async () => {
    await make();
    for (const [name, opts] of options) {
      if (!opts.parent) continue;
      const parent = (await valueOf(opts.parent.urn)).value.split("::").pop()!;
      if (parent.startsWith("intranet-test")) continue;
      expect(`${name} of ${parent}`).toBe(`${parent}${name.slice(parent.length)} of ${parent}`);
    }
  });

  test("gives every resource but the outermost a parent", async () => {
    await make();
    const orphans = registered.filter(
      (resource) => resource.type !== "pulumi:pulumi:Stack" && !options.get(resource.name)?.parent,
    );
    expect(orphans.map((resource) => resource.name)).toEqual(["home"]);
  });

  test("refuses a bad description before anything is registered", async () => {
    await startMocks();
    expect(() => new Intranet("home", args({ domain: "nowhere" }))).toThrow(ValidationError);
    await settled();
    expect(registered.filter((resource) => resource.type !== "pulumi:pulumi:Stack")).toEqual([]);
  });

  test("registers nothing anew and changes a name, a virtual host and its certificate's probe when a service is added", async () => {
    await make();
    const before = new Map(registered.map((resource) => [resource.name, JSON.stringify(resource.inputs)]));
    const lines = (name: string, path: string): string[] => files(role(name))[path]!.content.split("\n");
    const [caddy, zone] = ["/etc/caddy/Caddyfile", "/etc/bind/intranet/intranet.example.zone"];
    const old = [...lines("home-proxy-home-caddy", caddy), ...lines("home-names-home", zone)];
    await make({ services: { ...spec().services, wiki: { at: "home", port: 8081 } } });
    const changed = registered.filter((resource) => before.get(resource.name) !== JSON.stringify(resource.inputs));
    expect(changed.map((resource) => resource.name).sort()).toEqual(["home-names-home", "home-proxy-home-caddy"]);
    expect(lines("home-proxy-home-caddy", caddy).filter((line) => !old.includes(line))).toEqual([
      "https://wiki.intranet.example {",
      "\treverse_proxy localhost:8081 {",
      "http://wiki.intranet.example {",
    ]);
    expect(lines("home-names-home", zone).filter((line) => !old.includes(line))).toEqual([
      "wiki\t\tIN\tA\t10.31.244.140",
    ]);
    const { probes } = role("home-proxy-home-caddy").inputs as { probes: object[] };
    expect(probes).toContainEqual(
      expect.objectContaining({ tls: expect.objectContaining({ name: "wiki.intranet.example" }) }),
    );
  });

  test("touches nothing of one site when another is added, but its hub's openings and neighbours", async () => {
    await make();
    const before = new Map(registered.map((resource) => [resource.name, JSON.stringify(resource.inputs)]));
    await make({ sites: { ...spec().sites, cabin: site(1) } });
    const changed = registered.filter(
      (resource) => before.has(resource.name) && before.get(resource.name) !== JSON.stringify(resource.inputs),
    );
    expect(changed.map((resource) => resource.name).sort()).toEqual([
      "home-ospf-vps-bird",
      "home-sinkhole-firewall",
      "home-sinkhole-host-firewall",
    ]);
  });

  test("hands out devices' configurations as secrets, with QR codes", async () => {
    const net = await make();
    const { value, secret } = await valueOf(net.devices);
    expect(secret).toBe(true);
    expect(value["laptop"]!.configuration).toContain("PrivateKey = PRIVATE-home-device-laptop-key");
    expect(value["laptop"]!.qrSvg).toMatch(/^<svg/);
    expect(value["laptop"]!.qrTerminal).toMatch(/[▀▄█]/);
  });

  test("shows what there is by name, without a secret; a service more changes no other key", async () => {
    const net = await make();
    const { value, secret } = await valueOf(pulumi.output(net.inventory));
    expect(secret).toBe(false);
    expect(Object.entries(value).map(([kind, named]) => [kind, Object.keys(named)])).toEqual([
      ["sinkhole", ["vps"]],
      ["sites", ["home"]],
      ["services", ["nextcloud"]],
      ["devices", ["laptop"]],
    ]);
    const more = await make({ services: { alpha: { at: "home", port: 1 }, nextcloud: { at: "home", port: 8080 } } });
    const after = (await valueOf(pulumi.output(more.inventory))).value;
    expect(after).toEqual({ ...value, services: { ...value.services, alpha: expect.anything() } });
    const added = Object.keys(more.openings).filter((key) => !(key in net.openings));
    expect(added).toEqual(["inside → alpha at home: tcp 80, 443"]);
    expect(more.openings).toMatchObject(net.openings);
  });

  test("hands its hosts to other stacks: each one's way, without a secret", async () => {
    const net = await make();
    const { value, secret } = await valueOf(pulumi.all(net.hosts as Record<string, pulumi.Output<HostReference>>));
    expect(secret).toBe(false);
    expect(Object.keys(value).sort()).toEqual(["home", "vps"]);
    expect(value["vps"]).toMatchObject({ connection: { name: "vps" }, machine: expect.any(String) });
    expect(value["home"]).toMatchObject({ connection: { name: "home", hostKeys: [expect.stringMatching(/^ssh-/)] } });
    expect(JSON.stringify(value)).not.toContain("PRIVATE");
  });

  test("shows what runs where without a secret", async () => {
    const net = await make();
    const { value, secret } = await valueOf(net.summary);
    expect(secret).toBe(false);
    expect(value.map((row) => `${row.kind} ${row.what}`)).toEqual([
      "sinkhole vps",
      "site home",
      "service nextcloud",
      "device laptop",
    ]);
  });
});

describe("a link's next keys", () => {
  const HUB_LINK = { from: "home", to: "vps" };
  const versions = async (keyVersion: number, more: object = {}): Promise<Record<string, Registered>> => {
    await make({ links: [{ ...HUB_LINK, keyVersion, ...more }] });
    return Object.fromEntries(registered.map((resource) => [resource.name, resource]));
  };

  test("come with a second tunnel: resources of its own, and the first one's are gone", async () => {
    const [first, second, third] = [await versions(1), await versions(2), await versions(3)];
    const own = (made: object, other: object): string[] => Object.keys(made).filter((name) => !(name in other));
    const parts = ["", "-a", "-b", "-keys"];
    expect(own(second, first).sort()).toEqual(parts.map((part) => `home-second-link-home${part}`));
    expect(own(first, second).sort()).toEqual(parts.map((part) => `home-link-home${part}`));
    expect(Object.keys(third)).toEqual(Object.keys(first));
    const key = second["home-second-link-home-keys"]!.inputs;
    expect(key).toMatchObject({ keyVersion: 2, fixed: expect.stringMatching(/Raise keyVersion by one at a time/) });
    expect(second["home-ospf-key-vps-home"]!.inputs).toMatchObject({ keyVersion: 2 });
  });

  test("are in BIRD's configuration beside those before, which cost one more", async () => {
    await versions(2);
    const { content, secrets } = files(role("home-ospf-home-bird"))["/etc/bird/bird.conf"]!;
    const costs = [...content.matchAll(/interface "(\S+)" \{.*\n.*\n\t+cost (\d+);/g)].map(([, ...found]) =>
      found.join(" "),
    );
    expect(costs).toEqual(["wg-vps-b 10", "wg-vps 11", "wg-vps-b 10", "wg-vps 11"]);
    const values = Object.fromEntries(Object.entries(secrets!).map(([name, value]) => [name, unwrap(value)]));
    const value = "SHARED-SECRET-home-ospf-key-vps-home";
    expect(values).toEqual({ ospf_wg_vps_b: value, ospf_wg_vps: `${value}-before` });
  });

  test("each end is deleted only after the other tunnel has taken over", async () => {
    const made = await versions(2);
    for (const [end, other] of [
      ["a", "wg-home"],
      ["b", "wg-vps"],
    ] as const) {
      const { beforeDelete } = made[`home-second-link-home-${end}`]!.inputs as {
        beforeDelete: { command: string[] }[];
      };
      expect(beforeDelete.map(({ command }) => command.at(-1))).toEqual([other]);
    }
  });

  test("change nothing at the hub's firewalls", async () => {
    const [first, second] = [await versions(1), await versions(2)];
    for (const name of ["home-sinkhole-firewall", "home-sinkhole-host-firewall"])
      expect(second[name]!.inputs).toEqual(first[name]!.inputs);
  });
});

describe("secrets", () => {
  test("reach a host by placeholder, never in a file's content", async () => {
    await make();
    for (const resource of ofType(TYPES.role)) {
      for (const file of Object.values(files(resource))) expect(file.content).not.toContain("PRIVATE-");
    }
    const tunnel = files(role("home-link-home-a"))["/etc/wireguard/wg-home.conf"]!;
    expect(tunnel.content).toContain("PrivateKey = {{private_key}}");
    expect(tunnel.content).toContain("PublicKey = {{peer_public_key}}");
    expect(tunnel.values).toEqual({ peer_public_key: publicKeyOf("home-link-home-keys-b") });
    expect(tunnel.mode).toBe("0600");
  });

  test("in the user data make it a secret", async () => {
    await make();
    const userData = named("home-sinkhole-server").inputs["userData"] as Record<string, unknown>;
    expect(userData[SECRET]).toBe("1b47061264138c4ac30d75fd1eb44270");
    expect(String(userData["value"])).toMatch(/^#cloud-config\n[^]*PRIVATE-HOST-KEY/);
  });
});

describe("the sinkhole", () => {
  test("is protected, its addresses too, unless told otherwise", async () => {
    await make();
    for (const name of ["home-sinkhole-server", "home-sinkhole-ipv4", "home-sinkhole-ipv6"]) {
      expect(options.get(name)!.protect).toBe(true);
      expect(named(name).inputs["deleteProtection"]).toBe(true);
    }
    await make({ protect: false });
    expect(options.get("home-sinkhole-server")!.protect).toBe(false);
    expect(named("home-sinkhole-server").inputs).toMatchObject({ deleteProtection: false, rebuildProtection: false });
  });

  test("keeps its addresses when the server goes, and its server when keys change", async () => {
    await make();
    expect(named("home-sinkhole-ipv4").inputs).toMatchObject({ autoDelete: false, location: "fsn1" });
    expect(options.get("home-sinkhole-server")!.ignoreChanges).toEqual(["userData", "sshKeys"]);
    expect(named("home-sinkhole-server").inputs["firewallIds"]).toHaveLength(1);
  });

  test("opens what it must in front of the server, and no more", async () => {
    await make();
    const rules = named("home-sinkhole-firewall").inputs["rules"] as {
      protocol: string;
      port?: string;
      sourceIps: string[];
    }[];
    expect(rules.map((rule) => `${rule.protocol} ${rule.port ?? "-"} ${rule.sourceIps.join(",")}`)).toEqual([
      "tcp 22 198.51.100.7/32",
      "tcp 80 0.0.0.0/0,::/0",
      "tcp 443 0.0.0.0/0,::/0",
      "udp 22164 0.0.0.0/0,::/0",
      "udp 51820 0.0.0.0/0,::/0",
      "udp 62164 0.0.0.0/0,::/0",
      "icmp - 0.0.0.0/0,::/0",
    ]);
  });

  test("names both addresses after the host", async () => {
    await make();
    for (const [name, ipAddress] of [
      ["home-sinkhole-rdns-ipv4", "198.51.100.10"],
      ["home-sinkhole-rdns-ipv6", "2001:db8:100:1::1"],
    ]) {
      expect(named(name!).inputs).toMatchObject({ dnsPtr: "vps.intranet.example", ipAddress });
    }
  });

  test("brings the operator's key, or uses one that the project has", async () => {
    const fingerprint = md5Fingerprint(parseOpenSshPublicKey(HOST_KEY)!);
    await make();
    expect(ofType("hcloud:index/sshKey:SshKey")).toHaveLength(1);
    const { labels } = ofType("hcloud:index/sshKey:SshKey")[0]!.inputs as { labels: Record<string, string> };

    const other = { id: 7, name: "me", fingerprint, labels: {}, publicKey: HOST_KEY };
    await make({}, () => void (world.sshKeys = [other]));
    expect(ofType("hcloud:index/sshKey:SshKey")).toHaveLength(0);
    expect(named("home-sinkhole-server").inputs["sshKeys"]).toEqual(["7"]);

    await make({}, () => void (world.sshKeys = [{ ...other, labels }]));
    expect(ofType("hcloud:index/sshKey:SshKey")).toHaveLength(1);
  });

  test("pins the first host key for the first boot and the one after it for all else, and stores no login key", async () => {
    await make();
    const [FIRST_KEY, KEY] = ["first-host-key", "host-key"].map((key) => sshKeyOf(`home-sinkhole-${key}`));
    const { value } = named("home-sinkhole-first-boot").inputs["connection"] as { value: Record<string, unknown> };
    expect(value).toMatchObject({ host: "198.51.100.10", user: "root", hostKey: FIRST_KEY });
    expect(value["privateKey"]).toBeUndefined();
    expect(value["password"]).toBeUndefined();
    for (const { name, inputs } of ofType(TYPES.role)) {
      const { address, hostKeys } = inputs["connection"] as { address: string; hostKeys: string[] };
      if (address === "198.51.100.10") expect({ name, hostKeys }).toEqual({ name, hostKeys: [KEY] });
      const installs = name === "home-sinkhole-ssh" ? { first: [FIRST_KEY] } : undefined;
      expect({ name, installs: inputs["installsHostKey"] }).toEqual({ name, installs });
    }
    expect(JSON.stringify(named("home-sinkhole-server").inputs["userData"])).not.toContain(KEY!);
  });
});

describe("order", () => {
  test("roles on the sinkhole go with its server and are made anew with it; a site's are not", async () => {
    await make();
    const server = named("home-sinkhole-server");
    for (const { name, inputs } of ofType(TYPES.role)) {
      const { deletedWith } = options.get(name)!;
      const onHub = (inputs["connection"] as { address: string }).address === "198.51.100.10";
      expect({
        name,
        gone: deletedWith ? (await valueOf(deletedWith.urn)).value.endsWith(server.name) : false,
      }).toEqual({ name, gone: onHub });
      expect({ name, machine: inputs["machine"] !== undefined }).toEqual({ name, machine: onHub });
    }
  });

  test("on the sinkhole its host key comes first, after the first boot, then its firewall, and then all else", async () => {
    await make();
    expect(await dependencies("home-sinkhole-ssh")).toEqual(["home-sinkhole-first-boot"]);
    expect(await dependencies("home-sinkhole-host-firewall")).toEqual(["home-sinkhole-ssh"]);
    for (const name of [
      "home-sinkhole-identity-addresses",
      "home-sinkhole-certificate",
      "home-link-home-a",
      "home-devices-interface",
    ]) {
      expect(await dependencies(name)).toContain("home-sinkhole-host-firewall");
    }
  });

  test("a site's end of a tunnel waits for the hub's end and for its identity, so it is deleted first", async () => {
    await make();
    expect(await dependencies("home-link-home-b")).toEqual(
      expect.arrayContaining(["home-link-home-a", "home-site-home-addresses"]),
    );
    expect(await dependencies("home-proxy-home-caddy")).toContain("home-site-home-addresses");
  });
});

test("what comes from configuration is refused by shape and rule, all of it at once, with every argument that is known", async () => {
  await startMocks();
  const given = { ...args(), sshPublicKeys: "ssh-ed25519 AAAA", zone: 7, caa: "letsencrypt.org", protect: "yes" };
  const attempt = () => new Intranet("home", { ...given, servcies: {}, sites: undefined, guests: "snid" } as never);
  expect(attempt).toThrow(ValidationError);
  for (const path of ["sshPublicKeys", "zone", "caa", "protect", "guests", "sites"])
    expect(attempt).toThrow(new RegExp(`- ${path}: must be`));
  expect(attempt).toThrow(
    /servcies: is not known here.*\n.*known are domain, .*sshPublicKeys, zone, protect, caa, guests/,
  );
  expect(() => new Intranet("home", { ...args(), sshPublicKeys: undefined } as never)).toThrow(/add sshPublicKeys/);
  expect(registered).toEqual([]);
});

test("a host whose LAN lies beside the space offers names, certificates and services at its identity alone", async () => {
  const home = site(0, { lan: ["192.168.178.0/24"] });
  await make({ sites: { home: { ...home, host: { ...home.host, address: "192.168.178.20" } } } });
  const roles = registered.filter(({ type }) => type.endsWith("HostRole"));
  expect(roles.map(({ inputs }) => inputs["role"])).toEqual(expect.arrayContaining(["internal-dns", "reverse-proxy"]));
  for (const { inputs } of roles) expect(JSON.stringify(inputs["files"] ?? {})).not.toContain("192.168.178");
});
