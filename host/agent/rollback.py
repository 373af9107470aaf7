"""Undoing the open transaction: after a failure, at the next contact, by the armed timer, or at boot.

The journal says what stood there before; every step here may be repeated, for the process that undoes can be killed too.
"""
import _signal as signal  # see util.py
import os
import time

import commands
import files
import packages
import storage
import store
import system
import units
import util

TIMER = "intranet-rollback"
AGAIN_SECONDS = 10
"""Pause before a roll-back that could not put everything in its place tries again."""

AGENT = store.AGENT
BOOT_UNIT = "/etc/systemd/system/intranet-recover.service"
BOOT_LINK = "/etc/systemd/system/sysinit.target.wants/intranet-recover.service"
BOOT_TEXT = """# Managed by pulumi-intranet: undoes a configuration change that a crash or power cut interrupted, and goes on with a removal.
[Unit]
Description=Undo an interrupted configuration change of pulumi-intranet
DefaultDependencies=no
After=local-fs.target
Before=sysinit.target network-pre.target systemd-sysctl.service systemd-networkd.service intranet-firewall.service
Before=nftables.service netfilter-persistent.service ufw.service firewalld.service
ConditionPathExists=|/var/lib/intranet/journal.json
ConditionPathExists=|/var/lib/intranet/leaving
ConditionPathExists=|!/var/lib/intranet/agent.pyz

[Service]
Type=oneshot
# Without its program there is nothing left to do but to end the removal that has taken it.
ExecStart=/bin/sh -c 'set -e; cd /var/lib; ! [ -e intranet/agent.pyz ] || exec /usr/bin/python3 -B intranet/agent.pyz boot; \
  [ -e intranet/ledger.json ] || rm -rf intranet /etc/systemd/system/sysinit.target.wants/intranet-recover.service /etc/systemd/system/intranet-recover.service'

[Install]
WantedBy=sysinit.target
"""


def boottime():
    return time.clock_gettime(time.CLOCK_BOOTTIME)


START = "import sys\nimport main\nsys.exit(main.run(sys.argv[1:]))\n"


def archive(program):
    """The program as one file, which ends in its digest: source, and beside it what this host's Python compiles it to."""
    import importlib.util  # all of these cost more than a small change, and are needed once
    import io
    import marshal
    import zipfile

    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as bundle:
        for name, source in [*program["modules"](), ("__main__", START)]:
            bundle.writestr(zipfile.ZipInfo(name + ".py"), source, zipfile.ZIP_DEFLATED)
            # As PEP 552 has it: compiled from a source that nobody compares it with. Another Python passes it over.
            head = importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little") + bytes(8)
            code = head + marshal.dumps(compile(source, name + ".py", "exec"))
            bundle.writestr(zipfile.ZipInfo(name + ".pyc"), code, zipfile.ZIP_DEFLATED)
        bundle.comment = program["digest"]
    return made.getvalue()


def kept_digest(length):
    """The digest in which the program on the disk ends; nothing where none is."""
    try:
        with open(AGENT, "rb") as source:
            source.seek(-length, os.SEEK_END)
            return source.read()
    except OSError:
        return b""


def persist(program):
    """Keeps the agent on disk and hooks it into boot, before the first change: it must be able to undo by itself.

    `program`: this program's "digest", and its "modules", a function that gives names and sources; None: it is kept already. "sent": it
    runs from what was sent, for the host has no such program or one that does not run. One file, so that a kill leaves the old program or
    the new one and no mix: an archive that Python runs (zipapp in its documentation)."""
    if program and (program.pop("sent", False) or kept_digest(len(program["digest"])) != program["digest"]):
        util.write_durably(AGENT, archive(program), 0o600)
    if not system.exists(BOOT_UNIT) or open(util.at(BOOT_UNIT)).read() != BOOT_TEXT:
        files.place(BOOT_UNIT, BOOT_TEXT.encode(), 0o644, None, None)
    if not system.exists(BOOT_LINK):
        files.link(BOOT_LINK, BOOT_UNIT)


def arm(tx, seconds, phase):
    """The host undoes `tx` by itself after so many seconds, and tries again until it is undone. A reboot before that undoes it at boot.

    Each phase ("change", then "confirm") has a timer of its own, so that one is armed before the other is disarmed."""
    commands.must(
        [
            "systemd-run", f"--unit={TIMER}-{tx}-{phase}", f"--on-active={seconds}", "--timer-property=AccuracySec=100ms", "--quiet", "--collect",
            "--property=Restart=on-failure", f"--property=RestartSec={AGAIN_SECONDS}",
            "/usr/bin/python3", "-B", AGENT, "rollback", tx,
        ],
        "confirm",
        "the host could not arm its roll-back timer, so nothing was changed",
    )  # fmt: skip


def disarm(begin=""):
    """Stops a transaction's timers, or those whose names begin so: `TX-change` is the one of the first phase alone."""
    folder, begin = util.at("/run/systemd/transient"), f"{TIMER}-{begin}"
    if os.path.isdir(folder) and any(name.startswith(begin) and name.endswith(".timer") for name in os.listdir(folder)):
        commands.run(["systemctl", "stop", f"{begin}*.timer"])


def kill_holder(journal):
    """Ends the process of a transaction whose time is up while it still holds the lock (a command that hangs)."""
    try:
        with open(f"/proc/{journal['pid']}/stat") as source:
            started = source.read().rsplit(")", 1)[1].split()[19]
        if started == journal["started"] and journal["pid"] != os.getpid():
            os.kill(journal["pid"], signal.SIGKILL)
    except (OSError, KeyError, IndexError):
        pass


