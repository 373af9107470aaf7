"""Accounts, sysctls, checks and the kernel state that a role watches."""
import grp
import os
import pwd

import commands
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
        util.step("sysctl:" + key)
    except OSError as error:
        raise util.Failure("command", f"sysctl {key} could not be set to {value}: {error.strerror}")


SYSCTL_FOLDERS = ("/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d")


def set_at_boot(key, value, without):
    """(file, value) of the last file but those that sets a key to another value at boot (sysctl.d(5)), or None."""
    import fnmatch

    files = {}
    for folder in reversed(SYSCTL_FOLDERS):
        names = os.listdir(util.at(folder)) if os.path.isdir(util.at(folder)) else []
        files.update({name: f"{folder}/{name}" for name in names if name.endswith(".conf") and f"{folder}/{name}" not in without})
    found = None
    for _, path in sorted(files.items()):
        try:
            with open(util.at(path), errors="replace") as source:
                lines = [line.strip().lstrip("-").split("=", 1) for line in source if line.strip()[:1] not in ("#", ";", "")]
        except OSError:
            continue
        for pattern, *rest in lines:
            if rest and fnmatch.fnmatchcase(key.replace("/", "."), pattern.strip().replace("/", ".")):
                found = (path, " ".join(rest[0].split()))
    return found if found and found[1] != " ".join(value.split()) else None


def user(name):
    """Home, shell and supplementary groups of a user, or None."""
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    groups = sorted(group.gr_name for group in grp.getgrall() if name in group.gr_mem)
    return {"home": entry.pw_dir, "shell": entry.pw_shell, "groups": groups, "system": entry.pw_uid < 1000}


def ids(name):
    """Numeric ids of a user, so that one who is made again owns what is his; nothing for a user who is not there."""
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return {}
    return {"uid": entry.pw_uid, "gid": entry.pw_gid}


def has_group(name):
    try:
        return grp.getgrnam(name) is not None
    except KeyError:
        return False


def missing_groups(users):
    """Supplementary groups that have to be made for these users."""
    return sorted({group for wanted in users.values() for group in wanted.get("groups", []) if not has_group(group)})


def remove_groups(names):
    """Removes groups that were made for a user, but for those that have members by now. groupdel(8) keeps a user's own."""
    for name in names:
        if has_group(name) and not grp.getgrnam(name).gr_mem:
            commands.run(["groupdel", "--", name])


def number_options(name, known):
    """Options of useradd that give a user back the ids of before, where nobody else has them."""
    try:
        pwd.getpwuid(known["uid"])
        return ["--user-group"]
    except KeyError:
        pass
    if "uid" not in known:
        return ["--user-group"]
    if not has_group(name):
        code, _ = commands.run(["groupadd", "--gid", str(known["gid"]), "--", name])
        if code != 0:
            return ["--user-group"]
    return ["--uid", str(known["uid"]), "--gid", name]


def make_user(name, wanted, known):
    """Creates the user, with the ids of `known` if it has some, or brings home, shell and groups to what is wanted; other groups of it stay."""
    for group in missing_groups({name: wanted}):
        commands.must(["groupadd", "--system", "--", group])
    options = []
    if "home" in wanted:
        options += ["--home-dir" if user(name) is None else "--home", wanted["home"]]
    if "shell" in wanted:
        options += ["--shell", wanted["shell"]]
    if wanted.get("groups"):
        options += (["--append"] if user(name) else []) + ["--groups", ",".join(wanted["groups"])]
    if user(name) is None:
        kind = [*(["--system"] if wanted.get("system", True) else ["--create-home"]), *number_options(name, known)]
        if "shell" not in wanted and wanted.get("system", True):
            kind += ["--shell", "/usr/sbin/nologin"]
        commands.must(["useradd", *kind, *options, "--", name])
    elif options:
        commands.must(["usermod", *options, "--", name])


def new_home(wanted, before, name):
    """The home directory that making a user brings along, or None."""
    home = wanted.get("home", "/home/" + name)
    return None if before or wanted.get("system", True) or exists(home) else home


def user_fits(name, wanted):
    found = user(name)
    if found is None:
        return False
    if any(key in wanted and found[key] != wanted[key] for key in ("home", "shell")):
        return False
    return set(wanted.get("groups", [])) <= set(found["groups"])


def restore_user(name, before):
    """Removes a user that a role made (its home stays), or gives back home, shell and groups. Returns the error or None."""
    now = user(name)
    if now is None or now == before:
        return None
    if before is None:
        code, output = commands.run(["userdel", "--", name])
    else:
        options = ["--home", before["home"], "--shell", before["shell"], "--groups", ",".join(before["groups"])]
        code, output = commands.run(["usermod", *options, "--", name])
    return None if code == 0 else f"user {name} could not be put back: {output}"


def run_check(check, staged_root):
    """Runs a checker on staged files: {"staged": path} becomes the staged copy's path, base name kept."""
    argv = [word if isinstance(word, str) else staged_root + word["staged"] for word in check["command"]]
    code, output = commands.run(argv, timeout=60)
    if code != 0:
        what = check.get("description") or argv[0]
        raise util.Failure("check", f"{what}: the new files were refused before anything was changed", argv, code, output.replace(staged_root, ""))


def observe(live):
    """Output of each live command as it is now; a command that fails is itself an observation."""
    seen = {}
    for name, item in live.items():
        code, output = commands.run(item["command"], timeout=30, limit=1 << 18)
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
