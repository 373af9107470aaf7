"""What the agent keeps on the host: ledger (who owns what), journal (how to undo the open transaction), outcomes.

Everything lies in /var/lib/intranet, mode 0700. One transaction is open at a time, so there is one journal; removing that
one file is what commits (or ends a roll-back).
"""
import fcntl
import os
import time

import notation
import util

BASE = util.at("/var/lib/intranet")
LEDGER = BASE + "/ledger.json"
AGENT = BASE + "/agent.pyz"
JOURNAL = BASE + "/journal.json"
OUTCOMES = BASE + "/outcomes"
KEPT_OUTCOMES = 20


def reserve(tx):
    """Folder of what storage.take_reserve keeps free for undoing a transaction."""
    return f"{BASE}/tx/{tx}"


def size():
    """Bytes that ledger, journal and outcome of one transaction may come to; each is written beside the one before."""
    return 4 * (os.path.getsize(LEDGER) if os.path.exists(LEDGER) else 0) + (1 << 18)


def prepare():
    os.makedirs(BASE, mode=0o700, exist_ok=True)
    os.chmod(BASE, 0o700)


class Lock:
    """The host's lock. `seconds` bounds the wait; it is released when the process ends, however that happens."""

    def __init__(self, seconds):
        end = time.monotonic() + seconds
        told = False
        while True:
            prepare()  # the last role's removal may have taken the folder away in the meantime
            try:
                self.file = open(BASE + "/lock", "a")
            except FileNotFoundError:
                continue
            try:
                fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if self._current():
                    return
            except BlockingIOError:
                pass
            self.file.close()
            if time.monotonic() > end:
                raise util.Failure(
                    "lock",
                    f"another transaction holds this host's lock for more than {seconds} s; wait until it has ended and run `pulumi up` again",
                )
            if not told:
                util.progress("waiting for another transaction on this host")
                told = True
            time.sleep(0.2)

    def _current(self):
        # The last role's removal deletes the folder: a lock on a deleted file protects nothing.
        try:
            return os.fstat(self.file.fileno()).st_ino == os.stat(BASE + "/lock").st_ino
        except FileNotFoundError:
            return False

    def release(self):
        self.file.close()


def _load(path, default):
    try:
        with open(path, "rb") as source:
            return notation.loads(source.read())
    except FileNotFoundError:
        return default
    except ValueError as error:
        raise util.Failure(
            "refused",
            f"{path} on this host is damaged ({error}), and without it nobody knows what is whose there. Put it back from a backup of the host; or move it "
            f"away and run `pulumi up --refresh`: then roles are made anew, and what stood there before them is in {BASE}/backup alone",
        )


def _save(path, value):
    import json

    util.write_durably(path, json.dumps(value, sort_keys=True).encode(), 0o600)


def ledger():
    """{"roles": {role: {owner, id, paths, made, units, sysctls, users, packages}}, "installed": {package: 1}}"""
    return _load(LEDGER, {"roles": {}, "installed": {}})


def save_ledger(value):
    _save(LEDGER, value)


def journal():
    return _load(JOURNAL, None)


def save_journal(value):
    _save(JOURNAL, value)


def end_transaction():
    """The commit point: without a journal there is nothing to undo. What lies about afterwards is only rubbish."""
    os.unlink(JOURNAL)
    util.sync_directory(BASE)
    util.step("ended")
    sweep()


def sweep():
    """Removes what a killed process left here when no transaction is open: staging folders, half-written files."""
    if not os.path.exists(JOURNAL):
        if os.path.exists(BASE + "/tx"):
            util.remove_tree(BASE + "/tx", quiet=True)
        for folder, _, names in os.walk(BASE):
            for name in names:
                if name.startswith(".") and name.endswith(".intranet-new"):
                    os.unlink(os.path.join(folder, name))


def outcome(tx):
    return _load(f"{OUTCOMES}/{tx}.json", None)


def save_outcome(tx, value):
    os.makedirs(OUTCOMES, mode=0o700, exist_ok=True)
    _save(f"{OUTCOMES}/{tx}.json", value)
    # By the clock, which may be set back at any time: the one that was just written never goes.
    names = sorted(os.listdir(OUTCOMES), key=lambda name: (name == f"{tx}.json", os.path.getmtime(f"{OUTCOMES}/{name}")))
    for name in names[:-KEPT_OUTCOMES]:
        os.unlink(f"{OUTCOMES}/{name}")


def forget_records():
    """After the last role: only the agent stays, its lock, and the mark of a removal (leaving.MARK), until they go as well."""
    for name in set(os.listdir(BASE)) - {os.path.basename(AGENT), "lock", "leaving"}:
        path = f"{BASE}/{name}"
        util.remove_tree(path) if os.path.isdir(path) else os.unlink(path)


def same_stack(one, other):
    """Owners are project/stack/resource."""
    return one.split("/")[:2] == other.split("/")[:2]
