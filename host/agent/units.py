"""systemd units: their state, and bringing them to the wanted one.

A state is {"load", "enabled", "active", "result", "type", "reloadable"}: `enabled` is systemd's UnitFileState ("" for a
unit that is not there), `active` its ActiveState (systemctl(1), org.freedesktop.systemd1(5)).
"""
import os
import time

import bus
import commands
import util

UNIT = {"load": "LoadState", "enabled": "UnitFileState", "active": "ActiveState", "sub": "SubState", "reloadable": "CanReload"}
"""Properties of every unit."""
KIND = {"result": "Result", "type": "Type"}
"""Those that a service has, and some other kinds."""
ON = ("enabled", "enabled-runtime", "static", "indirect", "generated", "alias", "linked", "linked-runtime", "transient")
RUNNING = ("active", "reloading", "activating", "refreshing")
SETTLE_SECONDS = 30
"""A unit that is still `activating` gets this long to become active."""


def states(names):
    """State of each unit, in one call."""
    if not names:
        return {}
    return told_by_bus(names) or told_by_systemctl(names)


def told_by_bus(names):
    """As `states`; None where there is no D-Bus."""
    fields = [
        (name, field, interface, told)
        for name in names
        for interface, known in (("Unit", UNIT), (name.rsplit(".", 1)[-1].capitalize(), KIND))
        for field, told in known.items()
    ]
    values = bus.properties([(name, interface, told) for name, _, interface, told in fields])
    if values is None:
        return None
    found = {name: {} for name in names}
    for (name, field, *_), value in zip(fields, values):
        found[name][field] = value
    return found


def told_by_systemctl(names):
    """As `states`."""
    told = {**UNIT, **KIND}
    text = commands.query(["systemctl", "show", "--property=Id," + ",".join(told.values()), "--", *names])
    if text is None:
        raise util.Failure("unit", "systemd did not answer `systemctl show`; is this host booted with systemd?")
    blocks = [dict(line.split("=", 1) for line in block.splitlines() if "=" in line) for block in text.strip("\n").split("\n\n")]
    found = {name: {field: block.get(word, "") for field, word in told.items()} for name, block in zip(names, blocks)}
    for state in found.values():
        state["reloadable"] = state["reloadable"] == "yes"
    return found


OVERRIDING = ("/etc/systemd/system", "/run/systemd/system", "/etc/systemd/system.control", "/run/systemd/system.control")
"""Where people, and `systemctl edit` and `set-property` for them, override a unit. Packages use /usr/lib, generators folders of their own."""

PLACES = ("/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")
"""Where units that override nothing lie (systemd.unit(5))."""


def with_template(name):
    """A unit, and the template that it is an instance of."""
    return [name, name.split("@")[0] + "@." + name.rsplit(".", 1)[-1]] if "@" in name else [name]


def overrides(name):
    """Files on the disk that override a unit, whether systemd has read them yet or not: a file of its name, drop-ins. A mask is none."""
    found = []
    for folder in (f"{base}/{each}" for base in OVERRIDING for each in with_template(name)):
        if os.path.isfile(util.at(folder)) and not os.path.islink(util.at(folder)):
            found.append(folder)
        drop_ins = util.at(folder + ".d")
        if os.path.isdir(drop_ins):
            found += [f"{folder}.d/{entry}" for entry in os.listdir(drop_ins) if entry.endswith(".conf")]
    return sorted(found)


def masked(state):
    return state["enabled"] in ("masked", "masked-runtime")


RELOAD = "/run/intranet-reload"
"""Stands while systemd has yet to read its units again for the sake of links alone. A boot reads them anyway, and empties /run."""


def daemon_reload():
    """Lets systemd read all its units again. It is the dearest of its commands: every generator runs, every unit is parsed."""
    commands.must(["systemctl", "daemon-reload"], "unit", "systemd could not read its units again")
    if os.path.exists(util.at(RELOAD)):
        os.unlink(util.at(RELOAD))


def reload_later():
    """Notes that `reload_owed` is to be called before the lock is given up."""
    os.makedirs(util.at("/run"), exist_ok=True)
    with open(util.at(RELOAD), "w"):
        pass


def reload_owed():
    """What `reload_later` asked for, also by a process that was killed since. Never fails: the next contact tries again."""
    try:
        if os.path.exists(util.at(RELOAD)):
            daemon_reload()
    except util.Failure as failure:
        util.progress(f"{failure}; the next contact tries again")


def read_as_new(places):
    """Whether systemd has by itself read the files (path → unit) of units that it did not know before."""
    text = commands.query(["systemctl", "show", "--property=LoadState,FragmentPath", "--", *places.values()])
    blocks = [set(block.splitlines()) for block in (text or "").strip("\n").split("\n\n")]
    return blocks == [{"LoadState=loaded", "FragmentPath=" + path} for path in places]


def runs(state):
    return state["active"] in RUNNING or (state["type"] == "oneshot" and state["active"] == "inactive" and state["sub"] == "exited")


def unmask(name):
    for runtime in ([], ["--runtime"]):
        commands.must(["systemctl", "unmask", *runtime, "--", name], "unit", f"unit {name} is masked and could not be unmasked")


