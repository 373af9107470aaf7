"""Paths on the host: what stands there (snapshot), putting it back (restore), putting ours there (install).

A snapshot is {"kind": "absent" | "file" | "link" | "directory", mode, uid, gid, target, copy}; `copy` is where a file's
content was kept. Any kind may take the place of any other, but nothing that holds files of somebody's is removed.
"""
import grp
import os
import pwd
import stat

import util


def ids(owner, group):
    """Numeric ids of a file's owner and group; the group defaults to the owner's own."""
    try:
        user = pwd.getpwnam(owner)
    except KeyError:
        raise util.Failure("refused", f"user {owner} does not exist on this host; declare it under users or install its package")
    if group is None:
        return user.pw_uid, user.pw_gid
    try:
        return user.pw_uid, grp.getgrnam(group).gr_gid
    except KeyError:
        raise util.Failure("refused", f"group {group} does not exist on this host; declare it under users or install its package")


def names(uid, gid):
    """User and group name of numeric ids, or the number where there is no name."""
    try:
        user = pwd.getpwuid(uid).pw_name
    except KeyError:
        user = str(uid)
    try:
        group = grp.getgrgid(gid).gr_name
    except KeyError:
        group = str(gid)
    return user, group


def look(path):
    """What stands at `path` now, without keeping its content."""
    try:
        found = os.lstat(util.at(path))
    except (FileNotFoundError, NotADirectoryError):
        return {"kind": "absent"}
    mode = stat.S_IMODE(found.st_mode)
    if stat.S_ISLNK(found.st_mode):
        return {"kind": "link", "target": os.readlink(util.at(path))}
    if stat.S_ISREG(found.st_mode):
        return {"kind": "file", "mode": mode, "uid": found.st_uid, "gid": found.st_gid, "size": found.st_size}
    if stat.S_ISDIR(found.st_mode):
        return {"kind": "directory", "mode": mode, "uid": found.st_uid, "gid": found.st_gid}
    return {"kind": "special"}


def digest(path):
    with open(util.at(path), "rb") as source:
        seen = util.sha256()
        while piece := source.read(1 << 20):
            seen.update(piece)
        return seen.hexdigest()


def fits(path, wanted):
    """Whether `path` already is as `wanted` (a resolved spec, see transaction.specify) says."""
    found = look(path)
    if found["kind"] != wanted["kind"]:
        return False
    if wanted["kind"] == "link":
        return found["target"] == wanted["target"]
    if wanted["kind"] == "absent":
        return True
    if (found["mode"], found["uid"], found["gid"]) != (wanted["mode"], wanted["uid"], wanted["gid"]):
        return False
    return wanted["kind"] == "directory" or digest(path) == wanted["sha256"]


def snapshot(path, keep):
    """What stands at `path`; a file's content is copied to `keep` (already prefixed, its folder is made)."""
    found = look(path)
    if found["kind"] == "special":
        raise util.Failure("conflict", f"{path} is neither a file, a directory nor a link; move it away or manage another path")
    if found["kind"] == "file":
        os.makedirs(os.path.dirname(keep), mode=0o700, exist_ok=True)
        with open(util.at(path), "rb") as source:
            util.write_durably(keep, source.read(), 0o600)
        found["copy"] = keep
    return found


def restore(path, saved):
    """Puts back what a snapshot says. Safe to repeat."""
    kind = saved["kind"]
    clear_temporary(path)
    if kind == "absent":
        discard(path)
    elif kind == "link":
        link(path, saved["target"])
    elif kind == "directory":
        make_parents(path)
        make_way(path, kind)
        os.makedirs(util.at(path), exist_ok=True)
        util.step("directory:" + path)
        os.chown(util.at(path), saved["uid"], saved["gid"])
        os.chmod(util.at(path), saved["mode"])
    else:
        with open(saved["copy"], "rb") as source:
            place(path, source.read(), saved["mode"], saved["uid"], saved["gid"])


def let_go(path, prior):
    """Puts back what stood there before the role, unless somebody's files are in the way by now: they stay, and that is said."""
    try:
        restore(path, prior)
    except util.Failure as failure:
        util.progress(f"{failure}; what stood there before the role is not put back")


def clear_temporary(path):
    """Removes the half-written neighbour that a killed process may have left."""
    _unlink(_beside(path, "new"))


def _beside(path, what):
    directory, name = os.path.split(util.at(path))
    return os.path.join(directory, f".{name[:200]}.intranet-{what}")


def _unlink(target):
    try:
        os.unlink(target)
    except (FileNotFoundError, NotADirectoryError):
        pass


