/**
 * What the role asks BIRD: who is a neighbour before a change and after it, and what refresh compares. Constant scripts
 * for /bin/sh.
 */
import { BIRD_CONFIG, DEAD_SECONDS, HELLO_SECONDS } from "./render";

/** Where the neighbours stand that the change must not lose; gone as soon as they are seen. */
const NOTE = "/run/intranet-ospf-neighbours";

/**
 * Prints `ospf4 wg-x seconds` for each neighbour that is Full: what is left until it would be given up. Of two tunnels
 * to the same neighbour, of which one takes over from the other (`$pairs`: `wg-x=wg-y …`), either counts as the first.
 */
const FULL = [
  "full() {",
  "\tfor protocol in ospf4 ospf6; do",
  '\t\tbirdc -r show ospf neighbors "$protocol" 2>/dev/null |',
  '\t\t\tawk -v protocol="$protocol" -v pairs="$pairs" \\',
  '\t\t\t\t\'BEGIN { count = split(pairs, pair, " "); for (i = 1; i <= count; i++) { split(pair[i], two, "="); first[two[2]] = two[1] } }',
  "\t\t\t\t$3 ~ /^Full/ { print protocol, ($5 in first ? first[$5] : $5), int($4) }'",
  "\tdone",
  "}",
];

/**
 * Before the change: notes who must be a neighbour after it. That is who is one now and still stands in the new
 * configuration (`$1`), and of the required interfaces (the arguments after the pairs) those that are new.
 */
export const NOTE_NEIGHBOURS = [
  ...FULL,
  "new=$1 pairs=$2",
  "shift 2",
  `named() { grep -qsF "interface \\"$1\\"" "$2"; }`,
  "{",
  '\tfull | while read -r protocol interface left; do if named "$interface" "$new"; then echo "$protocol $interface"; fi; done',
  `\tfor interface do if ! named "$interface" ${BIRD_CONFIG}; then printf 'ospf4 %s\\nospf6 %s\\n' "$interface" "$interface"; fi; done`,
  `} >${NOTE}`,
].join("\n");

/**
 * A neighbour that heard of no change sends a hello in this time; one that has been lost by it has not been heard
 * since.
 */
const SETTLE_SECONDS = HELLO_SECONDS + 2;

/** After the change: whether each of them is Full, and has been heard since. */
export const ASK_NEIGHBOURS = [
  ...FULL,
  "pairs=$1",
  `sleep ${SETTLE_SECONDS}`,
  `heard=$(full | awk '$3 >= ${DEAD_SECONDS - HELLO_SECONDS - 1} { print $1, $2 }')`,
  `missing=$(printf '%s\\n' "$heard" | grep -Fxv -f - ${NOTE})`,
  '[ -z "$missing" ] || { echo "not Full:"; echo "$missing"; exit 1; }',
  `rm -f ${NOTE}`,
].join("\n");

/**
 * Prints the protocols' states, and each interface that BIRD runs with another area or cost than its configuration
 * says, or without it saying so. No neighbour, no time; and nothing of a tunnel that is not there yet: that is the
 * tunnel's own matter.
 */
export const LIVE_STATE = [
  "birdc -r show protocols | awk '$2 ~ /^[A-Z]/ && NR > 2 { print $1, $2, $4 }'",
  "declared=$(tr -d '\";' <" + BIRD_CONFIG + " |",
  '\tawk \'$1 == "protocol" { protocol = $4 } $1 == "area" { area = $2 } $1 == "interface" { name = $2 } $1 == "cost" { print protocol, name, area, $2 }\')',
  "for protocol in ospf4 ospf6; do",
  '\tbirdc -r show ospf interface "$protocol" | tr -d "()" |',
  '\t\tawk -v protocol="$protocol" \'$1 == "Interface" { name = $2 } $1 == "Area:" { area = $3 } $1 == "Cost:" { print protocol, name, area, $2 }\'',
  'done | { grep -Fxv -e "$declared" || true; } | sort',
].join("\n");
