import { checkPolicyRoute } from "../../../components/policy-route/check";
import * as render from "../../../components/policy-route/render";
import { policyRole } from "../../../components/policy-route/roles";
import { checkRoleCheck, checkShell, checkUnit, inNamespace, testWith } from "./checkers";
import { expectGolden } from "./golden";

const network = "2001:db8:100:1::/64";
const rules = { network, sinkhole: "2001:db8:100:1::/80", pinned: [{ user: "mail", table: 65541 }] };
const connection = { address: "unused", hostKeys: [] };

test("goldens", () => {
  expectGolden("policy-route/policy-route", render.renderPolicyScript(rules));
  expectGolden("policy-route/intranet-policy-route.service", render.renderPolicyUnit());
});

testWith("sh", "the shell reads the script", () => {
  expect(checkShell(render.renderPolicyScript(rules))).toMatchObject({ code: 0 });
});

testWith("systemd-analyze", "systemd reads the unit", () => {
  const files = { [render.POLICY_UNIT]: render.renderPolicyUnit() };
  expect(checkUnit(render.POLICY_UNIT, files).output).toBe("");
});

describe("the script", () => {
  const script = render.renderPolicyScript(rules);
  const show = "ls /run; ip -6 rule show; ip -6 route show table all type unreachable; echo --";
  const without = render.renderPolicyScript({ ...rules, pinned: [] });
  const missing = render.renderPolicyScript({
    ...rules,
    pinned: [{ user: "nobody-at-all", table: 65542 }, ...rules.pinned],
  });

  testWith("ip", "starts twice as once, mends what somebody changed, follows a change, and stop leaves nothing", () => {
    const [before, first, again, mended, changed, stopped] = inNamespace(
      [
        show,
        `sh now start; ${show}; sh now start; ${show}`,
        // Somebody takes a rule away, puts another one between ours, and one beside them; the script takes care of its
        // own places alone.
        "ip -6 rule del pref 110; ip -6 rule add pref 115 to 2001:db8::9 lookup 7; ip -6 rule add pref 113 to 2001:db8::9 lookup 7",
        "ip -6 route del unreachable default table 6464 metric 4294967295",
        `sh now start; ip -6 rule del pref 113; ${show}; sh changed start; ${show}; sh changed stop; ${show}`,
      ].join("\n"),
      { now: script, changed: without },
    ).split("--\n");
    expectGolden("policy-route/rules", first!);
    expect(again).toBe(first);
    expect(mended).toBe(first);
    expect(changed).toBe(
      first!
        .split("\n")
        .filter((line) => !line.includes("65541"))
        .join("\n"),
    );
    expect(stopped).toBe(before);
  });

  testWith("ip", "an account that is gone takes nobody else's rule away, and is told", () => {
    const printed = inNamespace(`sh missing start 2>said && exit 1; cat said; ${show}`, { missing });
    expect(printed).toContain("nobody-at-all");
    expect(printed).toContain("from 2001:db8:100:1::/64 lookup 6464");
    expect(printed).toMatch(/115:\tfrom all uidrange 8-8 lookup 65541\n/);
  });

  testWith("ip", "a network written otherwise is written as the kernel shows it", async () => {
    const { values } = policyRole({ connection, network: "2001:DB8:100:1:0::/64" }).files![render.POLICY_SCRIPT]!;
    const value = (name: string): Promise<unknown> =>
      (values![name] as unknown as { promise(): Promise<unknown> }).promise();
    expect(await value("public_network")).toBe(network);
    expect(await value("sinkhole_prefix")).toBe("2001:db8:100:1::/80");
  });
});

testWith("getent", "an account that is not there, or is root, is refused before anything is changed", () => {
  const check = (user: string) =>
    checkRoleCheck(policyRole({ connection, network, pinned: [{ user, table: 65541 }] }).checks![0]!, {});
  expect(check("mail")).toMatchObject({ code: 0 });
  expect(check("nobody-at-all")).toEqual({
    code: 1,
    output: "there is no account nobody-at-all on this host: make it, or name another one\n",
  });
  expect(check("root")).toMatchObject({ code: 1 });
});

test("all problems of the arguments at once", () => {
  const pinned = [
    { user: "root", table: 65536 },
    { user: "no one", table: 65540 },
    { user: "mail", table: 65540 },
    { user: "mail", table: 65541 },
  ];
  expect(() => checkPolicyRoute("it", { connection, network: "2001:db8::/56", pinned })).toThrowErrorMatchingSnapshot();
});
