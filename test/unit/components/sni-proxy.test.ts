import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { renderNginxConfig } from "../../../components/denied-page/nginx";
import { firewallRules } from "../../../components/sinkhole/cloud";
import { renderNginxDropIn } from "../../../components/denied-page/page";
import { DELIVERY_UNIT, renderDeliveryScript, renderDeliveryUnit } from "../../../components/sinkhole/delivery";
import { renderSinkholeRules } from "../../../components/sinkhole/firewall";
import { publicPorts } from "../../../components/sinkhole/published";
import { nginxBesideSnid, nginxGuests } from "../../../components/sni-proxy/nginx";
import * as snid from "../../../components/sni-proxy/snid";
import { renderWayBackRules, renderWayBackUnit, WAY_BACK_UNIT } from "../../../components/sni-proxy/way-back";
import { checkNft, checkNginx, checkShell, checkUnit, testWith, withFiles } from "./checkers";
import { CABIN, firewall, services, WIKI } from "./guests";
import { expectGolden, goldenPath } from "./golden";

describe("nginx's part", () => {
  const guests = nginxGuests(services);

  test("files", () => {
    expectGolden("sni-proxy/nginx.conf", renderNginxConfig(undefined, guests));
    expectGolden("sni-proxy/nginx-beside-snid.conf", renderNginxConfig(undefined, nginxBesideSnid(services)));
    expectGolden("sni-proxy/guests.nft", renderWayBackRules(services, "nginx"));
    expectGolden("sni-proxy/guests-snid.nft", renderWayBackRules(services, "snid"));
    expectGolden("sni-proxy/intranet-guests.service", renderWayBackUnit());
    expectGolden("sni-proxy/nginx-drop-in.conf", renderNginxDropIn([WAY_BACK_UNIT]));
    expectGolden("sinkhole/firewall-published.nft", renderSinkholeRules(firewall));
    expectGolden(
      "sinkhole/firewall-on-link.nft",
      renderSinkholeRules({ ...firewall, published: { ...firewall.published!, guestPorts: [], onLink: true } }),
    );
  });

  test("without services it is the page's server", () =>
    expect(renderNginxConfig(undefined, undefined)).toBe(readFileSync(goldenPath("sinkhole/nginx.conf"), "utf8")));

  testWith("nginx", "nginx reads its configuration with many long names, and refuses a broken one", () => {
    const many = Array.from({ length: 300 }, (_, index) => ({
      hostname: `${"a".repeat(63)}.${"b".repeat(63)}.${"c".repeat(63)}.s${index}.intranet.example`,
      address: `2001:db8:1:0:2::${(index + 1).toString(16)}`,
      ports: [443],
      web: true,
    }));
    for (const list of [services, many, services.slice(1, 2), services.map((one) => ({ ...one, ports: [] }))]) {
      expect(checkNginx((paths) => renderNginxConfig(paths, nginxGuests(list)))).toMatchObject({ code: 0 });
      expect(checkNginx((paths) => renderNginxConfig(paths, nginxBesideSnid(list)))).toMatchObject({ code: 0 });
    }
    const broken = {
      ...guests,
      stream: guests.stream!.map((line) => line.replace("ssl_preread on", "ssl_preread an")),
    };
    expect(checkNginx((paths) => renderNginxConfig(paths, broken)).code).not.toBe(0);
  });

  testWith("nft", "nft reads the rules", () => {
    const onLink = { ...firewall, published: { ...firewall.published!, onLink: true } };
    for (const rules of [
      renderWayBackRules(services, "nginx"),
      renderWayBackRules(services, "snid"),
      renderWayBackRules([{ ...services[0]!, ports: [] }], "nginx"),
      renderSinkholeRules(firewall),
      renderSinkholeRules(onLink),
    ])
      expect(checkNft(rules)).toMatchObject({ code: 0 });
  });

  testWith("systemd-analyze", "systemd reads the unit of the way back, and complains of a broken one", () => {
    expect(checkUnit(WAY_BACK_UNIT, { [WAY_BACK_UNIT]: renderWayBackUnit() }).output).toBe("");
    const broken = renderWayBackUnit().replace("Type=oneshot", "Tpye=oneshot");
    expect(checkUnit(WAY_BACK_UNIT, { [WAY_BACK_UNIT]: broken }).output).toContain("Tpye");
  });
});

