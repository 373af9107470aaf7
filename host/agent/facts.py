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


def read(requests):
    """Facts of several roles; what systemd and dpkg are asked is asked once. A role that cannot be read has an answer that says why."""
    known = {
        "ledger": store.ledger(),
        "machine": system.machine_id(),
        "units": units.states(sorted({name for request in requests for name in request.get("units", [])})),
        "installed": packages.installed() if any(request.get("packages") for request in requests) else set(),
    }
    return [attempt(request, known) for request in requests]


def attempt(request, known):
    # Each with its own secrets: what is hidden must not depend on who else is asked for.
    util.hide(request.get("secrets", []))
    try:
        return one(request, known)
    except util.Failure as failure:
        return {"ok": False, **failure.report()}
    except Exception as error:
        return {"ok": False, **util.internal(error).report()}


def one(request, known):
    entry = known["ledger"]["roles"].get(request["role"])
    return {
        "ok": True,
        "machine": known["machine"],
        "known": entry is not None,
        "owner": entry and entry["owner"],
        "id": entry and entry["id"],
        "files": {path: file(path, spec) for path, spec in request.get("files", {}).items()},
        "directories": {path: attributes(path) for path in request.get("directories", [])},
        "links": {path: attributes(path) for path in request.get("links", [])},
        "present": [path for path in request.get("absent", []) if system.exists(path)],
        "sysctls": {key: system.read_sysctl(key) for key in request.get("sysctls", [])},
        "sysctlFile": sysctl_file(request["role"], entry),
        "users": {name: system.user(name) for name in request.get("users", [])},
        "units": unit_states(request.get("units", []), entry, known),
        "sources": changed_sources(request, entry),
        "missing": [name for name in request.get("packages", []) if name not in known["installed"]],
        "observed": system.observe(request.get("live", {})),
    }


def changed_sources(request, entry):
    if not request.get("packageSources"):
        return []
    import sources  # few roles have any

    return sources.changed(request, entry)


def sysctl_file(role, entry):
    """The file that makes the role's sysctls survive a reboot, with what was applied, if it is not as applied; else None."""
    applied = {"role": role, "sysctls": {key: owned["value"] for key, owned in (entry or {"sysctls": {}})["sysctls"].items()}}
    for path, spec in plan.file_specs(applied).items():
        wanted = plan.specify(applied)[path]
        if path in entry["paths"] and not files.fits(path, wanted):
            return {"path": path, "applied": spec["content"], **file(path, wanted)}
    return None


def unit_states(names, entry, known):
    """State of each unit, with the files of another hand that override it."""
    states = {name: dict(known["units"][name]) for name in sorted(names)}
    found = plan.overrides({"units": states}, entry, known["ledger"], {}) if entry else {}
    for name, state in states.items():
        state["overrides"] = [path for path in found if path in units.overrides(name)]
    return states


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
    if not found["same"]:
        content = text(path)
        if content is not None:
            found["content"] = content
    return found


def text(path):
    """A file's text, or None for one that is none or too long."""
    with open(util.at(path), "rb") as source:
        data = source.read(LARGEST_CONTENT + 1)
    try:
        return data.decode("utf-8") if len(data) <= LARGEST_CONTENT else None
    except UnicodeDecodeError:
        return None
