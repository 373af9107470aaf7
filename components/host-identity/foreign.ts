/** What other programs' packet filters do to ours: an accept of ours does not save a packet from their drop. Pure. */
import type { RoleContent } from "./roles";

/**
 * Lists chains of other programs' tables that drop what they do not know (nft(8): every base chain of a hook has to
 * let a packet pass). Docker, ufw and firewalld have such. Arguments: the hooks that matter. Exit code 1 when there
 * are any.
 */
export const FOREIGN_DROPS = [
  'nft list chains | awk -v hooks=" $* " \'',
  '  $1 == "table" { table = $2 " " $3 }',
  '  $1 == "chain" { chain = $2 }',
  "  / hook / && /policy drop/ && table !~ /^inet intranet/ {",
  '    hook = $0; sub(/.* hook /, "", hook); sub(/ .*/, "", hook)',
  '    if (index(hooks, " " hook " ")) { print "table " table ", chain " chain; found = 1 }',
  "  }",
  "  END { exit found }'",
].join("\n");

/** What to do about it, in words. */
const WAY_OUT =
  "let the tunnels through there, for Docker: iptables -I DOCKER-USER -i wg-+ -j ACCEPT and the same with -o; for ufw: " +
  "ufw allow in on wg-… and ufw route allow in on wg-…; firewalld: put the tunnels into the zone trusted";

/** What is said of such chains after a change, and what is compared on refresh: one that comes later is seen. */
export function foreignFilters(forwards: boolean): Required<Pick<RoleContent, "probes" | "live">> {
  const hooks = forwards ? ["input", "forward"] : ["input"];
  const command = ["sh", "-c", FOREIGN_DROPS, "foreign", ...hooks];
  return {
    probes: [
      {
        command,
        description: `no other program's packet filter drops what the tunnels bring (else ${WAY_OUT})`,
        timeoutSeconds: 1,
        required: false,
      },
    ],
    live: {
      "packet filters of other programs that drop": {
        command: ["sh", "-c", `${FOREIGN_DROPS} || true`, "foreign", ...hooks],
      },
    },
  };
}
