"""Debian packages: which are there, installing what is missing, removing exactly what an installation brought.

Freshly installed daemons must not run with their package's default configuration before ours is in place, so a
policy-rc.d (Debian Policy 9.3.3.1, invoke-rc.d(8)) that refuses every start is in force while apt works.
"""
import fcntl
import os
import time

import commands
import files
import storage
import util

POLICY = "/usr/sbin/policy-rc.d"
POLICY_MARK = b"#!/bin/sh\n# pulumi-intranet: no daemon starts before its configuration is in place\n"
MAY_STOP = b'[ "$2" != stop ] || exit 0\n'
"""Where packages go, their daemons go with them. Where packages come, a daemon that is stopped for its new version would stay so."""
LOCK_SECONDS = 300
"""So long is waited for apt's and dpkg's locks (unattended-upgrades holds them for minutes on a first boot)."""
LOOK_SECONDS = 2
"""Pause between two looks at a lock."""
TELL_SECONDS = 60
"""While a lock is waited for, who holds it is said again so often."""
LONGEST_RUN = 900
"""Seconds after which apt itself is stopped."""

APT = [
    "apt-get", "-y", "-q", "--no-install-recommends",
    "-o", "DPkg::Lock::Timeout=0",  # it would wait without a word: _apt does that
    "-o", "Dpkg::Options::=--force-confdef",
    "-o", "Dpkg::Options::=--force-confold",
    "-o", "Dpkg::Use-Pty=0",
]  # fmt: skip


STATUS = "/var/lib/dpkg/status"
"""What dpkg knows of every package (dpkg(1), FILES): paragraphs that begin with the name."""
UPDATES = "/var/lib/dpkg/updates"
"""What it has yet to write there; empty unless it runs, or was killed."""
INSTALLED = (b"\nStatus: install ok installed\n", b"\nStatus: hold ok installed\n")


def kept():
    """The names of all installed packages as dpkg's own file has them, which is read ten times as fast as dpkg-query reads it; None where that file is not the whole truth."""
    try:
        if os.listdir(util.at(UPDATES)):
            return None
        with open(util.at(STATUS), "rb") as source:
            paragraphs = source.read().split(b"\n\n")
    except OSError:
        return None
    found = (one.lstrip(b"\n").split(b"\n", 1)[0] for one in paragraphs if any(line in one + b"\n" for line in INSTALLED))
    return {line[9:].decode() for line in found if line.startswith(b"Package: ")}


def installed():
    """Names of all installed packages."""
    names = kept()
    if names is not None:
        return names
    listing = commands.query(["dpkg-query", "-W", "-f", "${db:Status-Abbrev} ${Package}\n"])
    if listing is None:
        return set()
    return {line.split()[1].split(":")[0] for line in listing.splitlines() if line[:2] in ("ii", "hi")}


def states():
    """name → dpkg's state of every package that it knows, also half-installed ones and remains of configuration (dpkg-query(1))."""
    listing = commands.query(["dpkg-query", "-W", "-f", "${db:Status-Status} ${Package}\n"])
    pairs = [line.split() for line in (listing or "").splitlines()]
    return {name: state for state, name in pairs if state != "not-installed"}


def missing(wanted):
    if not wanted:
        return []
    there = installed()
    return [name for name in wanted if name not in there]


def listed():
    """Whether apt has fetched a list of packages before."""
    lists = util.at("/var/lib/apt/lists")
    return os.path.isdir(lists) and any(name.endswith(("_Packages", "_Packages.lz4", "_InRelease", "_Release")) for name in os.listdir(lists))


def update(listing=None):
    """Fetches apt's lists: of all sources, or of one file of sources alone."""
    alone = ["-o", f"Dir::Etc::sourcelist={listing}", "-o", "Dir::Etc::sourceparts=-", "-o", "APT::Get::List-Cleanup=0", "-o", "APT::Update::Error-Mode=any"]
    code, output = _apt(["update", *(alone if listing else [])])
    if code != 0:
        reason = storage.explain_output(output) or clock_words(output) or "check the host's apt sources and its network"
        what = f"the packages of {listing}" if listing else "the package index"
        raise util.Failure("package", f"{what} could not be fetched; {reason}", ["apt-get", "update"], code, output)


