import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { parse } from "yaml";
import { renderSinkholeRules } from "../../../components/sinkhole/firewall";
import { renderNginxConfig } from "../../../components/denied-page/nginx";
import * as page from "../../../components/denied-page/page";
import { OWN_ADDRESS_ONLY, renderUserData } from "../../../components/sinkhole/user-data";
import { checkNft, checkNginx, checkUnit, testWith, withFiles } from "./checkers";
import { PLAN } from "./fixtures";
import { expectGolden } from "./golden";

const firewall = {
  space: PLAN.space,
  deviceInterface: PLAN.deviceHub.interface,
  management: { v4: [], v6: [] },
  devicesReachEachOther: false,
  udpPorts: [PLAN.deviceHub.listenPort, ...PLAN.links.map((link) => link.a.listenPort!)],
};
/** Operators inside, and devices that reach each other. */
const asked = {
  ...firewall,
  management: { v4: ["10.20.0.0/24"], v6: ["fd71:47d2:79d7:1::/64"] },
  devicesReachEachOther: true,
};
const units = {
  [page.CERTIFICATE_UNIT]: page.renderCertificateUnit(),
  "nginx.service.d/intranet.conf": page.renderNginxDropIn(),
};

describe("the sinkhole's firewall", () => {
  test.each([
    ["both families", firewall, "sinkhole/firewall.nft"],
    ["no tunnels yet", { ...firewall, udpPorts: [] }, "sinkhole/firewall-no-tunnels.nft"],
    ["what may be asked for", asked, "sinkhole/firewall-asked.nft"],
  ])("%s", (_case, args, golden) => expectGolden(golden, renderSinkholeRules(args)));

  testWith("nft", "nft reads all of them", () => {
    for (const args of [firewall, asked, { ...firewall, udpPorts: [] }]) {
      expect(checkNft(renderSinkholeRules(args))).toMatchObject({ code: 0 });
    }
  });

  test("drops the space from outside before it looks at connections", () => {
    const rules = renderSinkholeRules(firewall);
    expect(rules.indexOf(`ip daddr ${PLAN.space.v4} drop`)).toBeLessThan(rules.indexOf("ct state vmap"));
    expect(rules.indexOf("goto tunnels")).toBeLessThan(rules.indexOf(`ip daddr ${PLAN.space.v4} drop`));
  });
});

describe("packets through the sinkhole's firewall", () => {
  /** Sends the packets of sinkhole-packets.py through the rules, or through none: which of them arrived. */
  const arrived = (rules: string | undefined): Record<string, boolean> =>
    withFiles({ "rules.nft": rules ?? "" }, (folder) => {
      const argument = rules === undefined ? "none" : join(folder, "rules.nft");
      const script = join(__dirname, "sinkhole-packets.py");
      const result = spawnSync("unshare", ["--net", "--mount", "python3", "-B", script, argument], {
        encoding: "utf8",
      });
      expect(result.stderr).toBe("");
      return JSON.parse(result.stdout) as Record<string, boolean>;
    });

  testWith(
    "nft",
    "routing is spoken on links alone, and by nobody further away; a way back may be another link's, but no device's",
    () => {
      const passed = arrived(renderSinkholeRules(firewall));
      expect(Object.keys(passed).filter((what) => passed[what])).toEqual([
        "ospf from a link",
        "ospf from a link, over IPv6",
        "bfd from a link",
        "to a site, by another link than the way back",
        "to a site, from a device",
        "to a device, from a site",
      ]);
      const reaching = arrived(renderSinkholeRules({ ...firewall, devicesReachEachOther: true }));
      expect(Object.keys(reaching).filter((what) => reaching[what] !== passed[what])).toEqual([
        "to a device, from a device",
      ]);
      const control = arrived(undefined);
      expect(Object.keys(control)).toEqual(Object.keys(passed));
      expect(Object.values(control)).not.toContain(false);
    },
  );
});

