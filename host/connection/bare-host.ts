/** A host that has no Python yet, as one constant `sh` finds it. Changes nothing there. */
/** What was found. A field is absent where the host did not say it. */
export interface BareHost {
  /** `ID` of os-release(5), such as `debian`. */
  id?: string;
  /** `VERSION_ID`, such as `13`; absent for a rolling release. */
  version?: string;
  /** `PRETTY_NAME`. */
  name?: string;
  /** `ID_LIKE`: families that the distribution belongs to, with spaces in between. */
  like?: string;
  /** dpkg's own architecture, such as `amd64`. */
  architecture?: string;
  /** The version of python3 that apt would install; absent: it knows none. */
  python?: string;
  /** Whether apt has any list of packages; without one it does not know what there is. */
  lists: boolean;
  /** Whether the login user is root, or becomes it without a password. */
  root: boolean;
  /** Free room in KiB for root at the places that an installation writes to. */
  room: Record<string, number>;
}

/** Every line of the command's own begins so: a login shell may print a greeting. */
const MARK = "intranet-look ";
/** Where packages and their files go. */
const PLACES = ["/usr", "/var"];

/**
 * POSIX sh and what every Debian has (Essential packages and apt). apt's caches are turned off, which it would write
 * otherwise (apt.conf(5), Dir::Cache::pkgcache).
 */
const SCRIPT = `
LC_ALL=C; export LC_ALL; PATH=$PATH:/usr/sbin:/usr/bin:/sbin:/bin
say() { printf '\n${MARK}%s\n' "$*"; }
while IFS= read -r line; do
  case $line in ID=*|VERSION_ID=*|PRETTY_NAME=*|ID_LIKE=*) say "$line" ;; esac
done 2>/dev/null </etc/os-release
say "architecture=$(dpkg --print-architecture 2>/dev/null </dev/null)"
for list in /var/lib/apt/lists/*_Packages*; do [ -e "$list" ] && say lists=yes && break; done
say "python=$(apt-cache -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= policy python3 2>/dev/null </dev/null | sed -n 's/^ *Candidate: //p')"
if [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null </dev/null; then say root=yes; fi
for place in ${PLACES.join(" ")}; do
  set -- $(df -Pk "$place" 2>/dev/null </dev/null | tail -n 1)
  say "room=$place $4"
done
exit 0
`;

/**
 * The command line, and what it reads. Both are constant, so nothing of a request is ever part of them, and every login
 * shell takes the one word.
 */
export const BARE_LOOK = { command: "sh", input: Buffer.from(SCRIPT) } as const;

const FIELDS: Readonly<Record<string, "id" | "version" | "name" | "like" | "architecture">> = {
  ID: "id",
  VERSION_ID: "version",
  PRETTY_NAME: "name",
  ID_LIKE: "like",
  architecture: "architecture",
};

/** Reads what the command printed; lines of anything else are passed over. */
export function bareHostOf(lines: readonly string[]): BareHost {
  const found: BareHost = { lists: false, root: false, room: {} };
  for (const line of lines) {
    if (!line.startsWith(MARK)) continue;
    const [, key = "", value = ""] = /^([A-Za-z_]+)=(.*)$/.exec(line.slice(MARK.length)) ?? [];
    const text = value.replace(/^(["'])(.*)\1$/, "$2").trim();
    const field = FIELDS[key];
    if (field !== undefined && text !== "") found[field] = text;
    else if (key === "lists") found.lists = true;
    else if (key === "root") found.root = true;
    else if (key === "python" && text !== "" && text !== "(none)") found.python = text;
    else if (key === "room") {
      const [place = "", size = ""] = text.split(" ");
      if (/^\d+$/.test(size)) found.room[place] = Number(size);
    }
  }
  return found;
}
