import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { parse } from "yaml";
import { FIXED_HOSTS, HOME, KEY_LABELS, NEXTCLOUD_PORT, ZONE } from "../../../lab/constants";
import { firstAddress, metaData, networkConfig, seedServer } from "../../../lab/fabric/server-seed";
import { SERVER_IMAGES } from "../../../lab/fabric/servers";
import { networkFile, seedFiles, writeFiles } from "../../../lab/fabric/seeds";
import { deriveSshKey } from "../../../lab/keys";
import type { ServerSpec } from "../../../lab/machines";

/** What the test reads of the stack's configuration. */
interface Configuration {
  "intranet:sshPublicKeys": string[];
  "intranet:sites": { home: { host: { address: string; hostKeys: string[] }; lan: string[] } };
  "intranet:sinkhole": { image: string; management: { from: string[] } };
  "intranet:domain": string;
  "intranet:services": { nextcloud: { port: number } };
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

  test("the stack's configuration for the lab pins these keys and agrees with the lab's addresses", () => {
    const file = path.join(__dirname, "../../../stacks/Pulumi.lab.yaml");
    const { config } = parse(readFileSync(file, "utf8")) as { config: Configuration };
    expect(config["intranet:sshPublicKeys"]).toEqual([deriveSshKey(KEY_LABELS.operator).publicKey]);
    const { host, lan } = config["intranet:sites"].home;
    expect(host.hostKeys).toEqual([deriveSshKey(KEY_LABELS.homeHostKey).publicKey]);
    expect([host.address, lan]).toEqual([FIXED_HOSTS[0]!.ipv4, [HOME.lan.ipv4Prefix]]);
    expect(config["intranet:sinkhole"].management.from).toEqual([`${HOME.wan.ipv4}/32`, HOME.delegated]);
    expect([config["intranet:domain"], config["intranet:services"].nextcloud.port]).toEqual([ZONE, NEXTCLOUD_PORT]);
    expect(SERVER_IMAGES).toContain(config["intranet:sinkhole"].image);
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
  test("addresses are unique, and those of a site are on its LAN", () => {
    const all = FIXED_HOSTS.flatMap(({ ipv4, ipv6 }) => [ipv4, ipv6]);
    expect(new Set(all).size).toBe(all.length);
    for (const host of FIXED_HOSTS.filter(({ site }) => site === "home")) {
      expect(host.ipv4.startsWith("10.20.0.")).toBe(true);
      expect(networkFile(host)).toContain(`Gateway=${HOME.lan.ipv4Gateway}\n`);
    }
    expect(networkFile(FIXED_HOSTS.find(({ name }) => name === "visitor")!)).toContain("GatewayOnLink=yes");
  });

  test("home has files of its own, and a host key that only root reads", () => {
    const files = seedFiles(FIXED_HOSTS[0]!);
    for (const file of ["srv/nextcloud/app.py", "etc/nftables.conf", "etc/sysctl.d/99-own.conf", "root/notes.txt"])
      expect(files).toHaveProperty([file]);
    const root = path.join(directory, "home");
    writeFiles(root, files);
    expect(statSync(path.join(root, "etc/ssh/ssh_host_ed25519_key")).mode & 0o777).toBe(0o600);
    expect(statSync(path.join(root, "root/.ssh")).mode & 0o777).toBe(0o700);
    execFileSync("unshare", ["--net", "nft", "-c", "-f", path.join(root, "etc/nftables.conf")]);
  });
});
