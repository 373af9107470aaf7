"""File systems that are full, read-only or broken: looked at before anything is changed, and told in words.

A change needs room twice: for what is new, and for the records by which it can be undone. Undoing needs none: files are put back by a
rename (files.keep), and what is written then fits into a reserve that was taken before.
"""
import errno
import os

import util

RESERVE_FILES, RESERVE_BYTES = 4, 1 << 16
"""The reserve: as many files (inodes), and bytes in each."""
BLOCK = 4096


def explain(error):
    """The Failure for an error that nobody foresaw; one of a file system names it and what it lacks."""
    if isinstance(error, util.Failure):
        return error
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO):
        path = error.filename if isinstance(error.filename, str) else util.at("/var/lib/intranet")
        path = path[len(util.ROOT) :] if util.ROOT and path.startswith(util.ROOT) else path
        return util.Failure("storage", words(error.errno, path))
    return util.internal(error)


def words(number, path, needs=0, count=1):
    """What is wrong with the file system that holds `path`, and what to do; `needs` bytes and `count` inodes were asked for."""
    where, point = file_system(path)
    if number == errno.EROFS:
        return (
            f"{path} cannot be written: {where} is read-only. A file system with errors becomes so by itself (see `dmesg`); "
            f"mend it, then `mount -o remount,rw {point}`"
        )
    if number == errno.EIO:
        return f"{path} cannot be read or written: {where} gives input/output errors; its disk may be broken (see `dmesg`)"
    free, inodes = room(path)
    if inodes is not None and inodes < count:
        return f"{path} cannot be written: {where} has too few inodes: {inodes} are left, {count} are needed; delete files there (see `df -i`)"
    if number == errno.EDQUOT:
        return f"{path} cannot be written: the quota on {where} is used up"
    wanted = f", {needs // 1024} KiB are needed" if needs else ""
    return f"{path} cannot be written: {where} has too little room: {free // 1024} KiB are free{wanted}; make room there (see `df`)"


def explain_output(output):
    """The same for what a program printed, or "" when it tells of nothing like that."""
    import re

    full = re.search(r"enough free space in (/\S*[^./\s])", output)
    if full or "No space left on device" in output:
        path = full.group(1) if full else "/var/cache/apt/archives"
        return words(errno.ENOSPC, path)
    if "Read-only file system" in output:
        named = re.search(r"(/[^\s:'\"()]+)[^\n]*Read-only file system", output)
        return words(errno.EROFS, named.group(1) if named else "/var/lib/dpkg")
    return ""


def standing(path):
    """The path itself or the nearest directory above it that is there, as it really is (already prefixed)."""
    target = util.at(path)
    while not os.path.lexists(target):
        target = os.path.dirname(target)
    parent = os.path.dirname(target)
    return os.path.realpath(target if os.path.isdir(target) else parent)


def file_system(path):
    """(words, mount point) of the file system that holds a path: "the file system /var (ext4 on /dev/sda2)"."""
    target = standing(path)
    best = ("/", "?", "?")
    with open("/proc/self/mountinfo") as source:
        for line in source:
            before, _, after = line.partition(" - ")
            point = before.split()[4].encode().decode("unicode_escape")
            if target == point or target.startswith(point.rstrip("/") + "/"):
                if len(point) >= len(best[0]):
                    best = (point, *after.split()[:2])
    return f"the file system {best[0]} ({best[1]} on {best[2]})", best[0]


def room(path):
    """(free bytes, free inodes) for root where a path is or would be; some file systems count no inodes: None."""
    found = os.statvfs(standing(path))
    return found.f_bfree * found.f_frsize, found.f_ffree if found.f_files else None


def require(needs):
    """Raises before anything is changed unless every (path, bytes) can be written, all together; bytes None: only removed."""
    wanted = {}
    for path, size in needs:
        place = standing(path)
        if os.statvfs(place).f_flag & os.ST_RDONLY:
            raise util.Failure("storage", words(errno.EROFS, path) + "; nothing was changed")
        if size is None:
            continue
        entry = wanted.setdefault(os.stat(place).st_dev, [path, 0, 0])
        entry[1] += (size // BLOCK + 2) * BLOCK  # and perhaps a block of the directory
        entry[2] += 1
    for path, size, count in wanted.values():
        free, inodes = room(path)
        if free < size or (inodes is not None and inodes < count):
            raise util.Failure("storage", words(errno.ENOSPC, path, size, count) + "; nothing was changed")


def take_reserve(folder):
    """Fills a few files in `folder` (already prefixed), so that undoing has bytes and inodes whatever becomes of the disk."""
    os.makedirs(folder, mode=0o700, exist_ok=True)
    for number in range(RESERVE_FILES):
        name = f"{folder}/reserve-{number}"
        descriptor = os.open(name, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, RESERVE_BYTES)
        except OSError as error:
            error.filename = name
            raise
        finally:
            os.close(descriptor)


def give_reserve(folder):
    """Frees the reserve. Safe to repeat."""
    for number in range(RESERVE_FILES):
        try:
            os.unlink(f"{folder}/reserve-{number}")
        except OSError:
            pass
