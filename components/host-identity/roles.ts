/** The roles that give a host its identity, as desired state. */
import type * as pulumi from "@pulumi/pulumi";
import type { HostRoleArgs } from "../../host";
import { IPV6_PREFIX, known } from "../common/input";
import { NETWORK_BITS, networkValues, PUBLIC_NETWORK } from "../common/public-network";
import type { HostIdentityArgs } from "./args";
import { foreignFilters } from "./foreign";
import * as render from "./render";
import { LIVE_UPLINK, renderUplinkScript, renderUplinkUnit, UPLINK_SCRIPT, UPLINK_UNIT } from "./uplink";
import { HUB_SYSCTLS, SITE_SYSCTLS } from "./sysctls";

/** A role without the host that it is for. */
export type RoleContent = Omit<HostRoleArgs, "connection" | "machine">;

/** Addresses on `lo`, the unreachable space, forwarding. */
export function identityRole(args: HostIdentityArgs): RoleContent {
  const unused = args.unusedPrefixes ?? [];
  const script = render.renderIdentityScript({
    v4: args.v4,
    v6: args.v6,
    space: args.space,
    unusedPrefixes: unused.map((_, index) => `{{unused_prefix_${index}}}`),
  });
  const values = Object.fromEntries(
    unused.map((prefix, index) => [`unused_prefix_${index}`, known(prefix, `unusedPrefixes[${index}]`, IPV6_PREFIX)]),
  );
  return {
    role: `${args.role ?? "intranet"}-identity`,
    packages: ["iproute2"],
    files: {
      [render.IDENTITY_SCRIPT]: { content: script, ...(unused.length > 0 ? { values } : {}), mode: "0755" },
      [`/etc/systemd/system/${render.IDENTITY_UNIT}`]: { content: render.renderIdentityUnit() },
      [render.NETWORKD_CONFIG]: { content: render.renderNetworkdConfig() },
    },
    sysctls: args.forwarding === "none" ? {} : { ...(args.firewall === "own" ? HUB_SYSCTLS : SITE_SYSCTLS) },
    units: { [render.IDENTITY_UNIT]: { reloadOn: [render.IDENTITY_SCRIPT] } },
    confirm: true,
    live: {
      ...render.liveAddress(`${args.v4}/32`),
      ...render.liveAddress(`${args.v6}/128`),
      "unreachable IPv4 prefixes": render.liveUnreachable(4),
      "unreachable IPv6 prefixes": render.liveUnreachable(6),
    },
  };
}

/**
 * Whether a host has a rule for its uplink: it forwards, and its network is not the cloud's, which gives it addresses
 * and routes by other means.
 */
export function hasUplink({ forwarding, firewall }: Pick<HostIdentityArgs, "forwarding" | "firewall">): boolean {
  return forwarding !== "none" && firewall !== "own";
}

/**
 * The uplink's rule. Made before the host forwards: what begins to forward loses the default routes that router
 * advertisements have brought, but for those of an interface where `accept_ra` is 2 by then.
 */
export function uplinkRole(role = "intranet"): RoleContent {
  return {
    role: `${role}-uplink`,
    packages: ["iproute2"],
    files: {
      [UPLINK_SCRIPT]: { content: renderUplinkScript(), mode: "0755" },
      [`/etc/systemd/system/${UPLINK_UNIT}`]: { content: renderUplinkUnit() },
    },
    units: { [UPLINK_UNIT]: { reloadOn: [UPLINK_SCRIPT] } },
    confirm: true,
    live: { "router advertisements on the uplink": { command: ["sh", "-c", LIVE_UPLINK] } },
  };
}

/** The firewall of a site's host. */
export function siteFirewallRole(args: HostIdentityArgs): RoleContent {
  const { space, forwarding, publicNetwork, answers } = args;
  const rules = render.renderForwardRules(space, {
    forwarding,
    ...(publicNetwork === undefined ? {} : { publicNetwork: { prefix: PUBLIC_NETWORK, bits: NETWORK_BITS } }),
    ...(answers === undefined ? {} : { answers }),
  });
  const values = publicNetwork === undefined ? undefined : networkValues(rules, publicNetwork, "publicNetwork");
  const role = firewallRole(`${args.role ?? "intranet"}-firewall`, rules, values);
  const { probes, live } = foreignFilters(forwarding !== "none");
  return { ...role, probes, live: { ...role.live, ...live } };
}

/**
 * A firewall: rules that are checked, loaded in one transaction, and loaded again at boot before any interface is up.
 * `values` stand in for the rules' placeholders.
 */
export function firewallRole(role: string, rules: string, values?: Record<string, pulumi.Input<string>>): RoleContent {
  return {
    role,
    packages: ["nftables"],
    files: {
      [render.FIREWALL_RULES]: { content: rules, ...(values ? { values } : {}) },
      [`/etc/systemd/system/${render.FIREWALL_UNIT}`]: { content: render.renderFirewallUnit() },
    },
    units: { [render.FIREWALL_UNIT]: { reloadOn: [render.FIREWALL_RULES] } },
    checks: [{ command: ["nft", "-c", "-f", { staged: render.FIREWALL_RULES }], description: "nft reads the rules" }],
    confirm: true,
    live: { "table inet intranet": { command: ["nft", "list", "table", "inet", "intranet"] } },
  };
}
