"""Where packages come from that no apt source of the host has: a signed repository, pinned to them alone, or a file by its checksum.

What apt has a candidate for, or is installed, comes from nowhere else: nothing is added then. A source is three files (its key, the
source, the pin) that the role owns as its other files; only that they are in place before the packages are installed.
"""
import os

import commands
import files
import openpgp
import packages
import store
import util

HELPER = "/usr/lib/apt/apt-helper"
"""apt's own way to fetch a file (package apt): by its proxies and with its trust."""
FETCH_SECONDS = 300
LARGEST_KEY = 1 << 18


def paths(name):
    """(key, source, pin) of a package."""
    return f"/etc/apt/keyrings/intranet-{name}.asc", f"/etc/apt/sources.list.d/intranet-{name}.sources", f"/etc/apt/preferences.d/intranet-{name}.pref"


def candidate(name):
    """Whether apt knows a version of a package that it would install. Writes nothing, not even apt's caches."""
    listing = commands.query(["apt-cache", "-o", "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache=", "policy", "--", name])
    words = [line.split() for line in (listing or "").splitlines()]
    return any(line[:1] == ["Candidate:"] and line[1:] != ["(none)"] for line in words)


def words(name, source):
    """Where a package comes from, for people."""
    if "deb" in source:
        return f"{name} comes from {source['deb']}, SHA-256 {source['sha256']}"
    return f"{name} comes from {source['name']}, {source['uri']}, signed by {source['fingerprint']}, which is pinned to {' and '.join(source['packages'])}"


def absent(request, missing):
    """The package sources of the request that this host needs: its package is missing, and apt has no candidate (or the file is wished)."""
    wanted = {name: source for name, source in request.get("packageSources", {}).items() if name in missing}
    return {name: source for name, source in wanted.items() if "deb" in source or not candidate(name)}


def take(request, entry, missing, tx):
    """Fetches and verifies what the role needs, and gives the files of its sources to the request.

    Returns (packages whose sources have to be put in place, package → file). Nothing of it is in place when this raises."""
    declared = request.get("packageSources", {})
    owned = [name for name, source in declared.items() if "uri" in source and paths(name)[1] in entry["paths"]]
    fetched, fresh = {}, []
    needed = absent(request, [name for name in missing if name not in owned])
    if any("uri" in source for source in needed.values()):
        packages.update()  # lists that are old may not have it yet
        needed = absent(request, list(needed))
    if needed and "ca-certificates" in missing:
        packages.install(["ca-certificates"])  # who answers by https is known by them
    for name, source in needed.items():
        if "deb" in source:
            fetched[name] = deb(name, source, tx)
        else:
            refuse_shared(name, source)
    for name in [*owned, *(name for name in needed if name not in fetched)]:
        specs = contents(name, declared[name], tx)
        request["files"] = {**request.get("files", {}), **specs}
        if name in missing and not all(stands(path, spec["content"]) for path, spec in specs.items()):
            fresh.append(name)
            util.progress(words(name, declared[name]))
    return fresh, fetched


def stands(path, content):
    return files.look(path)["kind"] == "file" and files.digest(path) == util.digest(content.encode())


def refuse_shared(name, source):
    """The pin keeps away all else from that host: it must not be one that other packages of this host come from."""
    origin = host(source["uri"])
    listing = commands.query(["apt-cache", "-o", "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache=", "policy"]) or ""
    if ["origin", origin] in [line.split() for line in listing.splitlines()]:
        raise util.Failure(
            "conflict",
            f"an apt source of this host is at {origin} already, and has no {name}: a repository there cannot be pinned to {name} alone. "
            "Give its URL by another name of that server, or add it by hand and say \"present\"",
        )


def contents(name, source, tx):
    """path → spec of the three files of a repository's."""
    key = paths(name)[0]
    text = {key: trusted(name, key, source, tx), **texts(name, source)}
    return {path: {"content": content, "mode": "0644"} for path, content in text.items()}


def texts(name, source):
    """path → content of the source and the pin."""
    key, listing, pin = paths(name)
    only = " ".join(source["packages"])
    return {
        listing: "\n".join(
            ["Types: deb", f"URIs: {source['uri']}", f"Suites: {source['suite']}", f"Components: {' '.join(source['components'])}", f"Signed-By: {key}", ""]
        ),
        # The first of two that fit is the more specific one (apt_preferences(5)): nothing but these packages is ever taken from there.
        pin: f"Package: {only}\nPin: origin {host(source['uri'])}\nPin-Priority: 500\n\nPackage: *\nPin: origin {host(source['uri'])}\nPin-Priority: -1\n",
    }