describe("the denied page", () => {
  test("page, server, certificate and order of start", () => {
    expectGolden("sinkhole/denied.html", page.renderDeniedPage());
    expectGolden("sinkhole/nginx.conf", renderNginxConfig());
    expectGolden("sinkhole/intranet-denied-certificate.service", units[page.CERTIFICATE_UNIT]!);
    expectGolden("sinkhole/nginx-drop-in.conf", page.renderNginxDropIn());
  });

  test("loads nothing from elsewhere and runs nothing", () => {
    expect(page.renderDeniedPage()).not.toMatch(/https?:|<script|<img|<link|url\(/);
  });

  testWith("nginx", "nginx reads its configuration, and refuses a broken one", () => {
    expect(checkNginx(renderNginxConfig)).toMatchObject({ code: 0 });
    expect(checkNginx((paths) => renderNginxConfig(paths).replace("return 403;", "retrun 403;")).code).not.toBe(0);
  });

  testWith("systemd-analyze", "systemd reads the certificate's unit, and complains of a broken one", () => {
    expect(checkUnit(page.CERTIFICATE_UNIT, units).output).toBe("");
    const broken = { [page.CERTIFICATE_UNIT]: units[page.CERTIFICATE_UNIT]!.replace("Type=oneshot", "Tpye=oneshot") };
    expect(checkUnit(page.CERTIFICATE_UNIT, broken).output).toContain("Tpye");
  });

  testWith("nginx", "systemd reads nginx's unit with what is added to it", () => {
    expect(checkUnit("/lib/systemd/system/nginx.service", units).output).toBe("");
  });
});

describe("the user data", () => {
  const key = {
    privateKey: "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
    publicKey: "ssh-ed25519 AAAA\n",
  };

  test("is a cloud-config that any YAML parser reads", () => {
    const text = renderUserData(key);
    expect(text.startsWith("#cloud-config\n")).toBe(true);
    expect(parse(text)).toEqual({
      disable_root: false,
      ssh_pwauth: false,
      ssh_deletekeys: true,
      ssh_keys: { ed25519_private: key.privateKey, ed25519_public: "ssh-ed25519 AAAA" },
      package_update: false,
      package_upgrade: false,
      bootcmd: [
        [
          "cloud-init-per",
          "once",
          "intranet-network",
          "sh",
          "-c",
          expect.stringMatching(/^set -eu\n/),
          "sh",
          OWN_ADDRESS_ONLY,
        ],
      ],
      write_files: [
        {
          path: "/etc/cloud/cloud.cfg.d/99-intranet-network.cfg",
          content: "network: {config: disabled}\n",
          permissions: "0644",
        },
      ],
    });
  });

  test.each([
    ['- "2001:db8:1:2::1/64"', '- "2001:db8:1:2::1/128"'],
    ["    address 2a01:4f8:c2c:123f::1/64", "    address 2a01:4f8:c2c:123f::1/128"],
    ["Address=2001:db8::1/64", "Address=2001:db8::1/128"],
    ["- 2001:db8:1:2::1/64 # eth0", "- 2001:db8:1:2::1/128 # eth0"],
    // What is no server's own address out of a /64 stays.
    ["- 198.51.100.10/32", "- 198.51.100.10/32"],
    ["- 2001:db8:1:2::11/64", "- 2001:db8:1:2::11/64"],
    ["- 2001:db8:1:2::1/640", "- 2001:db8:1:2::1/640"],
    ["via: fe80::1", "via: fe80::1"],
  ])("its own address is not the whole network: %s", (line, expected) => {
    const { stdout, status } = spawnSync("sed", ["-E", OWN_ADDRESS_ONLY], { input: `${line}\n`, encoding: "utf8" });
    expect([status, stdout]).toEqual([0, `${expected}\n`]);
  });

  test("stays far below Hetzner's 32 KiB", () => expect(renderUserData(key).length).toBeLessThan(4096));
});
