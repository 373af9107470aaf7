import { execFileSync } from "node:child_process";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import * as ipaddr from "ipaddr.js";
import { parse } from "yaml";
import {
  ACME,
  BLOG_PORT,
  FIXED_HOSTS,
  HOME,
  KEY_LABELS,
  MAIL_PORT,
  NEXTCLOUD_PORT,
  SERVICES,
  SITES,
  ZONE,
} from "../../../lab/constants";
import { firstAddress, metaData, networkConfig, seedServer } from "../../../lab/fabric/server-seed";
import { SERVER_IMAGES } from "../../../lab/fabric/servers";
import { networkFile, seedFiles, writeFiles } from "../../../lab/fabric/seeds";
import { derivePemKey, deriveSshKey } from "../../../lab/keys";
import type { ServerSpec } from "../../../lab/machines";
import { labFile } from "../../../lab/paths";
import { zoneKey } from "../../../lab/names/keys";
import { ROOT_SERVER } from "../../../lab/names/zones";

/** What the test reads of the stack's configuration. */
interface Configuration {
  "intranet:sshPublicKeys": string[];
  "intranet:sites": Record<
    string,
    { host: { address: string; hostKeys?: string[]; enrol?: boolean }; lan: string[]; underlayMtu?: number }
  >;
  "intranet:sinkhole": { image: string; management: { from: string[] } };
  "intranet:domain": string;
  "intranet:services": Record<string, { at: string; port: number }>;
  "intranet:links"?: { to: string; endpoint?: { address: string; port: number; sparePort?: number } }[];
  "intranet:dns"?: { rootServers: Record<string, string[]>; trustAnchors: string[] };
}

const directory = mkdtempSync(path.join(tmpdir(), "lab-seeds-"));
afterAll(() => rmSync(directory, { recursive: true }));

const SPEC: ServerSpec = {
  id: 7,
  name: "vps",
  image: "debian-13",
  userData: "#cloud-config\n",
  authorizedKeys: ["ssh-ed25519 AAAA a"],
  ipv4: "198.51.100.10",
  ipv6: "2001:db8:100:5::/64",
  serverType: "cx23",
};

describe("keys", () => {
  test("OpenSSH reads the derived private key, and finds the same public key in it", () => {
    for (const label of Object.values(KEY_LABELS)) {
      const file = path.join(directory, "key");
      const key = deriveSshKey(label, "somebody@lab");
      writeFileSync(file, key.privateKey, { mode: 0o600 });
      expect(execFileSync("ssh-keygen", ["-y", "-f", file]).toString().trim()).toBe(`${key.publicKey} somebody@lab`);
    }
  });

  test("the same label gives the same key, another gives another", () => {
    expect(deriveSshKey("operator")).toEqual(deriveSshKey("operator"));
    expect(deriveSshKey("operator").publicKey).not.toBe(deriveSshKey("operator ").publicKey);
  });
});

test("the certificate authority's own certificate is below the committed root, for decades, with the derived key", () => {
  const [root, server] = ["root", "server"].map(
    (name) => new X509Certificate(readFileSync(labFile(`files/acme/${name}.pem`))),
  );
  expect([root!.ca, root!.verify(root!.publicKey), server!.verify(root!.publicKey)]).toEqual([true, true, true]);
  expect(server!.checkPrivateKey(createPrivateKey(derivePemKey("acme directory")))).toBe(true);
  expect(server!.checkHost(ACME.name)).toBe(ACME.name);
  for (const address of Object.values(SERVICES.acme)) expect(server!.checkIP(address)).toBe(address);
  for (const { validFrom, validTo } of [root!, server!])
    expect([validFrom, validTo].map((date) => new Date(date).getUTCFullYear())).toEqual([2020, 2120]);
});

