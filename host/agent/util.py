"""Events, errors and durable writes: what every other part of the agent stands on.

The agent runs as root on the managed host, from memory (see host/agent.ts) or from /var/lib/intranet/agent. It is
Python 3 from the standard library alone. Paths on the host go through `at`, so that tests can run it on a scratch root.

To start is most of what a look at a host takes, so what only a change needs is imported where it is used, and nothing that loads regular
expressions, enumerations or functools before.
"""
import _signal as signal  # without the names of signals as an enumeration
import _thread
import os
import sys
import time

import notation

try:
    from _sha2 import sha256  # without OpenSSL, to load which takes longer than to read a role's files
except ImportError:
    from hashlib import sha256

ROOT = os.environ.get("INTRANET_ROOT", "")
"""Prefix of every managed path: empty on a host, a scratch directory in tests."""

SECRETS = []
"""Values that may not appear in anything that leaves the agent or is written to a report. Longest first."""


class Failure(Exception):
    """An error a person reads: `kind` is one of conflict, check, probe, command, unit, package, lock, confirm, refused."""

    def __init__(self, kind, message, command=None, code=None, output=None):
        super().__init__(message)
        self.kind = kind
        self.command = command
        self.code = code
        self.output = output

    def report(self):
        return {
            "kind": self.kind,
            "message": redact(str(self)),
            "command": [redact(word) for word in self.command] if self.command else None,
            "code": self.code,
            "output": redact(self.output) if self.output else None,
        }


def internal(error):
    """An error nobody foresaw, with the place where it happened."""
    where = error.__traceback__
    while where and where.tb_next:
        where = where.tb_next
    place = f"{where.tb_frame.f_code.co_filename}:{where.tb_lineno}" if where else "?"
    return Failure("internal", f"{type(error).__name__} at {place}: {error}")


def hide(values):
    """Remembers secret values; each line of a longer one counts by itself, for programs quote lines."""
    found = set()
    for value in values:
        for part in [value] + value.splitlines():
            if len(part.strip()) >= 4:
                found.add(part.strip())
    SECRETS[:] = sorted(found, key=len, reverse=True)


def redact(text):
    for secret in SECRETS:
        text = text.replace(secret, "[secret]")
    return text


WRITING = _thread.allocate_lock()
HEARTBEAT_SECONDS = 5


ABOUT = {}
"""What every event says besides: of several requests, which one it is about ("of")."""


def emit(event, **fields):
    """One JSON line to the provider. The way back may be cut by the very change in hand: that never stops the work."""
    with WRITING:
        try:
            sys.stdout.write(notation.dumps({"event": event, **ABOUT, **fields}) + "\n")
            sys.stdout.flush()
        except (OSError, ValueError):
            try:
                sys.stdout = open(os.devnull, "w")
            except OSError:
                pass


def heartbeat():
    """Tells the provider every few seconds that host and connection live; it gives up on a silent one."""

    def beat():
        while True:
            time.sleep(HEARTBEAT_SECONDS)
            emit("alive")

    _thread.start_new_thread(beat, ())


def progress(text):
    emit("progress", text=redact(text))


STEPS = os.environ.get("INTRANET_STEPS")
"""Only in tests: a folder. Every step is noted in its file `seen`. One that `kill` or `hold` there names ends or stops the process, once."""


def step(name):
    """A point at which the process may die: between any two durable writes or commands lies one. Tests enumerate them.

    In a test's list the second one of a name is called `name#2`, and a transaction's own name is TX.
    """
    if not STEPS:
        return
    import re

    try:
        with open(STEPS + "/seen", "a+") as seen:
            seen.seek(0)
            name = re.sub("[0-9a-f]{16}", "TX", name)
            number = 1 + sum(line.split("#")[0] == name for line in seen.read().split("\n"))
            name += f"#{number}" if number > 1 else ""
            seen.write(name + "\n")
        for word, how in (("kill", signal.SIGKILL), ("hold", signal.SIGSTOP)):
            if os.path.exists(f"{STEPS}/{word}") and open(f"{STEPS}/{word}").read() == name:
                os.unlink(f"{STEPS}/{word}")
                sys.stdout.flush()
                os.kill(os.getpid(), how)
    except FileNotFoundError:
        pass  # the folder is gone: nobody watches any more


def at(path):
    return ROOT + path if ROOT else path


def digest(data):
    """SHA-256 in hexadecimal digits."""
    return sha256(data).hexdigest()


def remove_tree(path, quiet=False):
    """Removes a folder with all that is in it; `quiet`: as far as can be."""
    import shutil

    shutil.rmtree(path, ignore_errors=quiet)


UNSYNCED = None
"""Directories that `synced_once` makes durable at its end; None: each at once."""


class synced_once:
    """Names that change in this block are durable at its end, and not one by one: until then the journal says how to undo them."""

    def __enter__(self):
        global UNSYNCED
        UNSYNCED = set()

    def __exit__(self, error, *_):
        global UNSYNCED
        changed, UNSYNCED = UNSYNCED, None
        for path in sorted(changed) if error is None else []:
            if os.path.isdir(path):
                sync_directory(path)


def sync_directory(path):
    """Makes the names in a directory durable."""
    if UNSYNCED is not None:
        UNSYNCED.add(path)
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError:
        pass  # some file systems refuse it for directories; the rename is atomic all the same
    finally:
        os.close(descriptor)


def write_durably(path, data, mode=0o600, uid=None, gid=None):
    """Replaces `path` (already prefixed) by `data` in one step: temporary file beside it, fsync, rename, fsync."""
    directory, name = os.path.split(path)
    temporary = os.path.join(directory, f".{name[:200]}.intranet-new")
    try:
        os.unlink(temporary)
    except FileNotFoundError:
        pass
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as out:
            out.write(data)
            out.flush()
            if uid is not None:
                os.fchown(out.fileno(), uid, gid)
            os.fchmod(out.fileno(), mode)
            os.fsync(out.fileno())
        step("write:" + name)
        os.rename(temporary, path)
    except BaseException as error:
        if isinstance(error, OSError) and error.filename is None:
            error.filename = path  # what was written to, for a write itself does not tell
        try:
            os.unlink(temporary)
        except OSError:
            pass
        raise
    sync_directory(directory)
