/** How many connections one visitor may hold at the sinkhole's own TCP ports. Pure. */
import type { RoleContent } from "../host-identity/roles";
import { CONNECTIONS_EACH } from "../denied-page/limits";
import { renderTableUnit } from "../common/declared";
import { FROM_TUNNEL, replaceTable } from "../common/nftables";
import { lines } from "../common/text";

/** The table. It is one of its own, for it gathers addresses, which are no drift. */
export const LIMITS_TABLE = "intranet-limits";

/**
 * The rules: a visitor is one IPv4 address, or one /64 of IPv6. Further connections of such a visitor are dropped
 * before any program sees them, also those on which nothing is ever said, which nginx counts nowhere in its http
 * context (ngx_http_limit_conn_module). What comes by a tunnel is not counted.
 */
export function renderLimits(ports: readonly number[]): string {
  const counted = `tcp dport { ${[...new Set(ports)].sort((a, b) => a - b).join(", ")} } ct state new`;
  const over = `ct count over ${CONNECTIONS_EACH}`;
  return lines(
    replaceTable(LIMITS_TABLE),
    ["4", "6"].flatMap((family) => [
      `\tset visitors${family} {`,
      `\t\ttype ipv${family}_addr`,
      "\t\tsize 65535",
      "\t\tflags dynamic",
      "\t}",
      "",
    ]),
    "\tchain input {",
    "\t\ttype filter hook input priority filter - 10; policy accept;",
    '\t\tiifname "lo" accept',
    `\t\t${FROM_TUNNEL} accept`,
    `\t\t${counted} add @visitors4 { ip saddr ${over} } drop`,
    `\t\t${counted} add @visitors6 { ip6 saddr & ffff:ffff:ffff:ffff:: ${over} } drop`,
    "\t}",
    "}",
  );
}

const RULES = "/etc/intranet/limits.nft";
const UNIT = "intranet-limits.service";

/**
 * The limits, in place before any interface is up. What is compared on refresh are the rules, and not whom they have
 * counted.
 */
export function limitsRole(ports: readonly number[]): RoleContent {
  return {
    role: "sinkhole-limits",
    packages: ["nftables"],
    files: {
      [RULES]: { content: renderLimits(ports) },
      [`/etc/systemd/system/${UNIT}`]: {
        content: renderTableUnit({ description: "Limits of each visitor", rules: RULES, table: LIMITS_TABLE }),
      },
    },
    units: { [UNIT]: { reloadOn: [RULES] } },
    checks: [{ command: ["nft", "-c", "-f", { staged: RULES }], description: "nft reads the limits" }],
    live: { "limits of each visitor": { command: ["nft", "list", "chain", "inet", LIMITS_TABLE, "input"] } },
    confirm: true,
  };
}