def changed(request, entry):
    """Packages whose source, as the role has it, another hand has changed or removed."""
    owned = (entry or {"paths": {}})["paths"]
    declared = {name: source for name, source in request.get("packageSources", {}).items() if "uri" in source and paths(name)[1] in owned}
    return [name for name, source in declared.items() if not whole(name, source)]


def whole(name, source):
    key = kept_key(paths(name)[0], source["fingerprint"])
    wanted = {paths(name)[0]: key, **texts(name, source)}
    found = [files.look(path) for path in wanted]
    return (
        key is not None
        and all(item["kind"] == "file" and (item["mode"], item["uid"], item["gid"]) == (0o644, 0, 0) for item in found)
        and all(stands(path, content) for path, content in wanted.items())
    )


def kept_key(path, fingerprint):
    """The key of that fingerprint in a file of the host's, armoured; None where it is not in it."""
    try:
        with open(util.at(path), "rb") as kept:
            return openpgp.select(kept.read(LARGEST_KEY), fingerprint)[0]
    except (OSError, ValueError):
        return None


def host(uri):
    return uri.split("://", 1)[1].split("/", 1)[0].rsplit("@", 1)[-1].split(":", 1)[0]


def trusted(name, path, source, tx):
    """The key, armoured: the one that stands there if it is the wanted one, else it is fetched. A wrong one is refused."""
    wanted = source["fingerprint"]
    found = kept_key(path, wanted)
    if found is not None:
        return found
    with open(fetch(source["key"], f"{name}.key", tx), "rb") as data:
        content = data.read(LARGEST_KEY + 1)
    try:
        if len(content) > LARGEST_KEY:
            raise ValueError("it is too long")
        found, seen = openpgp.select(content, wanted)
    except ValueError as error:
        raise util.Failure("package", f"what {source['key']} holds is no key for {name}'s repository: {error}")
    if found is None:
        raise util.Failure(
            "package",
            f"the key at {source['key']} has another fingerprint than {wanted}: {', '.join(seen) or 'none'}; nothing was added. "
            "If the vendor says that this is its key now, give it as `fingerprint` of the package's source; else somebody stands in between",
        )
    return found


def deb(name, source, tx):
    """A package file, by its checksum."""
    path = fetch(source["deb"], f"{name}.deb", tx, source["sha256"])
    inside = (commands.query(["dpkg-deb", "--field", path, "Package"]) or "").strip()
    if inside != name:
        raise util.Failure("package", f"{source['deb']} is {'the package ' + inside if inside else 'no Debian package'}, and not {name}; give another URL")
    return path


def fetch(url, name, tx, sha256=None):
    """Where the file at `url` is now: in the transaction's own folder, which goes with it."""
    folder = f"{store.BASE}/tx/{tx}/fetched"
    os.makedirs(folder, mode=0o700, exist_ok=True)
    path = f"{folder}/{name}"
    util.progress("fetching " + url)
    options = ["-o", "Acquire::Retries=2", "-o", "APT::Sandbox::User=root"]  # another user cannot write into the folder
    argv = [util.at(HELPER), *options, "download-file", url, path, *([f"SHA256:{sha256}"] if sha256 else [])]
    code, output = commands.run(argv, timeout=FETCH_SECONDS)
    other = f"{url} has another checksum than sha256 {sha256}; nothing was added. Compare it with what the vendor says"
    if sha256 and "Hash Sum mismatch" in output:
        raise util.Failure("package", other, argv, code, output)
    if code != 0 or not os.path.exists(path):
        raise util.Failure("package", f"{url} could not be fetched; nothing was added. Check the URL, and the host's network", argv, code, output)
    if sha256 and files.digest(path[len(util.ROOT) :]) != sha256:
        raise util.Failure("package", other)
    return path


def place(request, journal, fresh, entry):
    """Puts new sources in their places, after the journal says how to undo it. Returns the role's entry with what stood there."""
    wanted = {path: request["files"][path]["content"] for name in fresh for path in paths(name)}
    if not wanted:
        return entry
    back, owned = journal["undo"], dict(entry["paths"])
    for number, path in enumerate(wanted):
        files.refuse_full(path, "file")
        back["paths"][path] = files.snapshot(path, f"{store.BASE}/tx/{journal['tx']}/old/source-{number}")
        back["made"] += [parent for parent in files.missing_parents(path) if parent not in back["made"]]
        if path not in owned:
            owned[path] = {"kind": "file", "prior": files.snapshot(path, f"{store.BASE}/backup/{request['role']}{path}")}
    store.save_journal(journal)
    util.step("sources")
    for path, content in wanted.items():
        files.place(path, content.encode(), 0o644, None, None)
        util.step("source:" + path)
    for name in fresh:
        packages.update(paths(name)[1])
    util.step("sources listed")
    return {**entry, "paths": owned}
