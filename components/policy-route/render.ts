/** The rules by which a host's packets take the sinkhole's way. Pure. */
import { GUEST_PREFIX, PUBLIC_TABLE } from "../../model";
import { renderDeclaredScript, renderDeclaredUnit } from "../common/declared";
import type { PinnedAccount } from "./args";

/** The script that holds the rules; also what its unit runs. */
export const POLICY_SCRIPT = "/etc/intranet/policy-route";
/** Its unit. */
export const POLICY_UNIT = "intranet-policy-route.service";

/**
 * The mark of packets that answer a visitor: they go back through a tunnel, even where the host knows a nearer way. See
 * SitePrefix.
 */
export const VISITOR_MARK = "0x6464";

/** The places of our rules among the host's (ip-rule(8)): those before are the kernel's own, and main's comes last. */
const PLACES = { visitors: 95, known: 100, network: 110, pinned: 115, sinkhole: 120, elsewhere: 130, guests: 140 };
const OURS = Object.values(PLACES).join("|");

/** Below every route that OSPF finds: the greatest there is. */
const WORST_METRIC = 4294967295;

/** What the host's rules are made from. */
export interface PolicyRules {
  /** The sinkhole's network of 64 bits, and its first /80; may be placeholders. */
  readonly network: string;
  readonly sinkhole: string;
  readonly pinned: readonly PinnedAccount[];
}

/**
 * In this order: what answers a visitor goes by the table of the network. What the host knows a way to, that is its LAN
 * and the intranet, takes it; only the default route is left out. Then what has a source of the network goes by its
 * table, and what a pinned account sends by that of its service. The sinkhole's own addresses are reached like any of
 * the Internet; the rest of the network and the guests only where OSPF says so. Each table ends in "unreachable":
 * without a tunnel nothing leaves. They are declared first, so that no rule leads past them.
 */
function declared({ network, sinkhole, pinned }: PolicyRules): string[] {
  const unreachable = [PUBLIC_TABLE, ...pinned.map(({ table }) => table)].map((table) => `unreachable ${table}`);
  return [
    ...unreachable,
    `rule ${PLACES.visitors} from all fwmark ${VISITOR_MARK} lookup ${PUBLIC_TABLE}`,
    `rule ${PLACES.known} from all lookup main suppress_prefixlength 0`,
    `rule ${PLACES.network} from ${network} lookup ${PUBLIC_TABLE}`,
    ...pinned.map(({ user, table }) => `account ${user} ${table}`),
    `rule ${PLACES.sinkhole} from all to ${sinkhole} lookup main`,
    `rule ${PLACES.elsewhere} from all to ${network} unreachable`,
    `rule ${PLACES.guests} from all to ${GUEST_PREFIX} unreachable`,
  ];
}

/**
 * The script that holds them. Rules are written as `ip rule show` shows them: so one that is there is not added again,
 * and a foreign one at our places goes. An account that is not there does not keep the others' rules from being set;
 * the unit fails then, and says so.
 */
export function renderPolicyScript(rules: PolicyRules): string {
  return renderDeclaredScript({
    comment:
      "What speaks by a public address goes back through the sinkhole, and never out by this host's own Internet access",
    state: "/run/intranet-policy-route",
    declared: declared(rules),
    words: ["what", "rest"],
    kinds: {
      rule: {
        add: 'shown | grep -Fxq "rule $2 $3" || ip -6 rule add pref "$2" $3',
        remove: 'ip -6 rule del pref "$2" $3 || true',
      },
      unreachable: {
        add: `ip -6 route replace unreachable default metric ${WORST_METRIC} table "$2"`,
        remove: `ip -6 route del unreachable default metric ${WORST_METRIC} table "$2" || true`,
      },
    },
    functions: [
      "# The rules at our places, as they are declared.",
      "shown() {",
      `\tip -6 rule show | sed -nE 's/ *$//; s/^(${OURS}):\\t/rule \\1 /p'`,
      "}",
      "",
      "# The declared lines, with accounts by number; one that is not there has no line.",
      "numbered() {",
      "\tdeclared | while read -r kind what rest; do",
      '\t\t[ "$kind" = account ] || { echo "$kind $what${rest:+ $rest}"; continue; }',
      '\t\tuid=$(id -u "$what") || continue',
      `\t\techo "rule ${PLACES.pinned} from all uidrange $uid-$uid lookup $rest"`,
      "\tdone",
      "}",
      "",
      "present() {",
      '\t{ shown; cat "$state"; } | sort -u',
      "}",
    ],
    print: "numbered",
    present: "present",
    last: ['[ "$1" = stop ] || [ "$(declared | grep -c "^account ")" = "$(grep -c " uidrange " "$state")" ]'],
  });
}

/** The script's unit. */
export function renderPolicyUnit(): string {
  return renderDeclaredUnit({ description: "Ways of this host's public addresses", script: POLICY_SCRIPT });
}

/**
 * What is compared on refresh: the rules at our places, and the end of each table; the other routes in them are OSPF's.
 */
export function liveRules(pinned: readonly PinnedAccount[]): Record<string, { command: string[] }> {
  const tables = [PUBLIC_TABLE, ...pinned.map(({ table }) => table)];
  const end = 'ip -6 route show table "$1" type unreachable 2>/dev/null || true';
  return {
    "IPv6 routing rules": { command: ["sh", "-c", `ip -6 rule show | grep -E "^(${OURS}):" || true`] },
    ...Object.fromEntries(
      tables.map((table) => [`end of routing table ${table}`, { command: ["sh", "-c", end, "end", `${table}`] }]),
    ),
  };
}
