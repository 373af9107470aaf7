import { checkSitePrefix } from "../../../components/site-prefix/check";
import * as render from "../../../components/site-prefix/render";
import { checkNft, checkShell, checkUnit, inNamespace, testWith } from "./checkers";
import { PLAN } from "./fixtures";
import { expectGolden } from "./golden";

const open = [
  { address: "2001:db8:100:1:2::5", ports: [443, 80] },
  { address: "2001:db8:100:1:2::9", ports: [25] },
];
const script = render.renderPrefixScript(open.map(({ address }) => address));
const rules = render.renderVisitorRules(PLAN.space, open);
const units = {
  [render.PREFIX_UNIT]: render.renderPrefixUnit(),
  [render.VISITOR_UNIT]: render.renderVisitorUnit(),
};

test("goldens", () => {
  expectGolden("site-prefix/site-prefix", script);
  expectGolden("site-prefix/public.nft", rules);
  for (const [name, unit] of Object.entries(units)) expectGolden(`site-prefix/${name}`, unit);
});

testWith("sh", "the shell reads the script", () => {
  expect(checkShell(script)).toMatchObject({ code: 0 });
});

testWith("systemd-analyze", "systemd reads the units", () => {
  for (const unit of Object.keys(units)) expect(checkUnit(unit, units).output).toBe("");
});

testWith("nft", "nft reads the rules, and loading them twice leaves one table beside others'", () => {
  expect(checkNft(rules)).toMatchObject({ code: 0 });
  const twice =
    "nft add table inet intranet; nft -f rules; nft list ruleset > once; nft -f rules; nft list ruleset | cmp - once";
  expect(inNamespace(`${twice}; grep '^table' once`, { rules })).toBe(
    "table inet intranet {\ntable inet intranet-public {\n",
  );
});

testWith(
  "ip",
  "addresses: started twice as once, follow a change, leave others' alone, and stop leaves nothing",
  () => {
    const show = "ls /run; ip -6 address show dev lo; echo --";
    const live = `${render.LIVE_ADDRESSES.join(" ")}; echo --`;
    const [before, first, shown, again, changed, stopped] = inNamespace(
      [
        `ip address add fd00::1/128 dev lo; ${show}; sh now start; ${show}; ${live}`,
        `ip address del 2001:db8:100:1:2::9/128 dev lo; sh now start; ${show}; sh changed start; ${show}; sh changed stop; ${show}`,
      ].join("\n"),
      { now: script, changed: render.renderPrefixScript([open[0]!.address]) },
    ).split("--\n");
    expect(first).toContain("inet6 2001:db8:100:1:2::5/128 scope global deprecated");
    expect(shown).toMatch(/^lo +UNKNOWN +2001:db8:100:1:2::[59]\/128 2001:db8:100:1:2::[59]\/128 \n$/);
    const sorted = (text: string | undefined): string[] => text!.replaceAll("tentative ", "").split("\n").sort();
    expect(sorted(again)).toEqual(sorted(first));
    expect(changed).toContain("2001:db8:100:1:2::5/128");
    expect(changed).not.toContain("2001:db8:100:1:2::9/128");
    expect(stopped).toBe(before);
  },
);

test("all problems of the arguments at once", () => {
  const connection = { address: "unused", hostKeys: [] };
  const wiki = { name: "wiki", address: "2001:db8::5", ports: [443] };
  const services = [wiki, { ...wiki, ports: [0] }, { name: "My wiki", address: "10.0.0.1", ports: [] }];
  expect(() => checkSitePrefix("it", { connection, space: PLAN.space, services })).toThrowErrorMatchingSnapshot();
  expect(() => checkSitePrefix("it", { connection, space: PLAN.space, services: [] })).toThrow(
    "services: there must be at least one",
  );
});
