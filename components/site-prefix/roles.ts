/** The role of a site's prefix, as desired state. */
import type * as pulumi from "@pulumi/pulumi";
import { addressRule, known } from "../common/input";
import { placeholderOf } from "../common/placeholder";
import type { RoleContent } from "../host-identity/roles";
import type { SitePrefixArgs } from "./args";
import * as render from "./render";

/** The addresses and the rules for visitors; a change is a reload, which ends no connection. */
export function sitePrefixRole(args: SitePrefixArgs): RoleContent {
  const services = [...args.services].sort((a, b) => (a.name < b.name ? -1 : 1));
  const open = services.map(({ name, ports }) => ({ address: `{{${placeholderOf("address", name)}}}`, ports }));
  const values: Record<string, pulumi.Output<string>> = Object.fromEntries(
    services.map(({ name, address }) => [
      placeholderOf("address", name),
      known(address, `services.${name}.address`, addressRule(6)),
    ]),
  );
  const { PREFIX_SCRIPT, PREFIX_UNIT, VISITOR_RULES, VISITOR_TABLE, VISITOR_UNIT } = render;
  return {
    role: "site-prefix",
    packages: ["iproute2", "nftables"],
    files: {
      [VISITOR_RULES]: { content: render.renderVisitorRules(args.space, open), values },
      [PREFIX_SCRIPT]: {
        content: render.renderPrefixScript(open.map(({ address }) => address)),
        values,
        mode: "0755",
      },
      [`/etc/systemd/system/${VISITOR_UNIT}`]: { content: render.renderVisitorUnit() },
      [`/etc/systemd/system/${PREFIX_UNIT}`]: { content: render.renderPrefixUnit() },
    },
    units: { [VISITOR_UNIT]: { reloadOn: [VISITOR_RULES] }, [PREFIX_UNIT]: { reloadOn: [PREFIX_SCRIPT] } },
    checks: [{ command: ["nft", "-c", "-f", { staged: VISITOR_RULES }], description: "nft reads the rules" }],
    confirm: true,
    live: {
      "public addresses": { command: [...render.LIVE_ADDRESSES] },
      [`table inet ${VISITOR_TABLE}`]: { command: ["nft", "list", "table", "inet", VISITOR_TABLE] },
    },
  };
}
