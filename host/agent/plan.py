"""What a transaction has to change: the wanted things resolved, claims of other roles, what stood there before.

The ledger's entry of a role is {owner, id, paths: {path: {kind, prior}}, units: {name: {…, prior}}, ports: {name: {protocol, port, address}}, sysctls: {key:
{value, prior}}, users: {name: {prior, uid, gid, groups}}, packages: [name], state: {path: {fresh}}}. `prior` is what stood there before
any role took it; `fresh` says that nothing did. A path with `override` is nobody's wish: another hand overrode a unit there, and it was
taken away.
"""
import os

import files
import ports
import storage
import store
import system
import units
import util

SYSCTL_HEAD = "# Managed by pulumi-intranet, role {role}; changes made here are taken back.\n"


def empty_entry(request):
    return {"owner": request["owner"], "id": request["id"], "paths": {}, "units": {}, "ports": {}, "sysctls": {}, "users": {}, "packages": [], "state": {}}


def sysctl_path(role):
    """The last of all (sysctl.d(5)): what a file of the owner's sets otherwise does not come back at boot."""
    return f"/etc/sysctl.d/zz-intranet-{role}.conf"


def file_specs(request):
    """All files of a role, with the one that makes its sysctls survive a reboot."""
    specs = dict(request.get("files", {}))
    if request.get("sysctls"):
        lines = "".join(f"{key} = {value}\n" for key, value in sorted(request["sysctls"].items()))
        specs[sysctl_path(request["role"])] = {"content": SYSCTL_HEAD.format(role=request["role"]) + lines, "mode": "0644"}
    return specs


def specify(request):
    """path → {"kind", mode, uid, gid, sha256, target}; owners must exist by now."""
    wanted = {}
    for path, spec in request.get("directories", {}).items():
        uid, gid = files.ids(spec.get("owner", "root"), spec.get("group"))
        wanted[path] = {"kind": "directory", "mode": int(spec.get("mode", "0755"), 8), "uid": uid, "gid": gid}
    for path, spec in file_specs(request).items():
        uid, gid = files.ids(spec.get("owner", "root"), spec.get("group"))
        sha = util.digest(spec["content"].encode())
        wanted[path] = {"kind": "file", "mode": int(spec.get("mode", "0644"), 8), "uid": uid, "gid": gid, "sha256": sha}
    for path, target in request.get("links", {}).items():
        wanted[path] = {"kind": "link", "target": target}
    for path in request.get("absent", []):
        wanted[path] = {"kind": "absent"}
    return wanted