def keep(path):
    """Gives what stands at `path` a second name beside it, so that putting it back is a rename: that needs no room on a full disk."""
    old = _beside(path, "old")
    _unlink(old)
    if look(path)["kind"] in ("file", "link"):
        try:
            os.link(util.at(path), old, follow_symlinks=False)
        except OSError:
            pass  # a file system without hard links: the copy in the journal's folder serves


def forget_kept(path):
    """Removes the second name. Safe to repeat."""
    _unlink(_beside(path, "old"))


def put_back(path, saved):
    """Undoes a change of `path`: renames what `keep` kept if it is as the snapshot says, else restores the snapshot."""
    old = _beside(path, "old")
    if saved["kind"] in ("file", "link") and _is_snapshot(old, saved):
        clear_temporary(path)
        make_way(path, saved["kind"])
        os.rename(old, util.at(path))
        util.sync_directory(os.path.dirname(util.at(path)))
    else:
        restore(path, saved)
    forget_kept(path)  # a rename between two names of one file does nothing (rename(2))


def _is_snapshot(old, saved):
    """Whether the kept file is the one of the snapshot, by attributes and content."""
    if not os.path.lexists(old):
        return False
    found = look(old[len(util.ROOT) :])
    keys = ("kind", "target") if saved["kind"] == "link" else ("kind", "mode", "uid", "gid", "size")
    if any(found.get(key) != saved.get(key) for key in keys):
        return False
    if saved["kind"] == "link":
        return True
    import filecmp

    return filecmp.cmp(old, saved["copy"], shallow=False)


def discard(path):
    """Removes a file or link, or a directory that is empty; one that holds somebody's files stays."""
    target = util.at(path)
    try:
        if os.path.isdir(target) and not os.path.islink(target):
            os.rmdir(target)
        else:
            os.unlink(target)
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError:
        if not os.path.isdir(target):
            raise
        return
    util.sync_directory(os.path.dirname(target))


def clear(path):
    """Removes a directory with all it holds. Anything else that stands there stays. Safe to repeat."""
    target = util.at(path)
    if os.path.isdir(target) and not os.path.islink(target):
        util.remove_tree(target)
        util.sync_directory(os.path.dirname(target))


def place(path, data, mode, uid, gid):
    make_parents(path)
    make_way(path, "file")
    util.write_durably(util.at(path), data, mode, uid, gid)


def link(path, target):
    place_at = util.at(path)
    make_parents(path)
    make_way(path, "link")
    temporary = f"{os.path.dirname(place_at)}/.{os.path.basename(place_at)[:200]}.intranet-new"
    if os.path.lexists(temporary):
        os.unlink(temporary)
    os.symlink(target, temporary)
    util.step("link:" + path)
    os.rename(temporary, place_at)
    util.sync_directory(os.path.dirname(place_at))


def install(path, wanted, staged):
    """Makes `path` as `wanted` says; a file's content comes from its staged copy."""
    kind = wanted["kind"]
    if kind == "directory":
        restore(path, wanted)
    elif kind == "link":
        link(path, wanted["target"])
    elif kind == "file":
        with open(staged, "rb") as source:
            place(path, source.read(), wanted["mode"], wanted["uid"], wanted["gid"])
    else:
        make_way(path, kind)
        discard(path)


def is_directory(path):
    target = util.at(path)
    return os.path.isdir(target) and not os.path.islink(target)


def refuse_full(path, kind):
    """Raises if a directory that holds anything stands where something else is to be: its content is nobody's to remove."""
    if kind != "directory" and is_directory(path) and os.listdir(util.at(path)):
        wanted = "is to be absent" if kind == "absent" else f"a {kind} in the role"
        raise util.Failure("conflict", f"{path} is a directory on this host that holds files, and {wanted}; move it away first")


def make_way(path, kind):
    """Removes what nothing of `kind` can replace in one step: an empty directory, or whatever stands where a directory is to be."""
    refuse_full(path, kind)
    if kind == "directory":
        if os.path.lexists(util.at(path)) and not is_directory(path):
            os.unlink(util.at(path))
    elif is_directory(path):
        os.rmdir(util.at(path))


def missing_parents(path):
    """Directories above `path` that are not there yet, the topmost first."""
    missing = []
    parent = os.path.dirname(path)
    while parent not in ("", "/") and not os.path.lexists(util.at(parent)):
        missing.append(parent)
        parent = os.path.dirname(parent)
    return missing[::-1]


def make_parents(path):
    """Makes what is missing above `path`, readable for all as a package would."""
    for parent in missing_parents(path):
        os.mkdir(util.at(parent))
        util.step("parent:" + parent)
        os.chmod(util.at(parent), 0o755)
