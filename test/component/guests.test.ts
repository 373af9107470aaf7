/**
 * The sinkhole and its proxy alone: what their roles hold for public services, and what nothing published leaves as it
 * is.
 */
import type * as pulumi from "@pulumi/pulumi";
import * as components from "../../components";
import type { RoleInputs } from "../../host/resource/inputs";
import { HOST_KEY, spec } from "../unit/model/fixtures";
import { named, ofType, settled, startMocks, TYPES } from "./mocks";

jest.setTimeout(60_000);

const connection = { address: "10.20.0.10", hostKeys: [HOST_KEY] };
const domain = "intranet.example";
const wiki = { hostname: `wiki.${domain}`, address: "2001:db8:1:0:2::1", ports: [443], web: true };
const mail = { hostname: `mail-in.${domain}`, address: "2001:db8:1:0:2::2", ports: [8883], web: false };
const sinkhole: components.SinkholeArgs = {
  domain,
  space: { v4: "10.16.0.0/12", v6: "fd00:1:2::/48" },
  identity: { v4: "10.31.240.1", v6: "fd00:1:2:ffff::1" },
  ...spec().sinkhole,
  sshPublicKeys: [HOST_KEY],
  udpPorts: [51820],
};
const published = [
  { name: "wiki", place: { site: 2, service: 1 }, ports: [80, 443], guestPorts: [443] },
  { name: "mail-in", place: { site: 2, service: 2 }, ports: [8883], guestPorts: [8883] },
];

async function roles(make: () => unknown): Promise<Record<string, RoleInputs>> {
  await startMocks();
  make();
  await settled();
  return Object.fromEntries(ofType(TYPES.role).map(({ name, inputs }) => [name, inputs as unknown as RoleInputs]));
}

const proxy = (
  services: components.GuestService[],
  engine?: components.SniEngine,
): Promise<Record<string, RoleInputs>> =>
  roles(() => new components.SniProxy("front", { connection, domain, services, ...(engine ? { engine } : {}) }));

const NGINX = "/etc/nginx/nginx.conf";

describe("the proxy", () => {
  test("without services makes what a sinkhole alone makes of its page", async () => {
    const alone = await roles(() => new components.Sinkhole("front", sinkhole));
    const front = await proxy([]);
    expect(Object.keys(front).sort()).toEqual(["front-certificate", "front-page"]);
    for (const [name, role] of Object.entries(front)) {
      const { connection: _, machine: __, ...content } = role;
      expect(alone[name]).toMatchObject(content);
    }
    const own = await roles(() => new components.Sinkhole("front", { ...sinkhole, webServer: "own" }));
    expect(
      Object.keys(alone)
        .filter((name) => !(name in own))
        .sort(),
    ).toEqual(Object.keys(front).sort());
  });

  test("knows services by placeholders, each file by those that it holds", async () => {
    const front = await proxy([wiki, mail]);
    const page = front["front-page"]!;
    expect(page.files![NGINX]!.content).toContain("443:wiki.intranet.example [{{address_of_wiki}}]:443;");
    expect(page.files![NGINX]!.content).toContain("8883:mail-in.intranet.example [{{address_of_mail__in}}]:8883;");
    expect(page.files![NGINX]!.values).toEqual({ address_of_wiki: wiki.address, address_of_mail__in: mail.address });
    expect(page.packages).toEqual(["nginx", "libnginx-mod-stream"]);
    expect(page.ports).toEqual([
      ...[80, 443, 8883].map((port) => ({ protocol: "tcp", port })),
      { protocol: "tcp", port: 8403, address: "127.0.0.1" },
    ]);
    const back = front["front-way-back"]!.files!["/etc/intranet/guests.nft"]!;
    expect(back.content).toContain("{ {{address_of_wiki}} . 443, {{address_of_mail__in}} . 8883 }");
    expect(back.values).toEqual({ address_of_wiki: wiki.address, address_of_mail__in: mail.address });
  });

  test("snid takes the ports over in the same transaction, and nginx keeps the page", async () => {
    const binary = { url: "https://example.net/snid", sha256: "0".repeat(64) };
    const { units, files, ports } = (await proxy([wiki, mail], { kind: "snid", binary }))["front-page"]!;
    expect(Object.keys(units!)).toEqual(["intranet-snid-binary.service", "intranet-snid.service", "nginx.service"]);
    expect(files![NGINX]!.content).not.toMatch(/stream|listen 443|listen 127/);
    expect(files!["/etc/intranet/snid-hosts"]!.content).toContain("{{address_of_mail__in}} mail-in.intranet.example");
    expect(ports).toEqual([80, 443, 8883].map((port) => ({ protocol: "tcp", port })));
    const own = (await proxy([wiki], { kind: "snid", binary: { path: "/usr/local/bin/snid" } }))["front-page"]!;
    expect(Object.keys(own.units!)).toEqual(["intranet-snid.service", "nginx.service"]);
    expect(own.checks!.map(({ command }) => command[0])).toEqual(["nginx", "test"]);
  });

  test("below a sinkhole its roles are also known as the sinkhole's own", async () => {
    let parent: pulumi.Resource | undefined;
    const aliases = new Map<string, unknown>();
    const note: pulumi.ResourceTransformation = ({ name, type, opts }) => {
      if (type.endsWith("HostRole")) aliases.set(name, opts.aliases);
      return undefined;
    };
    await roles(() => {
      const own = new components.Sinkhole("s", { ...sinkhole, webServer: "own" }, { transformations: [note] });
      parent = own;
      return new components.SniProxy("s", { ...own.host, domain, services: [] }, { parent });
    });
    for (const name of ["s-certificate", "s-page"]) {
      const given = aliases.get(name) as { parent: unknown }[];
      expect(given).toHaveLength(1);
      expect(given[0]!.parent === parent).toBe(true);
    }
  });
});

describe("the sinkhole", () => {
  test("names services in its filter by placeholders, and opens their ports in the cloud's", async () => {
    const made = await roles(() => new components.Sinkhole("s", { ...sinkhole, published }));
    const rules = made["s-host-firewall"]!.files!["/etc/intranet/firewall.nft"]!;
    expect(rules.content).toContain(
      "{ {{address_of_wiki}} . 80, {{address_of_wiki}} . 443, {{address_of_mail__in}} . 8883 }",
    );
    expect(Object.keys(rules.values!).sort()).toEqual(["address_of_mail__in", "address_of_wiki", "public_network"]);
    const opened = named("s-firewall").inputs["rules"] as { protocol: string; port?: string }[];
    expect(opened.filter(({ protocol }) => protocol === "tcp").map(({ port }) => port)).toEqual([
      "22",
      "80",
      "443",
      "8883",
    ]);
    expect(made["s-delivery"]).toBeUndefined();
  });

  test("answers for services where the cloud asks for each address", async () => {
    const made = await roles(() => new components.Sinkhole("s", { ...sinkhole, published, delivery: "on-link" }));
    const script = made["s-delivery"]!.files!["/etc/intranet/delivery"]!;
    expect(script.content).toContain("\t\tproxy {{address_of_wiki}}\n\t\tproxy {{address_of_mail__in}}\n");
    expect(Object.keys(script.values!).sort()).toEqual(["address_of_mail__in", "address_of_wiki"]);
    const idle = await roles(() => new components.Sinkhole("s", { ...sinkhole, delivery: "on-link" }));
    expect(idle["s-delivery"]).toBeUndefined();
  });
});
