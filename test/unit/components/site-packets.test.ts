import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { renderForwardRules, type ForwardRules } from "../../../components/host-identity/render";
import { testWith, withFiles } from "./checkers";

const space = { v4: "10.16.0.0/12", v6: "fd71:47d2:79d7::/48" };
const rules = (more: Partial<ForwardRules> = {}) =>
  renderForwardRules(space, {
    forwarding: "lan",
    answers: {
      tcp: [53, 443],
      udp: [53],
      management: { port: 2222, from: ["10.31.240.1/32", "fd71:47d2:79d7:f000::1/128"] },
    },
    ...more,
  });
const TUNNEL = "51820";

/** What the script beside this file reaches, by how it ends. */
function reached(
  text: string,
  dev: string,
  group: string,
  who: readonly string[] = ["device", "sinkhole", "outside"],
): { fates: Record<string, string>; open: string[] } {
  return withFiles({ "rules.nft": text }, (folder) => {
    const script = join(__dirname, "site-packets.py");
    const args = ["--net", "--mount", "python3", "-B", script, join(folder, "rules.nft"), dev, group, who.join(",")];
    const result = spawnSync("unshare", args, { encoding: "utf8" });
    expect(result.stderr).toBe("");
    const fates = JSON.parse(result.stdout) as Record<string, string>;
    return { fates, open: Object.keys(fates).filter((what) => fates[what] === "open") };
  });
}

/** The same in both families. */
const both = (who: string, ...whats: string[]) =>
  [4, 6].flatMap((v) => whats.map((what) => `${who}, IPv${v}, ${what}`));

describe("packets to a site's host by a tunnel", () => {
  testWith("nft", "reach what is declared, and SSH from where it is managed; all else is refused, not ignored", () => {
    const { fates, open } = reached(rules(), "wg-home", TUNNEL);
    const offered = ["names", "services", "names by UDP", "ping"];
    expect(new Set(open)).toEqual(
      new Set([
        ...both("device", ...offered),
        ...both("sinkhole", ...offered, "SSH"),
        "device, to the LAN behind",
        "this host, to a device",
      ]),
    );
    for (const what of both("device", "SSH", "owner's SSH", "owner's desktop")) expect(fates[what]).toBe("refused");
    for (const what of both("outside", "services", "SSH", "ping")) expect(fates[what]).toBe("silent");
  });

  testWith("nft", "without a word about answers all that listens is reached, but from outside the space no LAN", () => {
    expect(reached(renderForwardRules(space, { forwarding: "lan" }), "wg-home", TUNNEL).open).toEqual(
      expect.arrayContaining(both("device", "SSH", "owner's SSH", "owner's desktop", "owner's SNMP by UDP")),
    );
  });

  testWith("nft", "an interface of the owner's is left alone, whatever its name", () => {
    const { fates } = reached(rules({ forwarding: "none" }), "wg-friends", "0");
    expect(new Set(Object.values(fates))).toEqual(new Set(["open"]));
  });

  testWith("nft", "a tunnel that is being started lets nothing through until it is in the group", () => {
    const open = renderForwardRules(space, { forwarding: "lan" });
    const starting = open.replace("type ifname", 'type ifname; elements = { "wg-home" }');
    expect(starting).not.toBe(open);
    expect(reached(open, "wg-home", "0", ["device"]).open.length).toBeGreaterThan(0);
    expect(reached(starting, "wg-home", "0", ["device"]).open).toEqual([]);
    expect(reached(starting, "wg-home", TUNNEL, ["device"])).toEqual(reached(open, "wg-home", TUNNEL, ["device"]));
  });
});
