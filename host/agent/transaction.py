"""Applying a role: stage, check, change, probe; all of it or nothing.

Order: package sources, packages, (roll-back armed,) users, staged files, their checkers, units that stop, files, sysctls, units that
start or read anew, probes. The journal is written before each part, so whoever comes next can undo what was begun.
"""
import os

import adoption
import cleanup
import files
import packages
import perform
import plan
import ports
import probes
import rollback
import session
import storage
import store
import system
import units
import util

LONGEST_CHANGE = 600
"""Seconds a change may take with the roll-back armed, checks and probes apart; then the host undoes it."""


LOCK_SECONDS = 300
"""So long is waited for another transaction on the host."""


def apply(request, program):
    """Brings the role to what the request says (an empty request lets everything go). Returns the result's fields."""
    lock = rollback.recover(store.Lock(LOCK_SECONDS))
    try:
        return begin(request, program)
    finally:
        leave(lock)


def leave(lock):
    """Gives up the host's lock, after what several transactions leave to the last of them."""
    units.reload_owed()
    lock.release()


def begin(request, program):
    """One transaction, with the host's lock in hand and nothing to recover."""
    ledger = store.ledger()
    cleanup.finish(ledger)
    plan.check_claims(request, ledger)
    ports.refuse_taken(request, ledger)
    for note in adoption.sysctl_notes(request, ledger):
        util.progress(note)
    storage.require([(store.BASE, store.size() + sum(len(spec["content"].encode()) for spec in plan.file_specs(request).values()))])
    rollback.persist(program)
    journal = {
        "tx": request["tx"],
        "role": request["role"],
        "state": "open",
        "pid": os.getpid(),
        "started": rollback.process_start(),
        "confirm": 0,
        "ledger": ledger,
        "undo": rollback.nothing_to_undo(),
    }
    util.step("begun")
    try:
        return change(request, ledger, journal)
    except Exception as error:
        return failed(error, journal)


def failed(error, journal):
    """Undoes what was begun and says what happened and what is left of it."""
    report = storage.explain(error).report()
    left = []
    if store.journal() is not None:
        util.progress("putting the earlier state back")
        left = rollback.undo(journal, report["message"])
    rollback.clean()
    return {"ok": False, **report, "rolledBack": not left, "leftovers": left}


def change(request, ledger, journal):
    role, tx = request["role"], request["tx"]
    entry = ledger["roles"].get(role) or plan.empty_entry(request)
    staged = f"{store.BASE}/tx/{tx}/staged"
    stood = {path for path in plan.claimed_paths(request) if system.exists(path)}
    state, first = plan.state_owned(request, ledger)
    journal["undo"]["state"] = [path for path in first if state[path]["fresh"]]
    brought, entry = bring_packages(request, journal, entry)
    if request.get("confirm"):
        arm(request, journal)
    bring_users(request, entry, journal)
    plan.stage(request, staged)
    util.step("staged")
    for check in request.get("checks", []):
        system.run_check(check, staged)
    util.step("checked")

    wanted = plan.specify(request)
    wanted.update(plan.overrides(request, entry, ledger, wanted))
    stood |= {path for path, spec in wanted.items() if spec.get("override")}
    changes = plan.path_changes(entry, wanted, ledger, role)
    states = units.states(sorted({*request.get("units", {}), *entry["units"]}))
    actions = plan.unit_actions(entry, request.get("units", {}), states, list(changes), request.get("reread", False))
    fresh, adopted = plan.take_prior(request, entry, wanted, states, ledger)
    fresh["state"] = state
    sysctls = sysctl_changes(request, entry, ledger)
    storage.require(plan.room(changes, staged))
    remember(journal, changes, wanted, states, actions, sysctls)
    storage.take_reserve(store.reserve(tx))
    store.save_journal(journal)
    util.step("journaled")

    perform.perform(request, entry, changes, states, actions, sysctls, staged)
    doubts = probes.run_all(request.get("probes", []))
    util.step("probed")
    observed = system.observe(request.get("live", {}))
    new = next_ledger(request, ledger, fresh, brought, journal["undo"]["made"])
    store.save_ledger(new)
    util.step("ledger")
    result = {
        "ok": True,
        "state": "committed",
        "machine": system.machine_id(),
        "observed": observed,
        "changed": sorted([*changes, *(name for name, item in actions.items() if item["action"] != "none"), *sysctls, *brought]),
        "adopted": {path: f"/var/lib/intranet/backup/{role}{path}" for path in adopted if path in stood},
        "warnings": doubts,
    }
    if request.get("confirm"):
        return await_confirmation(request, journal, result)
    return {**result, "warnings": [*doubts, *commit(journal, result)]}


def arm(request, journal):
    """Before anything changes that the way in depends on, users included: the host undoes it even if this process dies."""
    journal["confirm"] = request["confirm"]
    looking = sum(probe.get("timeoutSeconds", 30) for probe in request.get("probes", [])) + 60 * len(request.get("checks", []))
    rollback.arm(request["tx"], LONGEST_CHANGE + looking, "change")
    util.step("armed")


def bring_packages(request, journal, entry):
    """Installs what is missing, after the sources that it comes from. Returns what came, and the role's entry with those sources."""
    missing = packages.missing(request.get("packages", []))
    before = packages.installed() if missing else set()
    if missing:
        journal["undo"]["packages"] = packages.states()
        store.save_journal(journal)
        util.step("packages")
    archives = {}
    if request.get("packageSources"):
        import sources

        fresh, archives = sources.take(request, entry, missing, journal["tx"])
        plan.check_claims(request, journal["ledger"])
        entry = sources.place(request, journal, fresh, entry)
    if not missing:
        return [], entry
    packages.install([name for name in missing if name not in archives], list(archives.values()))
    util.step("installed")
    return sorted(packages.installed() - before), entry


