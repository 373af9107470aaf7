"""Running commands: an argument list each, never a shell's line."""
import _signal as signal  # see util.py
import os
import select
import time

import util

OUTPUT_LIMIT = 8192
"""Bytes of a command's output that are kept: its end, for that is where programs say what went wrong."""

ENVIRONMENT = {
    "PATH": os.environ["PATH"] if util.ROOT else "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL": "C.UTF-8",
    "HOME": "/root",
    "DEBIAN_FRONTEND": "noninteractive",
    "SYSTEMD_PAGER": "",
    "SYSTEMD_COLORS": "0",
    "NO_COLOR": "1",
}
os.environ["PATH"] = ENVIRONMENT["PATH"]  # posix_spawnp(3) looks for commands there


def run(argv, timeout=90, limit=OUTPUT_LIMIT):
    """Runs an argument list and returns (exit code, end of its output). 124 after `timeout` seconds, 127 if not found.

    Output goes to a file and not to a pipe: a daemon that the command leaves behind would hold a pipe open for ever. The file is in
    memory: a host whose disks are full still says why.
    """
    with open(os.memfd_create("output"), "w+b") as out:
        try:
            code = ended(argv, out.fileno(), out.fileno(), timeout)
        except FileNotFoundError:
            return 127, f"{argv[0]}: command not found"
        except PermissionError:
            return 126, f"{argv[0]}: permission denied"
        size = out.seek(0, os.SEEK_END)
        out.seek(max(0, size - limit))
        text = out.read().decode("utf-8", "replace")
        if size > limit:
            text = f"[… {size - limit} bytes before this]\n" + text
        if code == 124:
            text += f"\n[stopped after {timeout} s]"
        util.step("ran:" + " ".join(argv[:2]))
        return code, text.strip("\n")


def ended(argv, output, errors, timeout):
    """Starts an argument list in a session of its own, with its output in two open files, and waits for its end. Returns its exit code, negative the
    signal that ended it; 124 after `timeout` seconds, when all of the session is killed. Raises OSError when it cannot be started.

    As subprocess does it, which takes a tenth of a look at a host to load; this is posix_spawn(3)."""
    files = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0), (os.POSIX_SPAWN_DUP2, output, 1), (os.POSIX_SPAWN_DUP2, errors, 2)]
    os.chdir("/")
    before = os.umask(0o022)
    try:
        # What Python itself ignores: commands expect to be ended by it.
        pid = os.posix_spawnp(argv[0], argv, ENVIRONMENT, file_actions=files, setsid=True, setsigdef=(signal.SIGPIPE, signal.SIGXFSZ))
    finally:
        os.umask(before)
    if not ends_within(pid, timeout):
        os.killpg(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        return 124
    _, status = os.waitpid(pid, 0)
    return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def ends_within(pid, seconds):
    """Whether a child ends within so many seconds; it is still to be waited for."""
    end = time.monotonic() + seconds
    try:
        process = os.pidfd_open(pid)
    except (AttributeError, OSError):  # Python before 3.9, Linux before 5.3
        while time.monotonic() < end:
            if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                return True
            time.sleep(0.01)
        return False
    try:
        poll = select.poll()
        poll.register(process, select.POLLIN)
        return bool(poll.poll(seconds * 1000))
    finally:
        os.close(process)


def must(argv, kind="command", message=None, timeout=90):
    """Like `run`, but raises a Failure with command, exit code and output unless it ends with 0."""
    code, output = run(argv, timeout)
    if code != 0:
        raise util.Failure(kind, message or f"{argv[0]} failed", argv, code, output)
    return output


def query(argv, timeout=60):
    """The whole standard output of a command that only looks, or None if it fails."""
    with open(os.memfd_create("output"), "w+b") as out, open(os.devnull, "wb") as nowhere:
        try:
            code = ended(argv, out.fileno(), nowhere.fileno(), timeout)
        except OSError:
            return None
        out.seek(0)
        return out.read().decode("utf-8", "replace") if code == 0 else None
