import * as render from "../../../components/host-identity/render";
import { checkNft, checkShell, checkUnit, inNamespace, testWith } from "./checkers";
import { PLAN } from "./fixtures";
import { expectGolden } from "./golden";

const home = { ...PLAN.hosts["home"]!.identity, space: PLAN.space };
const hub = { ...PLAN.hosts["vps"]!.identity, space: PLAN.space, unusedPrefixes: ["2001:db8:100:1::/64"] };
const FORWARDING = ["none", "transit", "lan"] as const;
const units = {
  [render.IDENTITY_UNIT]: render.renderIdentityUnit(),
  [render.FIREWALL_UNIT]: render.renderFirewallUnit(),
};

describe("a host's identity", () => {
  const publicNetwork = { prefix: "2001:db8:100:1::/64", bits: "0x20010db801000001" };

  test("goldens", () => {
    expectGolden("host-identity/identity-site", render.renderIdentityScript(home));
    expectGolden("host-identity/identity-hub", render.renderIdentityScript(hub));
    expectGolden("host-identity/intranet-identity.service", render.renderIdentityUnit());
    expectGolden("host-identity/networkd.conf", render.renderNetworkdConfig());
    expectGolden("host-identity/intranet-firewall.service", render.renderFirewallUnit());
    for (const forwarding of FORWARDING)
      expectGolden(`host-identity/firewall-${forwarding}.nft`, render.renderForwardRules(PLAN.space, forwarding));
    expectGolden("host-identity/firewall-public.nft", render.renderForwardRules(PLAN.space, "lan", publicNetwork));
  });

  testWith("sh", "the shell reads the scripts, and refuses a broken one", () => {
    for (const identity of [home, hub])
      expect(checkShell(render.renderIdentityScript(identity))).toMatchObject({ code: 0 });
    expect(checkShell(render.renderIdentityScript(home).replace("esac", "")).code).not.toBe(0);
  });

  testWith("ip", "start is repeatable, follows a change, and stop leaves nothing", () => {
    const script = render.renderIdentityScript(hub);
    const show =
      "ls /run; ip -brief address show dev lo; ip -4 route show type unreachable; ip -6 route show type unreachable; echo --";
    const files = { now: script, changed: script.replaceAll(hub.v4, "10.31.240.99") };
    const [first, again, changed, stopped] = inNamespace(
      `sh now start; ${show}; sh now start; ${show}; sh changed start; ${show}; sh changed stop; ${show}`,
      files,
    ).split("--\n");
    expect(first).toContain(`${hub.v4}/32`);
    expect(first).toContain(`${hub.v6}/128`);
    expect(first).toContain("unreachable 2001:db8:100:1::/64 dev lo metric 128");
    expect(again).toBe(first);
    expect(changed).toBe(first!.replace(hub.v4, "10.31.240.99"));
    expect(stopped).not.toMatch(/10\.31|fd71|unreachable|intranet-identity/);
  });

  testWith("systemd-analyze", "systemd reads the units", () => {
    for (const unit of Object.keys(units)) expect(checkUnit(unit, units).output).toBe("");
  });

  testWith("nft", "nft reads the rules for every kind of forwarding", () => {
    for (const forwarding of FORWARDING)
      for (const network of [undefined, publicNetwork])
        expect(checkNft(render.renderForwardRules(PLAN.space, forwarding, network))).toMatchObject({ code: 0 });
  });

  testWith("nft", "loading twice leaves one table", () => {
    const rules = render.renderForwardRules(PLAN.space, "lan");
    const output = inNamespace(
      "nft -f rules; nft list ruleset > once; nft -f rules; nft list ruleset | cmp - once; grep -c '^table' once",
      { rules },
    );
    expect(output).toBe("1\n");
  });
});
