import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { parse } from "yaml";
import { renderSinkholeRules } from "../../../components/sinkhole/firewall";
import { deniedCertificate, hasDeniedCertificate } from "../../../components/common/denied-certificate";
import { renderLimits } from "../../../components/sinkhole/limits";
import { renderNginxConfig } from "../../../components/denied-page/nginx";
import * as page from "../../../components/denied-page/page";
import { OWN_ADDRESS_ONLY, renderUserData } from "../../../components/sinkhole/user-data";
import { checkNft, checkNginx, checkUnit, inNamespace, testWith, withFiles } from "./checkers";
import { PLAN } from "./fixtures";
import { expectGolden } from "./golden";

const firewall = {
  space: PLAN.space,
  deviceInterface: PLAN.deviceHub.interface,
  management: [],
  devicesReachEachOther: false,
  udpPorts: [PLAN.deviceHub.listenPort, ...PLAN.links.map((link) => link.a.listenPort!)],
};
/** Operators inside, and devices that reach each other. */
const asked = {
  ...firewall,
  management: ["10.20.0.0/24", "fd71:47d2:79d7:1::/64"],
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

testWith("nft", "a tunnel's port at which nothing listens says nothing, of neither family", () => {
  const ask = [
    "import socket, sys",
    "for target in sys.argv[1:]:",
    "    line = socket.socket(socket.AF_INET6 if ':' in target else socket.AF_INET, socket.SOCK_DGRAM)",
    "    line.settimeout(0.5)",
    "    line.connect((target, 51820))",
    "    try:",
    "        line.send(b'x')",
    "        line.recv(1)",
    "    except ConnectionRefusedError: print('refused')",
    "    except TimeoutError: print('silent')",
  ].join("\n");
  const rules = renderSinkholeRules({ ...firewall, udpPorts: [51820] });
  const [with_, without] = inNamespace(
    [
      "unshare -n sleep 60 & visitor=$!",
      'until [ "$(readlink /proc/$visitor/ns/net)" != "$(readlink /proc/$$/ns/net)" ]; do sleep 0.1; done',
      'on() { nsenter -t $visitor -n "$@"; }',
      "ip link add wan type veth peer name visitor; ip link set visitor netns $visitor",
      "ip address add 192.0.2.1/24 dev wan; ip -6 address add 2001:db8::1/64 dev wan nodad; ip link set wan up",
      "on ip address add 192.0.2.2/24 dev visitor; on ip -6 address add 2001:db8::2/64 dev visitor nodad; on ip link set visitor up",
      "for rules in rules loud; do nft -f $rules; on python3 ask 192.0.2.1 2001:db8::1; echo --; done",
      "kill $visitor",
    ].join("\n"),
    { rules, loud: rules.replace(/^.*port-unreachable drop\n/gm, ""), ask },
  ).split("--\n");
  expect([with_, without].map((text) => text!.trim().split("\n"))).toEqual([
    ["silent", "silent"],
    ["refused", "refused"],
  ]);
});

describe("the limits of each visitor", () => {
  const rules = renderLimits([80, 443]);

  test("golden", () => expectGolden("sinkhole/limits.nft", rules));

  testWith(
    "nft",
    "connections on which nothing is said are counted by address and /64, and others still get in",
    () => {
      // A visitor with two addresses of each family in a namespace of its own; over IPv6 the first two are of one /64.
      const open = [
        "import socket, sys",
        "held = []",
        "def hold(source, target, many):",
        "    for _ in range(many):",
        "        line = socket.socket(socket.AF_INET6 if ':' in source else socket.AF_INET)",
        "        line.settimeout(0.3)",
        "        line.bind((source, 0))",
        "        try: line.connect((target, 80))",
        "        except OSError: return len(held)",
        "        held.append(line)",
        "    return len(held)",
        "for source, target, many in (word.split(',') for word in sys.argv[1:]):",
        "    before = len(held)",
        "    print(source, hold(source, target, int(many)) - before)",
      ].join("\n");
      const serve = [
        "import socket, time",
        "server = socket.create_server(('::', 80), family=socket.AF_INET6, dualstack_ipv6=True, backlog=4096)",
        "held = []",
        "while True: held.append(server.accept())",
      ].join("\n");
      const tries = (v4: string, v6: string) =>
        `on python3 open 192.0.2.2,192.0.2.1,${v4} 192.0.2.3,192.0.2.1,5 2001:db8::2,2001:db8::1,${v6} 2001:db8::3,2001:db8::1,5 2001:db8:0:1::2,2001:db8::1,5; echo --`;
      const [limited, control] = inNamespace(
        [
          "ulimit -n 4096; echo 4096 >/proc/sys/net/core/somaxconn",
          "unshare -n sleep 100 & visitor=$!",
          'until [ "$(readlink /proc/$visitor/ns/net)" != "$(readlink /proc/$$/ns/net)" ]; do sleep 0.1; done',
          'on() { nsenter -t $visitor -n "$@"; }',
          "ip link add wan type veth peer name visitor; ip link set visitor netns $visitor",
          "ip address add 192.0.2.1/24 dev wan; ip -6 address add 2001:db8::1/32 dev wan nodad; ip link set wan up",
          "for address in 192.0.2.2/24 192.0.2.3/24; do on ip address add $address dev visitor; done",
          "for address in 2001:db8::2/32 2001:db8::3/32 2001:db8:0:1::2/32; do on ip -6 address add $address dev visitor nodad; done",
          "on ip link set visitor up",
          "python3 serve & server=$!",
          "until ss -Hltn | grep -q ':80 '; do sleep 0.1; done",
          "nft -f rules",
          tries("300", "300"),
          "nft delete table inet intranet-limits",
          tries("300", "300"),
          "kill $visitor $server",
        ].join("\n"),
        { rules, open, serve },
      ).split("--\n");
      const each = (text: string | undefined) => text!.trim().split("\n");
      expect(each(limited)).toEqual([
        "192.0.2.2 256",
        "192.0.2.3 5",
        "2001:db8::2 256",
        "2001:db8::3 0",
        "2001:db8:0:1::2 5",
      ]);
      expect(each(control)).toEqual([
        "192.0.2.2 300",
        "192.0.2.3 5",
        "2001:db8::2 300",
        "2001:db8::3 5",
        "2001:db8:0:1::2 5",
      ]);
    },
  );
});

describe("the denied certificate", () => {
  testWith("openssl", "is no authority, and one that is gets another", () => {
    withFiles({}, (folder) => {
      const [key, certificate] = [join(folder, "key.pem"), join(folder, "certificate.pem")];
      const sh = (script: string) => spawnSync("sh", ["-c", script], { encoding: "utf8" });
      expect(sh(hasDeniedCertificate(certificate)).status).not.toBe(0);
      const before = sh(
        `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=x -keyout ${key} -out ${certificate}`,
      );
      expect(before.status).toBe(0);
      expect(sh(hasDeniedCertificate(certificate)).status).not.toBe(0);
      expect(sh(deniedCertificate(key, certificate)).status).toBe(0);
      expect(sh(hasDeniedCertificate(certificate)).status).toBe(0);
      const { stdout } = sh(`openssl x509 -in ${certificate} -noout -subject -ext basicConstraints,keyUsage`);
      expect(stdout).toMatch(/CN ?= ?ACCESS DENIED[^]*critical[^]*CA:FALSE[^]*Digital Signature/);
    });
  });
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
