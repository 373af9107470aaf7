"""systemd units: their state, and bringing them to the wanted one.

A state is {"load", "enabled", "active", "result", "type", "reloadable"}: `enabled` is systemd's UnitFileState ("" for a
unit that is not there), `active` its ActiveState (systemctl(1), org.freedesktop.systemd1(5)).
"""
import os
import time

import util

PROPERTIES = ["Id", "LoadState", "UnitFileState", "ActiveState", "SubState", "Result", "Type", "CanReload", "NeedDaemonReload"]
ON = ("enabled", "enabled-runtime", "static", "indirect", "generated", "alias", "linked", "linked-runtime", "transient")
RUNNING = ("active", "reloading", "activating", "refreshing")
SETTLE_SECONDS = 30
"""A unit that is still `activating` gets this long to become active."""


def states(names):
    """State of each unit, in one call."""
    if not names:
        return {}
    names = list(names)
    text = util.query(["systemctl", "show", "--property=" + ",".join(PROPERTIES), "--", *names])
    if text is None:
        raise util.Failure("unit", "systemd did not answer `systemctl show`; is this host booted with systemd?")
    blocks = [dict(line.split("=", 1) for line in block.splitlines() if "=" in line) for block in text.strip("\n").split("\n\n")]
    found = {}
    for name, block in zip(names, blocks):
        found[name] = {
            "load": block.get("LoadState", ""),
            "enabled": block.get("UnitFileState", ""),
            "active": block.get("ActiveState", ""),
            "sub": block.get("SubState", ""),
            "result": block.get("Result", ""),
            "type": block.get("Type", ""),
            "reloadable": block.get("CanReload") == "yes",
        }
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


def daemon_reload():
    util.must(["systemctl", "daemon-reload"], "unit", "systemd could not read its units again")


def runs(state):
    return state["active"] in RUNNING or (state["type"] == "oneshot" and state["active"] == "inactive" and state["sub"] == "exited")


def unmask(name):
    for runtime in ([], ["--runtime"]):
        util.must(["systemctl", "unmask", *runtime, "--", name], "unit", f"unit {name} is masked and could not be unmasked")


def enable(name, state, spec):
    """Enables or disables; a mask put on by hand is taken off first, unless the unit is to be off anyway. Returns whether anything was done."""
    wanted = spec.get("enabled", True)
    if masked(state) and (wanted or spec.get("state", "started") == "started"):
        unmask(name)
        state = states([name])[name]
    if wanted and state["enabled"] not in ON:
        util.must(["systemctl", "enable", "--", name], "unit", f"unit {name} could not be enabled")
        return True
    if not wanted and state["enabled"] in ("enabled", "enabled-runtime", "linked", "alias"):
        util.must(["systemctl", "disable", "--", name], "unit", f"unit {name} could not be disabled")
        return True
    return False


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


def act(name, action, reloadable=True, renew=False):
    """Does it and waits for systemd's answer; a failure carries the unit's own last words.

    `renew`: what the unit had set in the kernel was changed by another hand, so where a reload is not enough a restart follows."""
    if action == "none":
        return
    if action in ("start", "restart"):
        util.run(["systemctl", "reset-failed", "--", name])
    word = "restart" if action == "reload" and not reloadable else action
    argv = ["systemctl", word, "--", name]
    code, output = util.run(argv, timeout=150)
    if code != 0 and renew and word == "reload":
        return act(name, "restart")
    if code != 0:
        raise util.Failure("unit", f"unit {name} could not {word}", argv, code, (output + "\n" + last_words(name)).strip())


def settle(name):
    """Raises unless a started unit is running (or, for a oneshot, ended well) within SETTLE_SECONDS."""
    end = time.monotonic() + SETTLE_SECONDS
    while True:
        state = states([name])[name]
        if state["active"] == "active":
            return
        if state["type"] == "oneshot" and state["active"] == "inactive" and state["result"] == "success":
            return
        if state["active"] not in ("activating", "reloading", "refreshing") or time.monotonic() > end:
            words = f"unit {name} is {state['active']} ({state['sub']}, result {state['result']}) right after it was started"
            raise util.Failure("unit", words, ["systemctl", "start", name], None, last_words(name))
        time.sleep(0.2)


def last_words(name):
    text = util.query(["journalctl", "--no-pager", "-q", "-n", "20", "-o", "cat", "-u", name], timeout=20)
    return (text or "").strip()[-util.OUTPUT_LIMIT :]


def turn_off(name, before, blocking=True):
    """First half of putting a unit back, while the files it runs with are still there: what was off goes off."""
    wait = [] if blocking else ["--no-block"]
    now = states([name])[name]
    if masked(now) and not masked(before):
        unmask(name)
        now = states([name])[name]
    if before["active"] not in RUNNING and (now["active"] in RUNNING or not blocking):
        util.run(["systemctl", "stop", *wait, "--", name], timeout=150)
    if before["enabled"] not in ON and now["enabled"] in ("enabled", "enabled-runtime", "linked", "alias"):
        util.run(["systemctl", "disable", "--", name])


def turn_on(name, before, action, blocking=True):
    """Second half, after files are as before: what was on goes on, and reads its old files if it had read new ones.

    `action` is what had been done to it. Returns an error text or None.
    """
    now = states([name])[name]
    if masked(before) and now["enabled"] != before["enabled"]:
        util.run(["systemctl", "mask", *(["--runtime"] if before["enabled"] == "masked-runtime" else []), "--", name])
    elif before["enabled"] in ON and now["enabled"] not in ON and now["load"] != "not-found":
        util.run(["systemctl", "enable", "--", name])
    if now["active"] == "failed" and before["active"] != "failed":
        util.run(["systemctl", "reset-failed", "--", name])
    if before["active"] not in RUNNING or now["load"] == "not-found":
        return None
    if now["active"] not in RUNNING:
        word = "start"
    elif action == "none":
        return None
    else:
        word = "reload" if action == "reload" and now["reloadable"] else "restart"
    wait = [] if blocking else ["--no-block"]
    code, output = util.run(["systemctl", word, *wait, "--", name], timeout=150)
    if code != 0 and word == "reload":
        word = "restart"  # it must not go on with what it has read in between
        code, output = util.run(["systemctl", word, *wait, "--", name], timeout=150)
    return None if code == 0 else f"systemctl {word} {name} ended with {code}: {output}"