def switch(states_before, wanted):
    """Enables and disables what is to be; a mask put on by hand is taken off first, unless the unit is to be off anyway.

    Both only make links on the disk. Returns the units whose links changed: systemd has to read them again."""
    on, off = [], []
    for name, spec in wanted.items():
        state, enabled = states_before[name], spec.get("enabled", True)
        if masked(state) and (enabled or spec.get("state", "started") == "started"):
            unmask(name)
            state = states([name])[name]
        if enabled and state["enabled"] not in ON:
            on.append(name)
        if not enabled and state["enabled"] in ("enabled", "enabled-runtime", "linked", "alias"):
            off.append(name)
    for word, names in (("enable", on), ("disable", off)):
        if names:
            what = f"unit {names[0]}" if len(names) == 1 else f"units {' '.join(names)}"
            commands.must(["systemctl", word, "--no-reload", "--", *names], "unit", f"{what} could not be {word}d")
    return [*on, *off]


def verb(state, wanted, changed_restart, changed_reload):
    """What has to be done to a unit: none, start, stop, reload or restart. Never restart what can be reloaded."""
    if wanted == "stopped":
        return "stop" if state["active"] not in ("inactive", "failed", "") else "none"
    if state["active"] not in RUNNING:
        return "start"
    if changed_restart:
        return "restart"
    if changed_reload:
        return "reload"
    return "none"


def act(name, action, reloadable=True, renew=False, known=True):
    """Does it and waits for systemd's answer; a failure carries the unit's own last words.

    `known`: systemd knew the unit before, so that it may have counted too many starts of it (StartLimitBurst, systemd.unit(5)). They are
    forgotten before and not only when it refuses: the change may have to be undone, by starting it again.
    `renew`: what the unit had set in the kernel was changed by another hand, so where a reload is not enough a restart follows."""
    if action == "none":
        return
    if known and action in ("start", "restart"):
        commands.run(["systemctl", "reset-failed", "--", name])
    word = "restart" if action == "reload" and not reloadable else action
    argv = ["systemctl", word, "--", name]
    code, output = commands.run(argv, timeout=150)
    if code != 0 and renew and word == "reload":
        return act(name, "restart")
    if code != 0:
        raise util.Failure("unit", f"unit {name} could not {word}", argv, code, (output + "\n" + last_words(name)).strip())


def settle(names):
    """Raises unless every started unit is running (or, for a oneshot, ended well) within SETTLE_SECONDS."""
    end = time.monotonic() + SETTLE_SECONDS
    while names:
        now = states(names)
        names = [name for name in names if not settled(name, now[name], time.monotonic() > end)]
        if names:
            time.sleep(0.2)


def settled(name, state, late):
    """Whether a unit is where it was to come; raises when it will not be, or when it is too `late`."""
    if state["active"] == "active":
        return True
    if state["type"] == "oneshot" and state["active"] == "inactive" and state["result"] == "success":
        return True
    if state["active"] not in ("activating", "reloading", "refreshing") or late:
        words = f"unit {name} is {state['active']} ({state['sub']}, result {state['result']}) right after it was started"
        raise util.Failure("unit", words, ["systemctl", "start", name], None, last_words(name))
    return False


def last_words(name):
    text = commands.query(["journalctl", "--no-pager", "-q", "-n", "20", "-o", "cat", "-u", name], timeout=20)
    return (text or "").strip()[-commands.OUTPUT_LIMIT :]


def turn_off(name, before, blocking=True):
    """First half of putting a unit back, while the files it runs with are still there: what was off goes off."""
    wait = [] if blocking else ["--no-block"]
    now = states([name])[name]
    if masked(now) and not masked(before):
        unmask(name)
        now = states([name])[name]
    if before["active"] not in RUNNING and (now["active"] in RUNNING or not blocking):
        commands.run(["systemctl", "stop", *wait, "--", name], timeout=150)
    if before["enabled"] not in ON and now["enabled"] in ("enabled", "enabled-runtime", "linked", "alias"):
        commands.run(["systemctl", "disable", "--", name])


def turn_on(name, before, action, blocking=True):
    """Second half, after files are as before: what was on goes on, and reads its old files if it had read new ones.

    `action` is what had been done to it. Returns an error text or None.
    """
    now = states([name])[name]
    if masked(before) and now["enabled"] != before["enabled"]:
        commands.run(["systemctl", "mask", *(["--runtime"] if before["enabled"] == "masked-runtime" else []), "--", name])
    elif before["enabled"] in ON and now["enabled"] not in ON and now["load"] != "not-found":
        commands.run(["systemctl", "enable", "--", name])
    if now["active"] == "failed" and before["active"] != "failed":
        commands.run(["systemctl", "reset-failed", "--", name])
    if before["active"] not in RUNNING or now["load"] == "not-found":
        return None
    if now["active"] not in RUNNING:
        word = "start"
    elif action == "none":
        return None
    else:
        word = "reload" if action == "reload" and now["reloadable"] else "restart"
    wait = [] if blocking else ["--no-block"]
    code, output = commands.run(["systemctl", word, *wait, "--", name], timeout=150)
    if code != 0 and word == "reload":
        word = "restart"  # it must not go on with what it has read in between
        code, output = commands.run(["systemctl", word, *wait, "--", name], timeout=150)
    return None if code == 0 else f"systemctl {word} {name} ended with {code}: {output}"
