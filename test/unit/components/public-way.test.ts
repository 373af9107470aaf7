/**
 * The whole way of visitors and services, by packets: what the components render, in network namespaces with the
 * kernel's own rules and BIRD.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { renderForwardRules, renderIdentityScript } from "../../../components/host-identity/render";
import { BIRD_CONFIG } from "../../../components/ospf/render";
import { ospfRole } from "../../../components/ospf/roles";
import type { OspfInterface, PublicOspf } from "../../../components/ospf/args";
import { renderPolicyScript } from "../../../components/policy-route/render";
import { renderSinkholeRules } from "../../../components/sinkhole/firewall";
import { renderPrefixScript, renderVisitorRules } from "../../../components/site-prefix/render";
import { testWith } from "./checkers";

jest.setTimeout(240_000);

const network = "2001:db8:100:1::/64";
const sinkhole = "2001:db8:100:1::/80";
const bits = "0x20010db801000001";
const space = { v4: "10.16.0.0/12", v6: "fd71:47d2:79d7::/48" };
const services = { cabin: "2001:db8:100:1:1::7", office: "2001:db8:100:1:2::5" };
const identities = {
  vps: { v4: "10.31.240.1", v6: "fd71:47d2:79d7:ffff::1" },
  cabin: { v4: "10.31.240.2", v6: "fd71:47d2:79d7:ffff::2" },
  office: { v4: "10.31.240.3", v6: "fd71:47d2:79d7:ffff::3" },
};
type Host = keyof typeof identities;
const pinned = 65541;

/** BIRD's configuration with its placeholders filled, and hellos so quick that nobody waits for them. */
function bird(host: Host, interfaces: [string, number][], part: PublicOspf): string {
  const secret = "a secret of sixteen";
  const entry = ([neighbour, area]: [string, number]): OspfInterface => ({
    interface: `wg-${neighbour}`,
    neighbour,
    area,
    secret,
  });
  const identity = identities[host];
  const args = {
    routerId: identity.v4,
    identity,
    space,
    announce: [],
    interfaces: interfaces.map(entry),
    public: part,
  };
  const { content } = ospfRole({ connection: { address: "unused", hostKeys: [] }, ...args }).files![BIRD_CONFIG]!;
  return (content as string)
    .replaceAll("{{public_network}}", network)
    .replaceAll("{{sinkhole_prefix}}", sinkhole)
    .replace(/\{\{(?:address_of|public_source)_\w+\}\}/g, String(Object.values(part.addresses ?? {})[0]))
    .replace(/\{\{\w+\}\}/g, secret)
    .replaceAll("hello 5;", "hello 1;");
}

function site(host: "cabin" | "office", interfaces: [string, number][]): Record<string, string> {
  const address = services[host];
  const accounts = host === "office" ? [{ user: "mail", table: pinned }] : [];
  const part: PublicOspf = {
    network,
    side: "site",
    addresses: { wiki: address },
    pinned: accounts.map(({ table }) => ({ table, address })),
  };
  return {
    [`${host}.identity`]: renderIdentityScript({ ...identities[host], space }),
    [`${host}.bird`]: bird(host, interfaces, part),
    [`${host}.firewall`]: renderForwardRules(space, {
      forwarding: "transit",
      publicNetwork: { prefix: network, bits },
      answers: { tcp: [80, 443], udp: [], management: { port: 22, from: [] } },
    }),
    [`${host}.policy`]: renderPolicyScript({ network, sinkhole, pinned: accounts }),
    [`${host}.prefix`]: renderPrefixScript([address]),
    [`${host}.public`]: renderVisitorRules(space, [{ address, ports: [80, 443] }]),
  };
}

function files(): Record<string, string> {
  const published = Object.values(services).map((address) => ({ address, ports: [80, 443] }));
  const rules = { space, udpPorts: [], deviceInterface: "wg-devices" };
  const cabin = site("cabin", [
    ["vps", 0],
    ["office", 7],
  ]);
  return {
    "identities.json": JSON.stringify(
      Object.fromEntries(Object.entries(identities).map(([host, { v6 }]) => [host, v6])),
    ),
    "vps.identity": renderIdentityScript({ ...identities.vps, space, unusedPrefixes: [network] }),
    "vps.bird": bird("vps", [["cabin", 0]], { network, side: "hub" }),
    "vps.firewall": renderSinkholeRules({
      management: [],
      devicesReachEachOther: false,
      ...rules,
      published: { network, services: published, guestPorts: [], onLink: false },
    }),
    ...cabin,
    "cabin.telling": cabin["cabin.firewall"]!.split("\n")
      .filter((line) => !line.includes("@th,"))
      .join("\n"),
    ...site("office", [["cabin", 7]]),
  };
}

/** Plays all of it once. */
function play(given: Record<string, string>): unknown {
  const folder = mkdtempSync(join(tmpdir(), "public-way-"));
  try {
    for (const [name, content] of Object.entries(given)) writeFileSync(join(folder, name), content);
    const own = ["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
    const result = spawnSync("unshare", [...own, "python3", "-B", join(__dirname, "public-way.py"), folder], {
      encoding: "utf8",
      timeout: 180_000,
      killSignal: "SIGKILL",
    });
    expect(result.stderr).toBe("");
    return JSON.parse(result.stdout);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

testWith("bird", "visitors and services meet over two tunnels and an area's border, and by no other way", () => {
  expect(play(files())).toMatchSnapshot();
});
