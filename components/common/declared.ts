/**
 * Addresses, routes and rules that a host holds by a script and a unit of systemd, whatever manages its network. Pure.
 */
import { lines, MADE_BY } from "./text";

/** What a script holds. */
export interface Declared {
  /** The script's first comment: what it is for, without a full stop. */
  readonly comment: string;
  /** Where it keeps what it has set: a file of /run, so a reset forgets it. */
  readonly state: string;
  /** A line for each thing: its kind, and the words that the kind's commands take. May hold placeholders. */
  readonly declared: readonly string[];
  /** The names of the words after the kind; the last takes the rest of the line. */
  readonly words: readonly string[];
  /**
   * How a thing of each kind is set, which must do no harm where it is there already, and how it is taken back. `$2` is
   * the first word.
   */
  readonly kinds: Readonly<Record<string, { readonly add: string; readonly remove: string }>>;
  /** Functions of the script's own, which the following may call. */
  readonly functions?: readonly string[];
  /** The commands of `start` before anything is set. */
  readonly first?: readonly string[];
  /** What prints the declared lines for `start`. Default: `declared`. */
  readonly print?: string;
  /**
   * What prints the things that are there, and go if they are not declared. Default: what the script itself has set.
   */
  readonly present?: string;
  /** The commands after all that. */
  readonly last?: readonly string[];
}

/**
 * A POSIX shell script: `start` sets what is declared and takes back what was declared before; `stop` takes all back.
 */
export function renderDeclaredScript(script: Declared): string {
  const each = (command: string): string =>
    `while read -r kind ${script.words.join(" ")}; do ${command} "$kind"${script.words.map((word) => ` "$${word}"`).join("")}; done`;
  const undeclared = script.present
    ? `{ ${script.present} | grep -Fxv -f "$state.new" || true; }`
    : '{ grep -Fxv -f "$state.new" "$state" || true; }';
  const cases = (what: "add" | "remove"): string[] => [
    "",
    `${what}() {`,
    "\tcase $1 in",
    ...Object.entries(script.kinds).map(([kind, commands]) => `\t${kind}) ${commands[what]} ;;`),
    "\tesac",
    "}",
  ];
  return lines(
    "#!/bin/sh",
    `# ${MADE_BY}`,
    `# ${script.comment}.`,
    "set -eu",
    `state=${script.state}`,
    "",
    "declared() {",
    "\tcat <<-'END'",
    script.declared.map((line) => `\t\t${line}`),
    "\tEND",
    "}",
    script.functions ? ["", ...script.functions] : [],
    cases("add"),
    cases("remove"),
    "",
    'touch "$state"',
    "case ${1-} in",
    "start)",
    (script.first ?? []).map((line) => `\t${line}`),
    `\t${script.print ?? "declared"} >"$state.new"`,
    "\t;;",
    'stop) : >"$state.new" ;;',
    '*) echo "usage: $0 start|stop" >&2; exit 64 ;;',
    "esac",
    `${each("add")} <"$state.new"`,
    `${undeclared} | ${each("remove")}`,
    'mv "$state.new" "$state"',
    '[ "$1" != stop ] || rm "$state"',
    script.last ?? [],
  );
}

/** The script's unit. It needs nothing but `lo`, so it also works where nothing manages the network. */
export function renderDeclaredUnit(unit: { description: string; script: string; after?: readonly string[] }): string {
  return lines(
    `# ${MADE_BY}`,
    "[Unit]",
    `Description=${unit.description}`,
    ...(unit.after ?? []).map((other) => `Wants=${other}`),
    `After=${["systemd-sysctl.service", "network-pre.target", ...(unit.after ?? [])].join(" ")}`,
    "Before=network.target",
    "",
    "[Service]",
    "Type=oneshot",
    "RemainAfterExit=yes",
    `ExecStart=/bin/sh ${unit.script} start`,
    `ExecReload=/bin/sh ${unit.script} start`,
    `ExecStop=/bin/sh ${unit.script} stop`,
    "",
    "[Install]",
    "WantedBy=multi-user.target",
  );
}

/**
 * The unit that loads a table of nftables before any interface is up. It is not stopped at shutdown, where the network
 * is still there. What empties the ruleset (`nftables.service`) is followed by loading ours again. `first`: a command
 * that is run before each load, and may fail.
 */
export function renderTableUnit(unit: { description: string; rules: string; table: string; first?: string }): string {
  return lines(
    `# ${MADE_BY}`,
    "[Unit]",
    `Description=${unit.description}`,
    "DefaultDependencies=no",
    "Wants=network-pre.target",
    "Before=network-pre.target",
    "After=local-fs.target nftables.service",
    "PartOf=nftables.service",
    "ReloadPropagatedFrom=nftables.service",
    "",
    "[Service]",
    "Type=oneshot",
    "RemainAfterExit=yes",
    ...(unit.first === undefined ? [] : [`ExecStartPre=-${unit.first}`]),
    `ExecStart=/usr/sbin/nft -f ${unit.rules}`,
    ...(unit.first === undefined ? [] : [`ExecReload=-${unit.first}`]),
    `ExecReload=/usr/sbin/nft -f ${unit.rules}`,
    `ExecStop=/usr/sbin/nft delete table inet ${unit.table}`,
    "",
    "[Install]",
    "WantedBy=sysinit.target",
  );
}