def install(names, archives=()):
    """Installs packages, and files of packages; the index is fetched only when the installation fails without (or was never fetched)."""
    if not names and not archives:
        return
    util.progress("installing " + " ".join([*names, *archives]))
    if listed():
        code, output = _apt(["install", "--", *names, *archives])
        if code == 0:
            return
    update()
    code, output = _apt(["install", "--", *names, *archives])
    if code != 0:
        reason = storage.explain_output(output) or clock_words(output)
        message = f"packages could not be installed: {' '.join([*names, *archives])}" + (f"; {reason}" if reason else "")
        raise util.Failure("package", message, ["apt-get", "install", *names, *archives], code, output)


def clock_words(output):
    """What to say when apt refused something since it is from the future or has expired: mostly the host's own clock is wrong."""
    import re

    if not re.search(r"is not valid yet|not yet valid|not activated yet|Release file .* is expired|certificate has expired", output):
        return ""
    now = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
    return f"its signatures or certificates are not valid at this time: check the host's clock, which says {now} (see `timedatectl`)"


def _apt(arguments):
    """Runs apt-get. Waits for the locks of apt, dpkg and debconf, says who holds them, and finishes an interrupted dpkg.

    Raises a Failure (`lock`) when one is held for longer than LOCK_SECONDS."""
    began = told = time.monotonic()
    repaired = waited = False
    while True:
        with _NoStarts(stops="purge" in arguments):  # not while waiting: what holds the lock may have to restart its own daemons
            code, output = commands.run(APT + arguments, timeout=LONGEST_RUN)
        if code == 0:
            return code, output
        holder = lock_holder(output)
        if holder is not None:
            now = time.monotonic()
            if now - began > LOCK_SECONDS:
                words = f"{holder}; that was waited for {LOCK_SECONDS} s. See what it does, or wait until it has ended, and run `pulumi up` again"
                raise util.Failure("lock", words, ["apt-get", *arguments], code, output)
            if not waited or now - told > TELL_SECONDS:
                util.progress(f"{holder}; waiting for it, for {int(LOCK_SECONDS - (now - began)) + 1} s at most")
                waited, told = True, now
            time.sleep(LOOK_SECONDS)
        elif "dpkg --configure -a" in output and not repaired:
            util.progress("an earlier installation was interrupted: finishing it")
            with _NoStarts():
                commands.run(["dpkg", "--force-confdef", "--force-confold", "--configure", "-a"], timeout=LONGEST_RUN)
            repaired = True
        else:
            return code, output


def lock_holder(output):
    """Which lock apt, dpkg or debconf did not get and which process has it, in words; None when it was something else."""
    import re

    if not re.search(r"Could not get lock|lock was locked by another process|is locked by another process", output):
        return None
    lock = re.search(r"Could not get lock (/\S+?)\.?(?:\s|$)", output)
    what = f"the lock {lock.group(1)}" if lock else "the lock of dpkg or debconf"
    process = re.search(r"held by process (\d+)(?: \(([^)]*)\))?|another process with pid (\d+)", output)
    if process is None:
        return what + " is held by another program"
    pid = process.group(1) or process.group(3)
    return f"{what} is held by process {pid} ({command_of(pid) or process.group(2) or 'unknown'})"


def command_of(pid):
    """Program of a process, and its script if there is one. Nothing more of its arguments: they may be somebody's secrets."""
    try:
        with open(f"/proc/{int(pid)}/cmdline", "rb") as source:
            words = [word.decode("utf-8", "replace") for word in source.read().split(b"\0") if word]
    except OSError:
        return ""
    return " ".join(words[:1] + [word for word in words[1:2] if word.startswith("/")])[:120]


