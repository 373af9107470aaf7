"""What comes after a transaction, with the host's lock: packages, users and folders that nobody wants any more.

Safe to repeat: what a process that was killed has left of it is done at the next contact.
"""
import files
import packages
import rollback
import store
import system
import util


def tidy():
    """What comes after a transaction, with the lock and at each contact. Safe to repeat; with the last role nothing of ours stays. Returns warnings."""
    ledger = store.ledger()
    warnings = finish(ledger)
    rollback.prune_backups(ledger)
    util.step("tidied")
    if not ledger["roles"] and not ledger["installed"]:
        rollback.forget_everything()
    return warnings


def finish(ledger):
    """Removes what the last commit left to remove; what cannot be removed is said and not tried for ever."""
    after = ledger.get("after", {})
    if not any(after.values()) and not ledger.get("made"):
        return []
    warnings = []
    for path in after.get("state", []):
        try:
            files.clear(path)
        except OSError as error:
            warnings.append(f"{path} could not be removed with all it holds: {error}")
        util.step("cleared:" + path)
    for path in sorted(ledger.get("made", []), reverse=True):
        if not any(path in entry["paths"] for entry in ledger["roles"].values()):
            files.discard(path)
    warnings += [system.restore_user(name, before) for name, before in after.get("users", {}).items()]
    system.remove_groups(after.get("groups", []))
    unwanted = set(after.get("packages", []))
    if unwanted:
        warnings += purge(unwanted)
        for name in unwanted:
            ledger["installed"].pop(name, None)
    made = [path for path in ledger.get("made", []) if system.exists(path)]
    if any(after.values()) or made != ledger.get("made", []):
        ledger.update(made=made, after={})
        store.save_ledger(ledger)
    return [warning for warning in warnings if warning]


def purge(unwanted):
    """Purges packages unless something else on the host has come to depend on them. Returns what stayed, in words."""
    packages.repair()
    going = packages.simulate_purge(unwanted)
    if going is None or not going <= unwanted:
        kept = sorted(going - unwanted) if going else []
        alone = {name for name in unwanted if (packages.simulate_purge([name]) or {"?"}) <= unwanted}
        problem = packages.purge(alone) if alone else None
        return [f"packages {' '.join(sorted(unwanted - alone))} stay: {' '.join(kept) or 'others'} depend on them"] + ([problem] if problem else [])
    problem = packages.purge(unwanted)
    return [problem] if problem else []
