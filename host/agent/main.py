"""Entry points of the agent.

From memory, over SSH: `serve`, with one request, answered by JSON lines (progress …, then one result). From disk, on the
host by itself: `rollback TX` (the armed timer), `boot` (before the network starts) and `leave` (the job of leaving.py).
"""
import _signal as signal  # see util.py
import os
import sys
import time

import facts
import leaving
import notation
import rollback
import storage
import store
import system
import util


def serve(bundle):
    """Runs bundle["request"], JSON or JSON compressed; the rest of `bundle` is this program itself, as rollback.persist keeps it on the host before a change."""
    text = bundle["request"]
    if not text.startswith(b"{"):
        import zlib

        text = zlib.decompress(text)
    request = notation.loads(text)
    util.hide(request.get("secrets", []))
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the change may cut the connection that it came by: it ends all the same
    signal.signal(signal.SIGTERM, interrupted)
    os.umask(0o077)
    util.heartbeat()
    result = answer(lambda: ACTIONS[request["action"]](request, bundle))
    util.emit("result", clock=time.time(), **result)
    return 0


def answer(work):
    """The fields that `work` returns, or those that say why it failed."""
    try:
        return work()
    except util.Failure as failure:
        return {"ok": False, **failure.report(), "rolledBack": True, "leftovers": []}
    except Exception as error:
        report = storage.explain(error).report()
        return {"ok": False, **report, "rolledBack": store.journal() is None, "leftovers": []}


STOPPED = []
"""Not empty once the agent was told to stop."""


def interrupted(_number, _frame):
    STOPPED.append(True)
    refuse_stopped()


def refuse_stopped():
    if STOPPED:
        raise util.Failure("interrupted", "the agent was told to stop")


def apply(request, program):
    import transaction

    return transaction.apply(request, program)


def apply_each(request, program):
    """Several roles, each in a transaction of its own with an event "answer" of its own at its end; none needs a confirmation.

    The host's lock is held until the last has ended, so whoever asks how one of them ended waits for that.
    """
    import transaction

    lock = store.Lock(transaction.LOCK_SECONDS)
    try:
        for number, one in enumerate(request["requests"]):
            util.hide(one["secrets"])
            util.ABOUT["of"] = number
            refuse_stopped()
            lock = rollback.recover(lock)
            util.emit("answer", **answer(lambda one=one: transaction.begin(one, program)))
    finally:
        util.ABOUT.clear()
        transaction.leave(lock)
    return {"ok": True}


def read(request, _program):
    """Facts of the roles in `requests`, if there are any; an interrupted change is undone first, for its half-made state is nobody's."""
    if rollback.anything():
        lock = leaving.settle(rollback.recover(store.Lock(300)))
        try:
            return {"ok": True, "answers": facts.read(request.get("requests", []))}
        finally:
            lock.release()
    return {"ok": True, "answers": facts.read(request.get("requests", []))}


def survey(request, _program):
    import adoption

    return adoption.survey(request)


def remove(request, program):
    """Lets everything of a role go. A role that is not there, or is another resource's by now, is left alone."""
    if rollback.anything():
        leaving.settle(rollback.recover(store.Lock(300))).release()
    entry = store.ledger()["roles"].get(request["role"])
    if entry is None or entry["id"] != request["id"]:
        return {"ok": True, "state": "committed", "machine": "", "observed": {}, "changed": [], "adopted": {}, "warnings": []}
    if request.get("beforeDelete"):
        import probes
    for probe in request.get("beforeDelete", []):
        probes.run(probe)
    if request.get("lastWay") and not leaving.another_way(request["lastWay"]):
        return leaving.ask(request, program)
    import transaction

    bare = {key: value for key, value in request.items() if key in ("tx", "role", "owner", "id", "confirm", "secrets")}
    return transaction.apply({**bare, "remove": True}, program)


def confirm(request, _program):
    import transaction

    return transaction.confirm(request["tx"])


def outcome(request, _program):
    """How a transaction ended whose answer was lost: running, awaiting, committed, rolled-back or unknown.

    Waits for one that still runs, and undoes one that died. Leaves nothing on a host that has no role.
    """
    if not rollback.anything():
        return {"ok": True, "state": "unknown"}
    lock = store.Lock(300)
    journal = store.journal()
    if journal and journal["tx"] == request["tx"] and rollback.waits(journal):
        return {**journal["result"], "state": "awaiting", "seconds": journal["seconds"]}
    lock = rollback.recover(lock)
    past = store.outcome(request["tx"]) or {"state": "unknown"}
    leaving.settle(lock).release()
    return {"ok": True, **past}


ACTIONS = {"apply": apply, "applyEach": apply_each, "read": read, "survey": survey, "remove": remove, "confirm": confirm, "outcome": outcome}


def timer(tx):
    """The armed timer ran out: undo, even if the process that changes things hangs with the lock. Returns whether all of it is undone."""
    try:
        lock = store.Lock(5)
    except util.Failure:
        journal = store.journal()
        if journal and journal["tx"] == tx:
            rollback.kill_holder(journal)
        lock = store.Lock(60)
    journal = store.journal()
    if journal and journal["tx"] == tx:
        rollback.undo(journal, f"nobody confirmed it over a new connection within {journal.get('seconds', 'the allowed')} s")
    lock.release()
    return store.journal() is None or store.journal()["tx"] != tx


def boot():
    lock = store.Lock(60)
    journal = store.journal()
    if journal:
        rollback.undo(journal, "the host went down in the middle of the change and undid it at boot", boot=True)
    rollback.clean()
    lock.release()
    again = store.journal()
    if again and again["undo"]["paths"]:
        rollback.arm(again["tx"], rollback.AGAIN_SECONDS, "boot")
    if os.path.exists(leaving.MARK):
        leaving.start("boot", 0, after="multi-user.target")


def run(words):
    """The program on the disk; its exit code."""
    os.umask(0o077)
    if words[:1] == ["rollback"]:
        return 0 if timer(words[1]) else 1
    if words == ["boot"]:
        boot()
    if words == ["leave"]:
        return 0 if leaving.work() else 1
    return 0