def purge(names):
    """Removes packages with their configuration. What is not there any more is skipped; returns the error or None.

    Of a package that a killed dpkg has left half-installed apt keeps the configuration, and takes it the second time."""
    for _ in range(2):
        there = states()
        going = sorted(name for name in names if name in there)
        if not going:
            return None
        util.progress("removing " + " ".join(going))
        try:
            code, output = _apt(["purge", "--", *going])
        except util.Failure as failure:
            return f"packages {' '.join(going)} are not removed: {failure}"
        if code != 0:
            return f"apt-get purge {' '.join(going)} ended with {code}: {output}"
    return None


class _DpkgToOurselves:
    """Waits until no other dpkg works, also one that a killed agent has left behind, and keeps others away (dpkg(1), DPKG_FRONTEND_LOCKED)."""

    def __enter__(self):
        self.lock = open(util.at("/var/lib/dpkg/lock-frontend"), "a")
        end = time.monotonic() + LOCK_SECONDS
        while True:
            try:
                fcntl.lockf(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return lambda *arguments: commands.run(["env", "DPKG_FRONTEND_LOCKED=1", "dpkg", *arguments], timeout=900)
            except OSError:
                if time.monotonic() > end:
                    self.lock.close()
                    raise util.Failure("package", f"another program holds dpkg's lock for more than {LOCK_SECONDS} s")
                time.sleep(0.2)

    def __exit__(self, *_):
        self.lock.close()


def take_back(before):
    """Removes what came after `before` (see `states`), however far an installation or a power cut got. Returns the error or None."""
    with _DpkgToOurselves() as dpkg, _NoStarts(stops=True):
        now = states()
        fresh = sorted(name for name in now if name not in before)
        again = sorted(name for name in now if before.get(name) == "config-files" and now[name] != "config-files")
        if not fresh and not again:
            return None
        util.progress("removing " + " ".join(fresh + again))
        dpkg("--force-confdef", "--force-confold", "--configure", "-a")
        for action, names in (("--purge", fresh), ("--remove", again)):
            code, output = dpkg("--force-remove-reinstreq", action, "--", *names) if names else (0, "")
            if code != 0:
                return f"dpkg {action} {' '.join(names)} ended with {code}: {output}"
        return None


def repair():
    """Finishes what a killed dpkg has begun, after one that still runs has ended."""
    if set(states().values()) - {"installed", "config-files"}:
        with _DpkgToOurselves() as dpkg, _NoStarts():
            dpkg("--force-confdef", "--force-confold", "--configure", "-a")


def simulate_purge(names):
    """What removing `names` would remove, others' dependents included; None if apt cannot tell."""
    there = installed()
    names = sorted(name for name in names if name in there)
    if not names:
        return set()
    listing = commands.query(["apt-get", "-s", "-q", "purge", "--", *names])
    if listing is None:
        return None
    return {line.split()[1].split(":")[0] for line in listing.splitlines() if line.startswith(("Remv ", "Purg "))}


class _NoStarts:
    """policy-rc.d refuses starts inside this block, and stops too unless `stops`; one that was there before comes back."""

    def __init__(self, stops=False):
        self.text = POLICY_MARK + (MAY_STOP if stops else b"") + b"exit 101\n"

    def __enter__(self):
        path = util.at(POLICY)
        if os.path.lexists(path) and not ours(path):
            os.rename(path, path + ".intranet-kept")
            util.step("policy kept")
        util.write_durably(path, self.text, 0o755)

    def __exit__(self, *_):
        clear_policy()


def ours(path):
    try:
        with open(path, "rb") as source:
            return source.read(len(POLICY_MARK)) == POLICY_MARK
    except OSError:
        return False


def clear_policy():
    """Takes our policy-rc.d away and puts the earlier one back: also after a killed installation."""
    path = util.at(POLICY)
    files.clear_temporary(POLICY)
    if ours(path):
        os.unlink(path)
    if os.path.lexists(path + ".intranet-kept") and not os.path.lexists(path):
        os.rename(path + ".intranet-kept", path)
