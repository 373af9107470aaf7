/**
 * A tunnel that is to be used less: its ends go on sending as before until all others go another way. Without that the
 * end that begins sends into the other way what comes straight back from there, for as long as somebody still takes the
 * old one: a micro-loop, RFC 8333. The delay holds loops away between an end and its neighbours; those among third
 * hosts, each of which changes within two seconds, it does not. Constant scripts for /bin/sh.
 */
import { BIRD_CONFIG } from "./render";

/** What marks the routes that are kept, among the origins that ip-route(8) knows by number alone. */
const KEPT = 242;
/** Wins over BIRD's (32). */
const KEPT_METRIC = 16;
/** When they go at the latest, whatever becomes of the change: by a timer of the host's own. */
const KEPT_SECONDS = 30;

/** In every table, as BIRD's own are. */
const RELEASE = [4, 6].map((family) => `ip -${family} route flush table all proto ${KEPT}`).join("; ");

/**
 * Tunnels of BIRD's present configuration that cost more in the new one (`$1`), or are gone from it. One more is
 * nothing: no loop comes of that, as every tunnel costs at least one each way.
 */
const DEARER = [
  `[ -e ${BIRD_CONFIG} ] || exit 0`,
  "dearer=$(awk '",
  '\t{ gsub(/[";]/, "") } FNR == 1 { file++ } $1 == "interface" { name = $2 } $1 == "cost" { cost[file, name] = $2 + 0; names[name] }',
  "\tEND {",
  "\t\tfor (name in names)",
  "\t\t\tif ((1, name) in cost && (!((2, name) in cost) || cost[2, name] > cost[1, name] + 1)) print name",
  `\t}' ${BIRD_CONFIG} "$1")`,
  '[ -n "$dearer" ] || exit 0',
];

/** Before the change: keeps BIRD's routes into such tunnels, and sees to it that they go again. */
export const KEEP_WAYS = [
  "set -euf",
  ...DEARER,
  `systemd-run --quiet --collect --on-active=${KEPT_SECONDS} --timer-property=AccuracySec=1s \\`,
  `\tsh -c '${RELEASE}'`,
  "for dev in $dearer; do",
  '\t[ -e "/sys/class/net/$dev" ] || continue',
  "\tfor family in 4 6; do",
  '\t\troutes=$(ip -"$family" route show table all proto bird dev "$dev")',
  `\t\techo "$routes" | sed 's/ metric [0-9]*/ metric ${KEPT_METRIC}/; s/ linkdown//; s/ dead//' | while read -r route; do`,
  // A tunnel that is going down just now keeps nothing; no change fails for that.
  `\t\t\t[ -z "$route" ] || ip -"$family" route replace $route dev "$dev" proto ${KEPT} || :`,
  "\t\tdone",
  "\tdone",
  "done",
].join("\n");

/** After the change, once there was time for everybody to hear of it: what is kept goes. */
export const RELEASE_WAYS = RELEASE;