def bring_users(request, entry, journal):
    request["_users"] = {name: system.user(name) for name in request.get("users", {})}
    request["_groups"] = system.missing_groups(request.get("users", {}))
    begun = {name: before for name, before in request["_users"].items() if not system.user_fits(name, request["users"][name])}
    if not begun:
        return
    journal["undo"].update(users=begun, groups=request["_groups"])
    journal["undo"]["state"] += [home for name, before in begun.items() if (home := system.new_home(request["users"][name], before, name))]
    store.save_journal(journal)
    util.step("users")
    for name in begun:
        system.make_user(name, request["users"][name], entry["users"].get(name, {}))


def sysctl_changes(request, entry, ledger):
    """key → value to set live, let-go keys included (their prior value, unless another role wants the key)."""
    changes = {key: value for key, value in request.get("sysctls", {}).items() if not system.same_sysctl(key, value)}
    for key, owned in entry["sysctls"].items():
        if key not in request.get("sysctls", {}) and owned["prior"] is not None:
            if plan.others(ledger, request["role"], "sysctls", key) is None:
                changes[key] = owned["prior"]
    return changes


def remember(journal, changes, wanted, states, actions, sysctls):
    """Everything that is about to change goes into the journal as it stands now."""
    back = journal["undo"]
    for number, path in enumerate(sorted(changes)):
        lost = plan.lost_below(path, wanted)
        back["paths"][path] = {"kind": "absent"} if lost else files.snapshot(path, f"{store.BASE}/tx/{journal['tx']}/old/{number}")
        back["made"] += [parent for parent in files.missing_parents(path) if parent not in back["made"]]
    for name, item in actions.items():
        if item["action"] != "none" or item["flip"] or item["released"] or plan.touched(list(changes), plan.own_files(name)):
            back["units"][name] = {"state": states[name], "action": item["action"]}
    for key in sysctls:
        back["sysctls"][key] = system.read_sysctl(key)


def next_ledger(request, ledger, fresh, brought, made):
    role = request["role"]
    roles = plan.hand_over(request, ledger)
    if not request.get("remove"):
        roles[role] = fresh
    tops = [name for name in sorted(request.get("packages", [])) if name in brought]  # What came, came with these.
    installed = {**ledger["installed"], **{name: tops or sorted(request["packages"]) for name in brought}}
    claimed = {name for entry in roles.values() for name in entry["packages"]}
    unwanted = {name for name, tops in installed.items() if name not in claimed and not claimed & set(tops)}
    gone = [name for name, owned in (ledger["roles"].get(role) or {"users": {}})["users"].items() if request.get("remove") or name not in fresh["users"]]
    users = {
        name: ledger["roles"][role]["users"][name]
        for name in gone
        if plan.others({"roles": roles}, role, "users", name) is None
    }
    groups = sorted({group for owned in users.values() for group in owned.get("groups", [])})
    return {
        "roles": roles,
        "installed": installed,
        "made": sorted({*ledger.get("made", []), *made}),
        "after": {
            "packages": sorted(unwanted),
            "users": {name: owned["prior"] for name, owned in users.items()},
            "groups": groups,
            "state": plan.state_gone(roles, ledger["roles"].get(role, {})),
        },
    }


def await_confirmation(request, journal, result):
    """From here on only `confirm` over a new connection keeps the change; the timer's time starts now."""
    tx, seconds, now = request["tx"], request["confirm"], rollback.boottime()
    journal.update(state="awaiting", seconds=seconds, since=now, deadline=now + seconds, way=session.current(), result=result)
    rollback.arm(tx, seconds, "confirm")
    util.step("armed again")
    store.save_journal(journal)
    rollback.disarm(f"{tx}-change")
    store.save_outcome(tx, {"state": "awaiting"})
    util.step("awaiting")
    return {**result, "state": "awaiting", "seconds": seconds}


def commit(journal, result):
    """Ends the transaction and does what comes after it: packages, users and folders that nobody wants any more."""
    tx = journal["tx"]
    storage.give_reserve(store.reserve(tx))
    store.save_outcome(tx, {"state": "committed", "result": result})
    for path in journal["undo"]["paths"]:
        files.forget_kept(path)
    util.step("forgot the old")
    store.end_transaction()
    rollback.disarm()
    return cleanup.tidy()


def confirm(tx):
    """Keeps a change that awaits its confirmation. Raises when the host has undone it already, or when this request proves nothing."""
    lock = store.Lock(60)
    journal = store.journal()
    if journal is None or journal["tx"] != tx or journal["state"] != "awaiting":
        past = store.outcome(tx) or {}
        if past.get("state") == "committed":
            return past["result"]
        raise util.Failure("confirm", "the host undid this change before it was confirmed: " + past.get("reason", "reason unknown"))
    doubt = session.doubt(session.current(), journal.get("way"), journal["since"])
    if doubt:
        raise util.Failure("confirm", f"this is no proof that the way in is open: {doubt}")
    result = journal["result"]
    warnings = commit(journal, result)
    lock.release()
    return {**result, "warnings": [*result.get("warnings", []), *warnings]}
