"""Before a role is made or changed: what of this host would stop it. Changes nothing, not even apt's caches."""
import commands
import packages
import plan
import storage
import store
import util

ASK_APT = [
    "apt-get", "-q", "-y", "--no-install-recommends",
    "--print-uris",  # says what it would do and does nothing of it (apt-get(8))
    "-o", "Debug::NoLocking=1",
    "-o", "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache=",  # else it would write them (apt.conf(5))
    "-o", "Dpkg::Use-Pty=0",
]  # fmt: skip
MOST_SAID = 1 << 18
"""Characters of what apt says: a line for each package."""
UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


def host():
    """What the host is: fields of os-release(5), and dpkg's architecture; a field is absent where the host does not say it."""
    fields = {"ID": "id", "VERSION_ID": "version", "PRETTY_NAME": "name", "ID_LIKE": "like"}
    found = {}
    try:
        with open(util.at("/etc/os-release"), encoding="utf-8", errors="replace") as source:
            for line in source:
                key, _, value = line.strip().partition("=")
                if key in fields and value.strip("\"'"):
                    found[fields[key]] = value.strip("\"'")
    except OSError:
        pass
    architecture = (commands.query(["dpkg", "--print-architecture"]) or "").strip()
    return {**found, "architecture": architecture} if architecture else found


def problems(request):
    """In words, what would stop the role: no room, file systems that cannot be written, packages that apt does not have."""
    return [*room_problems(request), *package_problems(request)]


def room_problems(request):
    sizes = {path: spec.get("bytes", 0) for path, spec in request.get("files", {}).items()}
    needs = [(path, sizes.get(path, 0)) for path in plan.claimed_paths(request)]
    return refusals(lambda: storage.require([*needs, (store.BASE, store.size() + 2 * sum(sizes.values()))]))


def refusals(work):
    """What a Failure of `work` says, as a list; an empty one when there is none."""
    try:
        work()
        return []
    except util.Failure as failure:
        return [str(failure)]


def package_problems(request):
    """Nothing where apt has no list of packages yet, which an update fetches. `sources`: the update brings apt sources, so what is missing may come."""
    import re  # see util.py

    names = packages.missing(request.get("packages", []))
    if not names or not packages.listed():
        return []
    if request.get("packageSources"):
        import sources

        coming = sources.absent(request, names)
        names = [name for name in names if name not in coming]
    if not names:
        return []
    code, output = commands.run([*ASK_APT, "install", "--", *names], timeout=60, limit=MOST_SAID)
    if code == 0:
        return refusals(lambda: storage.require(packages_room(output)))
    if request.get("sources"):
        return []
    unknown = re.findall(r"Unable to locate package (\S+)|Package '?([^\s']+)'? has no installation candidate", output)
    unknown = sorted({one or other for one, other in unknown} & set(names))
    if unknown:
        words = f"no apt source of this host has {', '.join(unknown)}"
        return [f"{words}: add the one that has, or, if a source was added lately, run `apt-get update` there"]
    said = [line for line in output.splitlines() if line.startswith(("E:", " "))][-12:]
    return ["apt could not install " + " ".join(names) + ":" + "".join("\n    " + line.strip() for line in said)] if said else []


def source_notes(request):
    """In words, where a missing package comes from that apt does not know."""
    if not request.get("packageSources"):
        return []
    import sources

    names = packages.missing(request.get("packages", []))
    unless = "" if packages.listed() else " unless an apt source of the host has it"
    return [sources.words(name, source) + unless for name, source in sources.absent(request, names).items()]


def packages_room(output):
    """(path, bytes) of what apt says an installation takes: archives, and what is in them."""
    import re

    archives = sum(int(size) for size in re.findall(r"^'[^']*' \S+ (\d+)", output, re.MULTILINE))
    used = re.search(r"(?:After this operation, |Space needed: )([\d.,]+) ?([kMGT]?)B(?! disk space will be freed)", output)
    space = int(float(used.group(1).replace(",", "")) * UNITS[used.group(2)]) if used else 0
    return [("/var/cache/apt/archives", archives), ("/usr", space)]