def process_start():
    with open(f"/proc/{os.getpid()}/stat") as source:
        return source.read().rsplit(")", 1)[1].split()[19]


def waits(journal):
    """Whether a change is whole and may still be confirmed."""
    left = journal.get("deadline", 0) - boottime()
    return journal["state"] == "awaiting" and 0 < left <= journal["seconds"] + 1


def recover(lock):
    """At each contact, with the lock: waits for a change that awaits its confirmation, undoes one that died.

    Returns the lock (it is given up while waiting).
    """
    told = False
    while True:
        journal = store.journal()
        if journal is None:
            clean()
            return lock
        if not waits(journal):
            util.progress(f"undoing an interrupted change of role {journal['role']}")
            left = undo(journal, "the process that made this change died or lost its way in; the host undid it at the next contact")
            if store.journal() is not None:
                words = f"an interrupted change of role {journal['role']} could not be undone yet: " + "; ".join(left)
                raise util.Failure("internal", words)
            continue
        if not told:
            util.progress(f"role {journal['role']} waits for its confirmation; the host decides within {int(journal['deadline'] - boottime()) + 1} s")
            told = True
        lock.release()
        time.sleep(0.3)
        lock = store.Lock(60)


def clean():
    """Removes what a killed process may have left where no transaction is open: timers, half-written files, copies nobody needs."""
    if store.journal() is not None:
        return
    disarm()
    packages.clear_policy()
    for path in (BOOT_UNIT, BOOT_LINK):
        files.clear_temporary(path)
    store.sweep()
    prune_backups(store.ledger())


def nothing_to_undo():
    """The undo part of a journal: what stood there before, of all that is about to change."""
    return {"units": {}, "paths": {}, "made": [], "sysctls": {}, "users": {}, "groups": [], "packages": None, "state": []}


def undo(journal, reason, boot=False):
    """Puts everything back that the journal lists. Returns what could not be put back, in words."""
    left = []
    back = journal["undo"]
    storage.give_reserve(store.reserve(journal["tx"]))

    def attempt(action, what):
        try:
            problem = action()
        except (util.Failure, OSError) as error:
            problem = f"{what}: {error}"
        if problem:
            left.append(util.redact(problem))
        return problem

    for name, before in back["units"].items():
        attempt(lambda name=name, before=before: units.turn_off(name, before["state"], not boot), name)
    util.step("undo:units-off")
    stuck = False
    for path, saved in reversed(list(back["paths"].items())):
        stuck = bool(attempt(lambda path=path, saved=saved: files.put_back(path, saved), path)) or stuck
        util.step("undo:" + path)
    for path in back.get("state", []):
        attempt(lambda path=path: files.clear(path), path)
    for path in sorted(back["made"], reverse=True):
        attempt(lambda path=path: files.discard(path), path)
    if back["units"] or any(path.startswith("/etc/systemd/") for path in back["paths"]):
        attempt(units.daemon_reload, "daemon-reload")
    for key, value in back["sysctls"].items():
        if value is not None and not system.same_sysctl(key, value):
            attempt(lambda key=key, value=value: system.write_sysctl(key, value), key)
    for name, before in back["units"].items():
        attempt(lambda name=name, before=before: units.turn_on(name, before["state"], before["action"], not boot), name)
    util.step("undo:units-on")
    for name, before in back["users"].items():
        attempt(lambda name=name, before=before: system.restore_user(name, before), name)
    attempt(lambda: system.remove_groups(back.get("groups", [])), "groups")
    if back["packages"] is not None:
        if boot:  # dpkg stops services, which cannot be waited for this early: the next contact does it
            if not stuck:
                journal["undo"] = {**nothing_to_undo(), "packages": back["packages"]}
            journal["state"] = "open"
            store.save_journal(journal)
            return left
        attempt(lambda: packages.take_back(back["packages"]), "packages")
    packages.clear_policy()
    util.step("undo:packages")
    attempt(lambda: store.save_outcome(journal["tx"], {"state": "rolled-back", "reason": reason, "leftovers": left}), "outcome")
    if stuck:
        return left  # the journal stays: the next contact tries again
    if store.ledger() != journal["ledger"]:
        store.save_ledger(journal["ledger"])
    store.end_transaction()
    clean()
    return left


def prune_backups(ledger):
    """Removes kept copies that no role refers to."""
    kept = {
        snapshot["prior"].get("copy")
        for entry in ledger["roles"].values()
        for snapshot in entry["paths"].values()
    }
    root = store.BASE + "/backup"
    for folder, _, names in os.walk(root, topdown=False):
        for name in names:
            if os.path.join(folder, name) not in kept:
                os.unlink(os.path.join(folder, name))
        if folder != root and not os.listdir(folder):
            os.rmdir(folder)


def anything():
    """Whether anything of ours is on this host: also the hook alone, of a removal that was killed at its very end."""
    return os.path.exists(store.BASE) or system.exists(BOOT_UNIT) or system.exists(BOOT_LINK)


def forget_everything():
    """After the last role: neither the boot hook nor the agent nor its folder stays. Whoever begins this ends it, at a later boot if need be."""
    store.forget_records()
    util.step("forgot:records")
    if os.path.exists(AGENT):
        os.unlink(AGENT)  # from here on the boot hook ends it
    util.step("forgot:agent")
    util.remove_tree(store.BASE, quiet=True)
    util.step("forgot:folder")
    if system.exists(BOOT_UNIT):
        units.reload_later()  # systemd would go on to name it
    files.discard(BOOT_LINK)
    util.step("forgot:hook")
    files.discard(BOOT_UNIT)
    units.reload_owed()
