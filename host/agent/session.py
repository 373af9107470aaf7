"""The SSH connection by which a request came: what tells a new connection over the same path from an old one or another path."""
import os

import util

TICKS = os.sysconf("SC_CLK_TCK")
SLACK = 2 / TICKS
"""Seconds by which the kernel's note of when a process began may be early: it counts in ticks."""


def process(pid):
    """(parent's id, seconds since boot at which it began) of a process."""
    with open(util.at(f"/proc/{pid}/stat")) as source:
        fields = source.read().rsplit(")", 1)[1].split()
    return int(fields[1]), int(fields[19]) / TICKS


def ends(pid):
    """SSH_CONNECTION (sshd(8)) of a process: address and port of both ends, or None."""
    with open(util.at(f"/proc/{pid}/environ"), "rb") as source:
        for entry in source.read().split(b"\0"):
            if entry.startswith(b"SSH_CONNECTION="):
                return entry.split(b"=", 1)[1].decode("ascii", "replace")
    return None


def current():
    """{"connection", "began"} of the SSH connection that this process serves, or None where none does.

    `sudo` takes the variable away, so the processes above are looked at too: the highest that has it is the login's, and above that
    one stands the process with which the SSH service serves the connection. It began when the connection did.
    """
    found, pid = None, os.getpid()
    try:
        while pid > 1:
            connection, (parent, _) = ends(pid), process(pid)
            if connection:
                found = {"connection": connection, "began": process(parent)[1] if parent > 0 else 0}
            pid = parent
    except (OSError, ValueError, IndexError):
        pass
    return found


def doubt(mine, way, since):
    """Why a session does not prove that the way in by which a change came is still open, in words; None: it does.

    `way`: the session that made the change, None where it came otherwise. `since`: seconds since boot at which the change was made.
    """
    if way is None:
        return None
    if mine is None:
        return "it did not come over SSH"
    here, there = mine["connection"].split()[2:], way["connection"].split()[2:]
    if here != there:
        return f"it came in at {' port '.join(here)}, the change at {' port '.join(there)}"
    if mine["connection"] == way["connection"] or mine["began"] + SLACK < since:
        return "its connection is older than the change"
    return None
