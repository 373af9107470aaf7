"""Before a role is made on a host that has a life of its own: what stands in its way, and what it would replace. Changes nothing."""
import facts
import files
import plan
import ports
import store
import system
import units
import util

MOST_LINES = 40
"""Lines of a difference that are shown; of a longer one the rest is counted."""


def survey(request):
    """`host`: what it is; `refused`: whose claims stand against the role, if any, and `anothers`: whether they are another stack's; `problems`: what else
    would stop it; `notes`: in words where packages come from and, of one that is `made`, what it would replace or change of the owner's. Takes no lock."""
    import readiness

    ledger = store.ledger()
    refused = None
    try:
        plan.check_claims({**request, "id": ""}, ledger)
    except util.Failure as failure:
        refused = str(failure)
    return {
        "ok": True,
        "host": readiness.host(),
        "refused": refused,
        "anothers": plan.anothers(request, ledger),
        "problems": [util.redact(text) for text in readiness.problems(request)],
        "notes": [util.redact(note) for note in [*readiness.source_notes(request), *(notes(request, ledger) if request.get("made") else [])]],
    }


def notes(request, ledger):
    role = request["role"]
    found = [note for path, spec in sorted(request.get("files", {}).items()) for note in file_notes(role, path, spec)]
    for path, target in request.get("links", {}).items():
        if files.look(path)["kind"] not in ("absent", "directory") and files.look(path).get("target") != target:
            found.append(f"{standing(path)}; role {role} makes it a link to {target} and keeps a copy")
    for path in request.get("directories", {}):
        if files.look(path)["kind"] in ("file", "link"):
            found.append(f"{standing(path)}; role {role} makes it a directory and keeps a copy")
    found += [f"{path} stands there already; role {role} removes it and keeps a copy" for path in request.get("absent", []) if system.exists(path)]
    found += [f"{path} holds files: the up is refused until it is moved away" for path in full(request)]
    found += unit_notes(role, request.get("units", {}))
    found += user_notes(role, request.get("users", {}))
    found += sysctl_notes(request, ledger)
    found += [ports.words(*taken) + f", and role {role} wants it" for taken in ports.foreign(request, ledger)]
    return found


def standing(path):
    found = files.look(path)
    return f"{path} stands there already" + (f" (a link to {found['target']})" if found["kind"] == "link" else "")


def full(request):
    """Directories that hold files where the role wants something else."""
    found = []
    for kind in ("file", "link", "absent"):
        for path in request.get("absent" if kind == "absent" else kind + "s", []):
            try:
                files.refuse_full(path, kind)
            except util.Failure:
                found.append(path)
    return found


def file_notes(role, path, spec):
    """What replacing a file would change of it, by line where anybody on the host may read it anyway."""
    found = facts.attributes(path)
    if found["kind"] == "link":
        return [f"{standing(path)}; role {role} replaces it and keeps a copy"]
    if found["kind"] != "file":
        return []
    changed = [f"{field} {found[field]} becomes {spec[field]}" for field in ("owner", "group", "mode") if spec.get(field, found[field]) != found[field]]
    differs = spec.get("sha256") != files.digest(path)
    if not differs and not changed:
        return []
    head = ", ".join([f"{path} stands there already; role {role} replaces it and keeps a copy", *changed])
    return [head + ("\n" + difference(path, spec, int(found["mode"], 8)) if differs else "")]


def difference(path, spec, mode):
    """Lines that go and come, with one around them."""
    import difflib  # costs more than looking, and is needed for foreign files alone

    if "sha256" not in spec:
        return "    (its new content is not known yet)"
    if "content" not in spec:
        return "    (its lines are not shown: the role's file holds secrets)"
    if not mode & 0o004:
        return "    (its lines are not shown: it is closed to others on this host)"
    old = facts.text(path)
    if old is None:
        return "    (its lines are not shown: it is no short text)"
    lines = [line for line in difflib.unified_diff(old.splitlines(), spec["content"].splitlines(), n=1, lineterm="")][2:]
    lines = [line for line in lines if not line.startswith("@@")] or ["(only the end of the last line)"]
    more = [f"… and {len(lines) - MOST_LINES} lines more"] if len(lines) > MOST_LINES else []
    return "\n".join("    " + line for line in [*lines[:MOST_LINES], *more])


def unit_notes(role, wanted):
    """Units that are there and will be in another state."""
    notes = []
    for name, state in units.states(sorted(wanted)).items():
        spec = wanted[name]
        enabled, started = spec.get("enabled", True), spec.get("state", "started") == "started"
        if state["load"] == "not-found" or ((state["enabled"] in units.ON) == enabled and (state["active"] in units.RUNNING) == started):
            continue
        becomes = f"{'enabled' if enabled else 'disabled'} and {'started' if started else 'stopped'}"
        notes.append(f"unit {name} is {state['enabled'] or 'without a file'} and {state['active']}; role {role} makes it {becomes}")
    return notes


def user_notes(role, wanted):
    notes = []
    for name, spec in wanted.items():
        found = system.user(name) or spec
        notes += [
            f"user {name} is there with {field} {found[field]}; role {role} makes that {spec[field]}"
            for field in ("home", "shell")
            if field in spec and found[field] != spec[field]
        ]
    return notes


def sysctl_notes(request, ledger):
    """Values that a file of the owner's sets otherwise at boot, for the keys that the role takes now. The role's file is read after it."""
    mine = ledger["roles"].get(request["role"], {}).get("sysctls", {})
    ours = [path for entry in ledger["roles"].values() for path in entry["paths"]]
    notes = []
    for key, value in sorted(request.get("sysctls", {}).items()):
        place = None if key in mine else system.set_at_boot(key, value, ours)
        if place:
            notes.append(f"sysctl {key} is set to {place[1]} by {place[0]}; role {request['role']} sets it to {value}, also at boot")
    return notes