describe("snid's part", () => {
  const binary = { url: "https://example.net/snid", sha256: "0".repeat(64) };
  const units = {
    [WAY_BACK_UNIT]: renderWayBackUnit(),
    [snid.SNID_BINARY_UNIT]: snid.renderSnidBinaryUnit(binary),
    // The program stands in for one that this machine does not have.
    [snid.SNID_UNIT]: snid.renderSnidUnit(services, binary).replace(`${snid.SNID_STATE}/snid`, "/usr/bin/true"),
  };

  test("files", () => {
    expectGolden("sni-proxy/intranet-snid.service", snid.renderSnidUnit(services, { path: "/usr/local/bin/snid" }));
    expectGolden("sni-proxy/intranet-snid-got.service", snid.renderSnidUnit(services, binary));
    expectGolden("sni-proxy/intranet-snid-binary.service", snid.renderSnidBinaryUnit(binary));
    expectGolden("sni-proxy/snid-fetch", snid.renderSnidFetch());
    expectGolden("sni-proxy/snid-hosts", snid.renderSnidHosts(services));
    expectGolden("sni-proxy/snid-nsswitch.conf", snid.renderSnidNsswitch());
  });

  testWith("systemd-analyze", "systemd reads its units", () => {
    expect(checkUnit(snid.SNID_UNIT, units).output).toBe("");
    expect(checkUnit(snid.SNID_BINARY_UNIT, units).output).toBe("");
    const broken = { ...units, [snid.SNID_UNIT]: units[snid.SNID_UNIT]!.replace("DynamicUser", "DynamicUsr") };
    expect(checkUnit(snid.SNID_UNIT, broken).output).toContain("DynamicUsr");
  });

  testWith("unshare", "a program with another checksum is not kept, and one that was changed is got again", () => {
    const sum = createHash("sha256").update("the program\n").digest("hex");
    // curl is stood in for: it writes what a file holds, and notes that it was asked.
    const curl =
      '#!/bin/sh\necho asked >>"$FOLDER/asked"\nwhile [ "$1" != --output ]; do shift; done\ncp "$FOLDER/served" "$2"\n';
    const trial = [
      'mount -t tmpfs none /var/lib && mkdir /var/lib/intranet-snid && cd "$FOLDER" && chmod 0755 curl && PATH=$FOLDER:$PATH',
      'get() { sh "$FOLDER/fetch" https://example.net/snid "$1" 2>>errors || echo failed; }',
      "kept() { cat /var/lib/intranet-snid/snid 2>/dev/null || echo nothing; }",
      'echo "another program" >served; get "$1"; kept; ls /var/lib/intranet-snid',
      'echo "the program" >served; get "$1"; kept; get "$1"',
      'echo changed >/var/lib/intranet-snid/snid; get "$1"; kept; wc -l <asked',
      "test -x /var/lib/intranet-snid/snid && echo runs",
    ].join("\n");
    withFiles({ fetch: snid.renderSnidFetch(), curl }, (folder) => {
      const result = spawnSync("unshare", ["--mount", "sh", "-c", trial, "trial", sum], {
        encoding: "utf8",
        env: { ...process.env, FOLDER: folder },
      });
      expect(result.stderr).toBe("");
      expect(result.stdout.trim().split("\n")).toEqual([
        ...["failed", "nothing"],
        "the program",
        ...["the program", "3", "runs"],
      ]);
    });
    expect(checkShell(snid.renderSnidFetch())).toMatchObject({ code: 0 });
  });
});

describe("a cloud that delivers on-link", () => {
  const script = renderDeliveryScript([WIKI, CABIN]);

  test("files", () => {
    expectGolden("sinkhole/delivery", script);
    expectGolden("sinkhole/intranet-delivery.service", renderDeliveryUnit());
  });

  testWith("systemd-analyze", "systemd reads the unit", () =>
    expect(checkUnit(DELIVERY_UNIT, { [DELIVERY_UNIT]: renderDeliveryUnit() }).output).toBe(""),
  );

  testWith(
    "ip",
    "the host answers for services on the interface of the default route, and no longer for those that went",
    () => {
      const trial = [
        'mount -t tmpfs none /run && cd "$1" && ip link add eth0 type veth peer name far && ip link set eth0 up && ip link set far up',
        "sh both start 2>/dev/null || echo no route",
        "ip address add fe80::1:2/64 dev eth0 nodad && ip -6 route add default via fe80::1 dev eth0",
        "show() { ip -6 neighbour show proxy | sort; echo; }",
        "sh both start; show; sh one start; show; cat /proc/sys/net/ipv6/conf/eth0/proxy_ndp; sh one stop; show",
      ].join("\n");
      withFiles({ both: script, one: renderDeliveryScript([CABIN]) }, (folder) => {
        const result = spawnSync("unshare", ["--net", "--mount", "sh", "-c", trial, "trial", folder], {
          encoding: "utf8",
        });
        expect(result.stderr).toBe("");
        const shown = (...addresses: string[]): string[] => [...addresses.map((one) => `${one} dev eth0 proxy`), ""];
        expect(result.stdout.split("\n").map((line) => line.trimEnd())).toEqual([
          "no route",
          ...shown(WIKI, CABIN),
          ...shown(CABIN),
          "1",
          ...shown(),
          "",
        ]);
      });
    },
  );
});

describe("the cloud's firewall", () => {
  test("opens the ports of services beside 80 and 443, each once", () => {
    const place = { site: 2, service: 1 };
    const ports = publicPorts([
      { name: "wiki", place, ports: [80, 443], guestPorts: [443] },
      { name: "mail", place, ports: [8883], guestPorts: [8883, 993] },
    ]);
    expect(ports).toEqual([993, 8883]);
    const added = firewallRules(["198.51.100.7/32"], [51820], ports).filter(
      ({ description }) => description === "public services",
    );
    expect(added).toEqual(
      ["993", "8883"].map((port) => ({
        description: "public services",
        direction: "in",
        protocol: "tcp",
        port,
        sourceIps: ["0.0.0.0/0", "::/0"],
      })),
    );
    expect(firewallRules([], [])).toEqual(firewallRules([], [], publicPorts()));
  });
});