describe("the stack's configuration for the lab", () => {
  const file = path.join(__dirname, "../../../stacks/Pulumi.lab.yaml");
  const { config } = parse(readFileSync(file, "utf8")) as { config: Configuration };

  test("has the lab's keys, zone and image, and lets home in", () => {
    expect(config["intranet:sshPublicKeys"]).toEqual([deriveSshKey(KEY_LABELS.operator).publicKey]);
    expect(config["intranet:domain"]).toBe(ZONE);
    expect(config["intranet:sinkhole"].management.from).toEqual([`${HOME.wan.ipv4}/32`, HOME.delegated]);
    expect(SERVER_IMAGES).toContain(config["intranet:sinkhole"].image);
  });

  test.each(Object.entries(config["intranet:sites"]))("has the site %s as the lab has it", (name, site) => {
    const inLab = SITES.find((candidate) => candidate.name === name)!;
    const host = FIXED_HOSTS.find((candidate) => candidate.name === name)!;
    expect([site.host.address, site.lan]).toEqual([host.ipv4, [inLab.lan.ipv4Prefix]]);
    // Whose key is known beforehand is managed with it; all others are enrolled.
    const pinned = [deriveSshKey(`${name} host key`).publicKey];
    expect([site.host.hostKeys, site.host.enrol]).toEqual(
      host.managed === "key" ? [pinned, undefined] : [undefined, true],
    );
    expect(site.underlayMtu).toBe(inLab.narrow);
  });

  test("has services at the ports where they listen, and links to where a router forwards", () => {
    const { nextcloud, mail } = config["intranet:services"];
    expect(nextcloud).toMatchObject({ at: "home", port: NEXTCLOUD_PORT });
    if (mail) expect(mail).toMatchObject({ at: "office", port: MAIL_PORT });
    for (const { to, endpoint } of config["intranet:links"] ?? []) {
      if (!endpoint) continue;
      const { wan, forwards } = SITES.find((site) => site.name === to)!;
      expect(endpoint.address).toBe(wan.ipv4);
      const host = FIXED_HOSTS.find((candidate) => candidate.name === to)!.ipv4;
      expect(forwards).toEqual([endpoint.port, endpoint.sparePort].map((port) => ({ port, to: host })));
    }
  });

  test("starts from the lab's own root where it names a root", () => {
    const dns = config["intranet:dns"];
    if (!dns) return;
    const { ipv4, ipv6 } = SERVICES.authoritative;
    expect(dns.rootServers).toEqual({ [ROOT_SERVER]: [ipv4, ipv6] });
    expect(dns.trustAnchors).toEqual([`. ${zoneKey("").ds}`]);
  });
});

describe("servers", () => {
  test("the address is the first of the routed /64", () => {
    expect(firstAddress("2001:db8:100:5::/64")).toBe("2001:db8:100:5::1");
    expect(() => firstAddress("10.0.0.0/8")).toThrow(/no IPv6 network/);
  });

  test("the network has a /32 with an on-link gateway, a /64 with fe80::1, and the resolver", () => {
    expect(networkConfig(SPEC).ethernets.eth0).toEqual({
      dhcp4: false,
      dhcp6: false,
      "accept-ra": false,
      addresses: ["198.51.100.10/32", "2001:db8:100:5::1/64"],
      routes: [
        { to: "0.0.0.0/0", via: "172.31.1.1", "on-link": true },
        { to: "::/0", via: "fe80::1", "on-link": true },
      ],
      nameservers: { addresses: ["192.0.2.53", "2001:db8:0:1::53"] },
    });
    expect(networkConfig({ ipv6: "2001:db8:100:5::/64" }).ethernets.eth0).toMatchObject({
      addresses: ["2001:db8:100:5::1/64"],
      routes: [{ to: "::/0" }],
    });
  });

  test("a rebuilt disk is another instance to cloud-init", () => {
    expect(parse(metaData(SPEC, 1))).toEqual({
      "instance-id": "7-1",
      "local-hostname": "vps",
      "public-keys": ["ssh-ed25519 AAAA a"],
    });
    expect(parse(metaData(SPEC, 2))["instance-id"]).toBe("7-2");
  });

  test("user data may hold keys, so nobody but root reads the seed", () => {
    const root = path.join(directory, "server");
    seedServer(root, SPEC, 1);
    expect(statSync(path.join(root, "var/lib/cloud/seed/nocloud/user-data")).mode & 0o777).toBe(0o600);
  });
});

