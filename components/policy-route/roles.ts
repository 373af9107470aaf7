/** The role of a policy route, as desired state. */
import { networkValues, PUBLIC_NETWORK, SINKHOLE_PREFIX } from "../common/public-network";
import type { RoleContent } from "../host-identity/roles";
import type { PolicyRouteArgs } from "./args";
import { liveRules, POLICY_SCRIPT, POLICY_UNIT, renderPolicyScript, renderPolicyUnit } from "./render";

/** Whether an account is there, and is not the host's own. */
const ACCOUNT = [
  'entry=$(getent passwd "$1") || { echo "there is no account $1 on this host: make it, or name another one"; exit 1; }',
  'case $entry in "$1":*:0:*) echo "$1 is root by another name, and what the host itself sends is root\'s"; exit 1 ;; esac',
].join("\n");

/** Rules and the ends of their tables, held by a unit; a change is a reload. */
export function policyRole(args: PolicyRouteArgs): RoleContent {
  const pinned = args.pinned ?? [];
  const content = renderPolicyScript({ network: PUBLIC_NETWORK, sinkhole: SINKHOLE_PREFIX, pinned });
  return {
    role: "policy-route",
    packages: ["iproute2"],
    files: {
      [POLICY_SCRIPT]: { content, values: networkValues(content, args.network, "network"), mode: "0755" },
      [`/etc/systemd/system/${POLICY_UNIT}`]: { content: renderPolicyUnit() },
    },
    units: { [POLICY_UNIT]: { reloadOn: [POLICY_SCRIPT] } },
    checks: pinned.map(({ user }) => ({
      command: ["sh", "-c", ACCOUNT, "account", user],
      description: `the account ${user} is there`,
    })),
    confirm: true,
    live: liveRules(pinned),
  };
}
