"""Accounts, sysctls, probes and the kernel state that a role watches."""
import grp
import os
import pwd
import time

import util


def sysctl_file(key):
    """/proc/sys path of a key in either notation (sysctl(8): with a slash anywhere, slashes separate)."""
    return util.at("/proc/sys/" + (key if "/" in key else key.replace(".", "/")))


def read_sysctl(key):
    """The live value with blanks normalised, or None where the kernel does not know the key (yet)."""
    try:
        with open(sysctl_file(key)) as source:
            return " ".join(source.read().split())
    except OSError:
        return None


def write_sysctl(key, value):
    try:
        with open(sysctl_file(key), "w") as target:
            target.write(value + "\n")
    except OSError as error:
        raise util.Failure("command", f"sysctl {key} could not be set to {value}: {error.strerror}")


def user(name):
    """Home, shell and supplementary groups of a user, or None."""
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    groups = sorted(group.gr_name for group in grp.getgrall() if name in group.gr_mem)
    return {"home": entry.pw_dir, "shell": entry.pw_shell, "groups": groups, "system": entry.pw_uid < 1000}


def make_user(name, wanted):
    """Creates the user, or brings home, shell and groups to what is wanted; other groups of it stay."""
    for group in wanted.get("groups", []):
        try:
            grp.getgrnam(group)
        except KeyError:
            util.must(["groupadd", "--system", "--", group])
    options = []
    if "home" in wanted:
        options += ["--home-dir" if user(name) is None else "--home", wanted["home"]]
    if "shell" in wanted:
        options += ["--shell", wanted["shell"]]
    if wanted.get("groups"):
        options += (["--append"] if user(name) else []) + ["--groups", ",".join(wanted["groups"])]
    if user(name) is None:
        kind = ["--system", "--user-group"] if wanted.get("system", True) else ["--create-home", "--user-group"]
        if "shell" not in wanted and wanted.get("system", True):
            kind += ["--shell", "/usr/sbin/nologin"]
        util.must(["useradd", *kind, *options, "--", name])
    elif options:
        util.must(["usermod", *options, "--", name])


def user_fits(name, wanted):
    found = user(name)
    if found is None:
        return False
    if any(key in wanted and found[key] != wanted[key] for key in ("home", "shell")):
        return False
    return set(wanted.get("groups", [])) <= set(found["groups"])


def restore_user(name, before):
    """Removes a user that a role made (its home stays unless empty), or gives back home and shell."""
    if before is None:
        if user(name) is not None:
            util.run(["userdel", "--", name])
    elif user(name) is not None and user(name) != before:
        util.run(["usermod", "--home", before["home"], "--shell", before["shell"], "--groups", ",".join(before["groups"]), "--", name])


def run_check(check, staged_root):
    """Runs a checker on staged files: {"staged": path} becomes the staged copy's path, base name kept."""
    argv = [word if isinstance(word, str) else staged_root + word["staged"] for word in check["command"]]
    code, output = util.run(argv, timeout=60)
    if code != 0:
        what = check.get("description") or argv[0]
        raise util.Failure("check", f"{what}: the new files were refused before anything was changed", argv, code, output.replace(staged_root, ""))


def run_probe(probe):
    """Repeats a probe until it ends with 0; raises with its last output at the deadline."""
    seconds = probe.get("timeoutSeconds", 30)
    end = time.monotonic() + seconds
    pause, told = 0.2, False
    while True:
        left = end - time.monotonic()
        code, output = util.run(probe["command"], timeout=max(1, min(left, 60)))
        if code == 0:
            return
        if time.monotonic() + pause > end:
            what = probe.get("description") or probe["command"][0]
            raise util.Failure("probe", f"{what}: did not succeed within {seconds} s", probe["command"], code, output)
        if not told and seconds - left > 3:
            util.progress(f"waiting up to {seconds} s for: {probe.get('description') or ' '.join(probe['command'])}")
            told = True
        time.sleep(pause)
        pause = min(pause * 1.5, 2)


def observe(live):
    """Output of each live command as it is now; a command that fails is itself an observation."""
    seen = {}
    for name, item in live.items():
        code, output = util.run(item["command"], timeout=30, limit=1 << 18)
        seen[name] = util.redact(output if code == 0 else f"[exit {code}] {output}")
    return seen


def machine_id():
    try:
        with open(util.at("/etc/machine-id")) as source:
            return source.read().strip()
    except OSError:
        return ""


def same_sysctl(key, value):
    return read_sysctl(key) == " ".join(value.split())


def exists(path):
    return os.path.lexists(util.at(path))