describe("fixed hosts", () => {
  test("addresses are unique, and those of a site are on its LAN and delegated to it", () => {
    const sites = SITES.flatMap(({ wan, delegated, lan }) => [wan.ipv4, delegated, lan.ipv4Prefix, lan.ipv6Prefix]);
    const all = [...sites, ...FIXED_HOSTS.flatMap(({ ipv4, ipv6 }) => (ipv6 ? [ipv4, ipv6] : [ipv4]))];
    expect(new Set(all).size).toBe(all.length);
    for (const { wan, delegated, lan } of SITES) {
      expect(ipaddr.IPv4.parse(wan.ipv4).match(ipaddr.IPv4.parseCIDR("198.51.100.128/25"))).toBe(true);
      for (const inside of [wan.ipv6, lan.ipv6Gateway])
        expect(ipaddr.IPv6.parse(inside).match(ipaddr.IPv6.parseCIDR(delegated))).toBe(true);
    }
    for (const host of FIXED_HOSTS) {
      const site = SITES.find(({ name }) => name === host.site);
      if (!site) continue;
      expect(ipaddr.parse(host.ipv4).match(ipaddr.parseCIDR(site.lan.ipv4Prefix) as never)).toBe(true);
      expect(ipaddr.parse(host.ipv6!).match(ipaddr.parseCIDR(site.lan.ipv6Prefix) as never)).toBe(true);
    }
  });

  test("the way out is the site's router, unless another is named, and on-link for who is directly on the Internet", () => {
    const file = (name: string): string => networkFile(FIXED_HOSTS.find((host) => host.name === name)!);
    expect(file("home")).toContain("Gateway=10.20.0.1\nGateway=2001:db8:a:1::1\n");
    expect(file("camera")).toContain("Gateway=10.30.0.10\nGateway=2001:db8:b:1::10\n");
    expect(file("visitor")).toContain("GatewayOnLink=yes");
    // Who has IPv4 alone has no address, gateway or resolver of the other family.
    expect(file("visitor4")).toContain("Address=198.51.100.151/32\n");
    expect(file("visitor4")).not.toMatch(/::/);
  });

  test("hosts to enrol have a host key of their own and nothing that lets the operator in", () => {
    const keys = ["cabin", "office", "attic"].map((name) => {
      const files = seedFiles(FIXED_HOSTS.find((host) => host.name === name)!);
      expect(Object.keys(files).filter((file) => /authorized_keys|sshd_config/.test(file))).toEqual([]);
      return files["etc/ssh/ssh_host_ed25519_key.pub"];
    });
    expect(new Set(keys).size).toBe(3);
    const mail = seedFiles(FIXED_HOSTS.find(({ name }) => name === "office")!)["etc/systemd/system/mail.service"];
    expect(mail).toContain(`peer.py ${MAIL_PORT}\n`);
  });

  test("home has files of its own, and a host key that only root reads", () => {
    const files = seedFiles(FIXED_HOSTS[0]!);
    for (const [name, port] of [
      ["nextcloud", NEXTCLOUD_PORT],
      ["blog", BLOG_PORT],
    ])
      expect(files[`etc/systemd/system/${name}.service`]).toContain(`/srv/${name}/app.py ${name} 127.0.0.1 ${port}\n`);
    for (const file of [
      "srv/nextcloud/app.py",
      "srv/blog/app.py",
      "etc/nftables.conf",
      "etc/sysctl.d/99-own.conf",
      "root/notes.txt",
    ])
      expect(files).toHaveProperty([file]);
    const root = path.join(directory, "home");
    writeFiles(root, files);
    expect(statSync(path.join(root, "etc/ssh/ssh_host_ed25519_key")).mode & 0o777).toBe(0o600);
    expect(statSync(path.join(root, "root/.ssh")).mode & 0o777).toBe(0o700);
    execFileSync("unshare", ["--net", "nft", "-c", "-f", path.join(root, "etc/nftables.conf")]);
  });
});
