"""Reading: what is on the host now of all that a role wants. Changes nothing."""
import files
import packages
import plan
import store
import system
import units
import util

LARGEST_CONTENT = 1 << 18
"""Bytes of a differing file that are sent back to be shown by line; a larger one is only said to differ."""


def read(request):
    entry = store.ledger()["roles"].get(request["role"])
    return {
        "ok": True,
        "machine": system.machine_id(),
        "known": entry is not None,
        "owner": entry and entry["owner"],
        "id": entry and entry["id"],
        "files": {path: file(path, spec) for path, spec in request.get("files", {}).items()},
        "directories": {path: attributes(path) for path in request.get("directories", [])},
        "links": {path: link(path) for path in request.get("links", [])},
        "present": [path for path in request.get("absent", []) if system.exists(path)],
        "sysctls": {key: system.read_sysctl(key) for key in request.get("sysctls", [])},
        "users": {name: system.user(name) for name in request.get("users", [])},
        "units": units.states(sorted(request.get("units", []))),
        "missing": packages.missing(request.get("packages", [])),
        "observed": system.observe(request.get("live", {})),
    }


def attributes(path):
    found = files.look(path)
    if "mode" in found:
        found["mode"] = f"{found['mode']:04o}"
        found["owner"], found["group"] = files.names(found.pop("uid"), found.pop("gid"))
    return found


def file(path, spec):
    """Attributes of a managed file, `same` when its content has the wanted digest, else the content itself."""
    found = attributes(path)
    if found["kind"] != "file":
        return found
    found["same"] = files.digest(path) == spec["sha256"]
    if not found["same"] and found["size"] <= LARGEST_CONTENT:
        try:
            with open(util.at(path), "rb") as source:
                found["content"] = source.read().decode("utf-8")
        except UnicodeDecodeError:
            pass
    return found


def link(path):
    return files.look(path).get("target")


def survey(request):
    """For a preview, before a role is made: what stands in its way or would be replaced. Takes no lock, changes nothing."""
    refused = None
    try:
        plan.check_claims(request, store.ledger())
    except util.Failure as failure:
        refused = str(failure)
    replaced = []
    for path, spec in request.get("files", {}).items():
        found = files.look(path)
        if found["kind"] == "link" or (found["kind"] == "file" and spec.get("sha256") not in (None, files.digest(path))):
            replaced.append(path)
    replaced += [path for path, target in request.get("links", {}).items() if files.look(path).get("target", target) != target]
    replaced += [path for path in request.get("absent", []) if system.exists(path)]
    return {"ok": True, "refused": refused, "replaced": sorted(replaced)}