def stage(request, root):
    """Writes every file of the role below `root`, base names and folders kept, so that checkers see them all."""
    util.remove_tree(root, quiet=True)
    os.makedirs(root, mode=0o700)
    for path, spec in file_specs(request).items():
        os.makedirs(os.path.dirname(root + path), mode=0o700, exist_ok=True)
        with open(os.open(root + path, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as out:
            out.write(spec["content"].encode())


def check_claims(request, ledger):
    """Raises a conflict that names both roles. Equal sysctls, users, directories and packages may be shared.

    Within one stack no two roles of the program claim the same (its own check says so), so a role that still has it is about to
    let it go: it is handed over, once. One that wants it back while the other has it is refused.
    """
    role, mine = request["role"], ledger["roles"].get(request["role"])
    if mine and mine["id"] != request["id"] and not store.same_stack(mine["owner"], request["owner"]):
        raise util.Failure(
            "conflict",
            f"role {role} on this host belongs to {mine['owner']}, and {request['owner']} wants a role of the same name; "
            f"name one of them differently, or destroy the first (if its stack is gone for good: delete \"{role}\" from {store.LEDGER})",
        )
    for other, kind, thing, says in collisions(request, ledger):
        entry = ledger["roles"][other]
        if not store.same_stack(entry["owner"], request["owner"]) or (mine or {}).get("lost", {}).get(thing) == other:
            raise util.Failure(
                "conflict",
                f"{kind} {says} is claimed by role {role} and already owned by role {other} ({entry['owner']}); let only one of them manage it",
            )


def anothers(request, ledger):
    """Whether what stands against a role's claims is another stack's, which nobody lets go of in the same update. `owners`: who the role's own stack is, or was."""
    mine = ledger["roles"].get(request["role"])
    owners = [entry["owner"] for entry in ([mine] if mine else [])]
    owners += [ledger["roles"][other]["owner"] for other, *_ in collisions(request, ledger)]
    return any(not any(store.same_stack(owner, own) for own in request["owners"]) for owner in owners)


def collisions(request, ledger):
    """(other role, kind, thing, in words) for everything that another role has and this one wants for itself."""
    found = []
    for other, entry in ledger["roles"].items():
        if other == request["role"]:
            continue
        for path in claimed_paths(request):
            theirs = entry["paths"].get(path)
            shared = theirs and theirs["kind"] == "directory" and path in request.get("directories", {})
            if theirs and not shared and not theirs.get("override"):
                found.append((other, "path", path, path))
        found += [(other, "port", thing, says) for thing, says in ports.collisions(request, entry)]
        found += [(other, "unit", unit, unit) for unit in request.get("units", {}) if unit in entry["units"]]
        for key, value in request.get("sysctls", {}).items():
            theirs = entry["sysctls"].get(key)
            if theirs and theirs["value"] != value:
                found.append((other, "sysctl", key, f"{key} (here {value}, there {theirs['value']})"))
    return found


def hand_over(request, ledger):
    """The other roles' entries without what this role takes over from them."""
    roles = {name: dict(entry) for name, entry in ledger["roles"].items() if name != request["role"]}
    for other, kind, thing, _ in collisions(request, ledger):
        entry = roles[other]
        entry[kind + "s"] = {key: value for key, value in entry.get(kind + "s", {}).items() if key != thing}
        entry["lost"] = {**entry.get("lost", {}), thing: request["role"]}
    return roles


def claimed_paths(request):
    return [*file_specs(request), *request.get("directories", {}), *request.get("links", {}), *request.get("absent", [])]


def others(ledger, role, kind, key):
    """Entry of another role that shares a thing, or None."""
    for other, entry in ledger["roles"].items():
        if other != role and key in entry[kind]:
            return entry[kind][key]
    return None


def path_changes(entry, wanted, ledger, role):
    """path → target, only where something has to be done: a spec, or {"prior": snapshot} for what the role lets go."""
    changes = {path: spec for path, spec in wanted.items() if not files.fits(path, spec) or lost_below(path, wanted)}
    for path, spec in changes.items():
        files.refuse_full(path, spec["kind"])  # what the role lets go is added below: it may hold what goes with it
    for path, owned in entry["paths"].items():
        if path not in wanted and others(ledger, role, "paths", path) is None:
            changes[path] = {"kind": owned["prior"]["kind"], "prior": owned["prior"]}
    return changes


def room(changes, staged):
    """(path, bytes) that storage.require has to find for what will be written, and in the host's own folder for what stands there now."""
    needs, kept = [], 0
    for path, target in changes.items():
        source = target["prior"].get("copy") if "prior" in target else staged + path
        needs.append((path, None if target["kind"] == "absent" else os.path.getsize(source) if target["kind"] == "file" else 0))
        kept += files.look(path).get("size", 0) + storage.BLOCK
    return [*needs, (store.BASE, store.size() + 2 * kept)]


def foreign_to(name, wanted, ledger):
    """What overrides a unit as the role takes it, but for what a role has made."""
    owned = {path for other in ledger["roles"].values() for path in other["paths"]}
    return [path for path in units.overrides(name) if path not in wanted and path not in owned]


def lost_below(path, wanted):
    """Whether a directory of the role's above `path` is something else on the host, such as a link: what is reached through it stays there."""
    above = path.rsplit("/", 1)[0]
    while above:
        if wanted.get(above, {}).get("kind") == "directory" and files.look(above)["kind"] in ("file", "link"):
            return True
        above = above.rsplit("/", 1)[0]
    return False


def overrides(request, entry, ledger, wanted):
    """Files of another hand that override a unit of the role's: path → absent. What stood there before the role is its owner's and stays."""
    owned = {path for other in ledger["roles"].values() for path, item in other["paths"].items() if not item.get("override")}
    before, taken = [path for path, item in entry["paths"].items() if item.get("override")], []
    for name in request.get("units", {}):
        taken += [path for path in before if touched([path], own_files(name))] + foreign_overrides(name, entry, owned)
    return {path: {"kind": "absent", "override": True} for path in taken if path not in wanted and path not in owned}


def foreign_overrides(name, entry, owned):
    """What overrides a unit, but for what stood there when the role took it (not known: nothing is foreign) and files of a role's."""
    known = entry["units"].get(name, {}).get("prior", {}).get("overrides")
    return [] if known is None else [path for path in units.overrides(name) if path not in known and path not in owned]


def touched(paths, triggers):
    """Whether a changed path is one of the triggers or lies below one that is a directory."""
    return any(path == trigger or path.startswith(trigger.rstrip("/") + "/") for path in paths for trigger in triggers)


def own_files(unit):
    """Paths that make up a unit itself: a change there is a restart."""
    return [f"{base}/{name}{suffix}" for base in (*units.OVERRIDING, *units.PLACES) for name in units.with_template(unit) for suffix in ("", ".d")]


def unit_actions(entry, wanted, states, changed, reread=False):
    """unit → what to do. A unit that the role lets go is put back to its prior state ("release").

    `reread`: a running unit reads its files again even if none changed, to set anew what another hand changed live."""
    actions = {}
    for name in sorted({*wanted, *entry["units"]}):
        spec = wanted[name] if name in wanted else entry["units"][name]
        restart = touched(changed, [*spec.get("restartOn", []), *own_files(name)])
        reload = touched(changed, spec.get("reloadOn", [])) or (reread and name in wanted)
        if name in wanted:
            action = units.verb(states[name], spec.get("state", "started"), restart, reload)
            on = states[name]["enabled"] in units.ON
            flip = spec.get("enabled", True) != on
        else:
            action, flip = "restart" if restart else "reload" if reload else "none", False
        actions[name] = {"action": action, "released": name not in wanted, "flip": flip, "renew": reread}
    return actions


def state_owned(request, ledger):
    """path → {"fresh": whether nothing stood there before any role listed it}, and the paths that no role has listed so far.

    To be asked before packages are installed, for they make such directories too.
    """
    known = {path: owned for entry in ledger["roles"].values() for path, owned in entry.get("state", {}).items()}
    owned = {path: known.get(path, {"fresh": not system.exists(path)}) for path in request.get("state", [])}
    return owned, [path for path in owned if path not in known]


def state_gone(roles, entry):
    """Directories of run-time data that a role let go, came after it, and no role (`roles`: the new ones) lists any more."""
    listed = {path for other in roles.values() for path in other.get("state", {})}
    return sorted(path for path, owned in entry.get("state", {}).items() if owned["fresh"] and path not in listed)


def take_prior(request, entry, wanted, states, ledger):
    """The new ledger entry: what was already ours keeps its prior; what is taken now is kept as a copy first."""
    role, backup = request["role"], f"{store.BASE}/backup/{request['role']}"
    fresh = empty_entry(request)
    adopted = []
    for path, spec in wanted.items():
        owned = entry["paths"].get(path) or others(ledger, role, "paths", path)
        if owned is None:
            prior = {"kind": "absent"} if lost_below(path, wanted) else files.snapshot(path, backup + path)
            if prior["kind"] in ("file", "link") and not files.fits(path, spec):
                adopted.append(path)
            owned = {"prior": prior}
        fresh["paths"][path] = {"kind": spec["kind"], "prior": owned["prior"], **({"override": True} if spec.get("override") else {})}
    for name, spec in request.get("units", {}).items():
        owned = entry["units"].get(name) or others(ledger, role, "units", name)
        prior = owned["prior"] if owned else states[name]
        fresh["units"][name] = {**spec, "prior": {"overrides": foreign_to(name, wanted, ledger), **prior}}
    for key, value in request.get("sysctls", {}).items():
        owned = entry["sysctls"].get(key) or others(ledger, role, "sysctls", key)
        fresh["sysctls"][key] = {"value": value, "prior": owned["prior"] if owned else system.read_sysctl(key)}
    for name in request.get("users", {}):
        owned = entry["users"].get(name) or others(ledger, role, "users", name)
        owned = owned or {"prior": request["_users"][name]}
        fresh["users"][name] = {**owned, **system.ids(name), "groups": sorted({*owned.get("groups", []), *request["_groups"]})}
    fresh["ports"] = ports.owned(request)
    fresh["packages"] = sorted(request.get("packages", []))
    return fresh, adopted
