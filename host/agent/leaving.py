"""Roles that hold the way by which this host is reached: they go by themselves, after the connection.

Asking for the removal of such a role only marks it, durably: that is the commitment. A job of the host's own removes what is
marked, soon after the last role of the stack was asked for, or after a while when others stay. It needs no connection. Nothing takes a
mark back but applying the role again: a job that dies is undone like any transaction, and begun again at the next boot.
"""
import os
import time

import cleanup
import commands
import rollback
import store
import units
import util

JOB = "intranet-leave"
MARK = store.BASE + "/leaving"
"""Stands while a role is marked: the condition under which boot looks (rollback.BOOT_TEXT)."""

SOON = 5
"""Seconds after the last role was asked for: its answer has to get out."""
PATIENCE = 300
"""Seconds after one was asked for while others of its stack stay: they may be asked for over the same way."""
LONGEST = 3600
"""Seconds after which systemd ends the job; it begins again at the next boot."""
ATTEMPTS = 5
PAUSE = 30
ENROLLED = "enrolment"
"""Id of a role that the enrolment script made and no resource has adopted yet."""


def another_way(wish):
    """Whether the tunnel that takes this one's place is there, and whoever asks is not answered through this one."""
    client = os.environ.get("SSH_CONNECTION", "").split(" ")[0]
    if not isinstance(wish, dict) or not client or not os.path.exists(util.at("/sys/class/net/" + wish["unless"])):
        return False
    code, output = commands.run(["ip", "-oneline", "route", "get", client])
    words = output.split()
    return code == 0 and "dev" in words and words[words.index("dev") + 1] != wish["interface"]


def ask(request, program):
    """Marks a role and sees to it that the job runs. Returns the result's fields."""
    lock = rollback.recover(store.Lock(300))
    rollback.persist(program)
    ledger = store.ledger()
    entry = ledger["roles"][request["role"]]
    entry["leaving"] = 1 + max(item.get("leaving", 0) for item in ledger["roles"].values())
    util.write_durably(MARK, b"", 0o600)
    util.step("mark")
    store.save_ledger(ledger)
    util.step("leaving")
    seconds = SOON if not staying(ledger, entry["owner"]) else PATIENCE
    start(request["tx"], seconds)
    lock.release()
    return {"ok": True, "state": "committed", "leaving": seconds, "warnings": []}


def staying(ledger, owner):
    """Roles of the same stack that a resource has and nobody has asked to leave."""
    return [
        name
        for name, entry in ledger["roles"].items()
        if store.same_stack(entry["owner"], owner) and "leaving" not in entry and entry["id"] != ENROLLED
    ]


def start(tx, seconds, after=None):
    """Starts the job in so many seconds, in place of one that waits; `after` delays it behind a unit of the boot.

    Each has a name of its own, so that one that runs is in nobody's way: two of them take turns by the host's lock."""
    commands.run(["systemctl", "stop", JOB + "-*.timer"])
    when = [f"--on-active={seconds}", "--timer-property=AccuracySec=100ms"] if after is None else ["--no-block", f"--property=After={after}"]
    commands.must(
        [
            "systemd-run", f"--unit={JOB}-{tx}", "--collect", "--quiet", f"--property=RuntimeMaxSec={LONGEST}", *when,
            "/usr/bin/python3", "-B", rollback.AGENT, "leave",
        ],
        "confirm",
        "the host could not start the job that removes the way in, so nothing was removed",
    )  # fmt: skip


def next_role():
    """(name, entry) of the marked role that was asked for first, or None."""
    marked = [(name, entry) for name, entry in store.ledger()["roles"].items() if "leaving" in entry]
    return min(marked, key=lambda item: item[1]["leaving"], default=None)


def forsaken():
    """Marks what an enrolment made and nothing has adopted, when everything else of its stack leaves."""
    ledger = store.ledger()
    leaving = [entry["owner"] for entry in ledger["roles"].values() if "leaving" in entry]
    last = max((entry.get("leaving", 0) for entry in ledger["roles"].values()), default=0)
    for entry in ledger["roles"].values():
        gone = any(store.same_stack(entry["owner"], owner) and not staying(ledger, owner) for owner in leaving)
        if "leaving" not in entry and entry["id"] == ENROLLED and gone:
            last += 1
            entry["leaving"] = last
    store.save_ledger(ledger)


def forget_mark():
    """Takes the mark away when no role is marked (any more)."""
    if next_role() is None and os.path.exists(MARK):
        os.unlink(MARK)


def settle(lock):
    """At each contact, with the lock: ends what a process that was killed after its commit has left to do. Returns the lock."""
    if store.journal() is None:
        for warning in cleanup.tidy():
            util.progress(warning)
        forget_mark()
        units.reload_owed()
    return lock


def work():
    """The job: removes every marked role, each in a transaction of its own. Returns whether all of them are gone."""
    if not os.path.exists(MARK):
        return True
    lock = rollback.recover(store.Lock(300))
    forsaken()
    lock.release()
    import transaction

    failures = 0
    while (found := next_role()) is not None:
        name, entry = found
        request = {"tx": os.urandom(8).hex(), "role": name, "owner": entry["owner"], "id": entry["id"], "remove": True}
        result = transaction.apply(request, None)
        util.step("left:" + name)
        if not result["ok"]:
            failures += 1
            if failures >= ATTEMPTS:
                return False
            time.sleep(PAUSE)
    if os.path.exists(MARK):
        settle(rollback.recover(store.Lock(300))).release()
    return True
