/**
 * What a tunnel's end asks before it is deleted while another tunnel between the same hosts stands. A constant script
 * for /bin/sh.
 */

/** Seconds in which BIRD acts on what it has just been told: it computes its routes once a second. */
const COMPUTE_SECONDS = 3;

/**
 * Succeeds when nobody sends into this tunnel any more: BIRD has its neighbour over the interface `$1` as well, and the
 * neighbour, in what it announces, has this host as often as this host has it. So it has seen the other tunnel, too,
 * which is the cheaper one. Where there is no such interface, or no BIRD, nothing is waited for.
 */
export const TAKEN_OVER = [
  '[ -e "/sys/class/net/$1" ] || exit 0',
  "status=$(birdc -r show status 2>/dev/null) || exit 0",
  "me=$(echo \"$status\" | awk '/Router ID is/ { print $4 }')",
  "for protocol in ospf4 ospf6; do",
  '\tneighbours=$(birdc -r show ospf neighbors "$protocol") || exit 1',
  '\tpeer=$(echo "$neighbours" | awk -v on="$1" \'$3 ~ /^Full/ && $5 == on { print $1 }\')',
  '\t[ -n "$peer" ] || { echo "$protocol has no neighbour on $1 yet"; exit 1; }',
  '\there=$(echo "$neighbours" | awk -v peer="$peer" \'$3 ~ /^Full/ && $1 == peer\' | wc -l)',
  '\tthere=$(birdc -r show ospf state "$protocol" | awk -v me="$me" -v peer="$peer" \\',
  '\t\t\'NF == 2 && $1 == "router" { of = $2 } NF == 4 && $1 == "router" && $2 == me && of == peer { count++ } END { print count + 0 }\')',
  '\t[ "$there" -ge "$here" ] || { echo "$protocol: $peer announces $there ways to this host, of $here"; exit 1; }',
  "done",
  `sleep ${COMPUTE_SECONDS}`,
].join("\n");
