"""Debian packages: which are there, installing what is missing, removing exactly what an installation brought.

Freshly installed daemons must not run with their package's default configuration before ours is in place, so a
policy-rc.d (Debian Policy 9.3.3.1, invoke-rc.d(8)) that refuses every start is in force while apt works.
"""
import os
import time

import util

POLICY = "/usr/sbin/policy-rc.d"
POLICY_MARK = b"#!/bin/sh\n# pulumi-intranet: no daemon starts before its configuration is in place\nexit 101\n"
LOCK_SECONDS = 300
"""apt waits that long for dpkg's lock (unattended-upgrades holds it for minutes on a first boot)."""

APT = [
    "apt-get", "-y", "-q", "--no-install-recommends",
    "-o", f"DPkg::Lock::Timeout={LOCK_SECONDS}",
    "-o", "Dpkg::Options::=--force-confdef",
    "-o", "Dpkg::Options::=--force-confold",
    "-o", "Dpkg::Use-Pty=0",
]  # fmt: skip


def installed():
    """Names of all installed packages."""
    listing = util.query(["dpkg-query", "-W", "-f", "${db:Status-Abbrev} ${Package}\n"])
    if listing is None:
        return set()
    return {line.split()[1].split(":")[0] for line in listing.splitlines() if line[:2] in ("ii", "hi")}


def missing(wanted):
    if not wanted:
        return []
    there = installed()
    return [name for name in wanted if name not in there]


def install(names):
    """Installs packages; the index is fetched only when the installation fails without (or was never fetched)."""
    util.progress("installing " + " ".join(names))
    with _NoStarts():
        lists = util.at("/var/lib/apt/lists")
        if os.path.isdir(lists) and any(name.endswith(("_Packages", "_Packages.lz4", "_InRelease", "_Release")) for name in os.listdir(lists)):
            code, output = _apt(["install", "--", *names])
            if code == 0:
                return
        code, output = _apt(["update"])
        if code != 0:
            raise util.Failure("package", "the package index could not be fetched; check the host's apt sources and its network", ["apt-get", "update"], code, output)
        code, output = _apt(["install", "--", *names])
        if code != 0:
            raise util.Failure("package", "packages could not be installed: " + " ".join(names), ["apt-get", "install", *names], code, output)


def _apt(arguments):
    """Runs apt-get; waits for the locks that DPkg::Lock::Timeout does not cover, and finishes an interrupted dpkg."""
    end = time.monotonic() + LOCK_SECONDS
    told = repaired = False
    while True:
        code, output = util.run(APT + arguments, timeout=LOCK_SECONDS + 900)
        if code == 0:
            return code, output
        if "dpkg --configure -a" in output and not repaired:
            util.progress("an earlier installation was interrupted: finishing it")
            util.run(["dpkg", "--force-confdef", "--force-confold", "--configure", "-a"], timeout=900)
            repaired = True
        elif "Could not get lock" in output and time.monotonic() < end:
            if not told:
                util.progress(f"another program holds apt's lock; waiting up to {LOCK_SECONDS} s")
                told = True
            time.sleep(2)
        else:
            return code, output


def purge(names):
    """Removes packages with their configuration. What is not installed any more is skipped; returns the error or None."""
    there = installed()
    names = sorted(name for name in names if name in there)
    if not names:
        return None
    util.progress("removing " + " ".join(names))
    with _NoStarts():
        code, output = _apt(["purge", "--", *names])
    return None if code == 0 else f"apt-get purge {' '.join(names)} ended with {code}: {output}"


def simulate_purge(names):
    """What removing `names` would remove, others' dependents included; None if apt cannot tell."""
    there = installed()
    names = sorted(name for name in names if name in there)
    if not names:
        return set()
    listing = util.query(["apt-get", "-s", "-q", "purge", "--", *names])
    if listing is None:
        return None
    return {line.split()[1].split(":")[0] for line in listing.splitlines() if line.startswith(("Remv ", "Purg "))}


class _NoStarts:
    """policy-rc.d refuses starts inside this block; one that was there before comes back."""

    def __enter__(self):
        path = util.at(POLICY)
        if os.path.lexists(path) and not ours(path):
            os.rename(path, path + ".intranet-kept")
        util.write_durably(path, POLICY_MARK, 0o755)

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
    if ours(path):
        os.unlink(path)
    if os.path.lexists(path + ".intranet-kept") and not os.path.lexists(path):
        os.rename(path + ".intranet-kept", path)
