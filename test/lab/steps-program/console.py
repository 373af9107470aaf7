"""Runs inside a lab host, on its console and not over SSH: arms a step, injects faults, and says how the host stands.

One request a line on stdin, as JSON; one answer a line on stdout.
"""
import glob
import hashlib
import json
import os
import signal
import subprocess
import sys
import time

FOLDER = "/run/steps"
AGENT = (["-ISB"], ["-B"])
"""How the agent is started over SSH, and from the disk."""
BASE = "/var/lib/intranet"
SAME = "/etc/passwd /etc/shadow /etc/group /etc/gshadow /etc/subuid /etc/subgid".split()
LOCKS = [path + ".lock" for path in SAME] + ["/etc/.pwd.lock", "/etc/ld.so.cache"]
TOPS = "/etc /usr/local /usr/sbin /root /home /srv /opt /var/lib/intranet/backup /var/lib/steps /var/lib/extra".split()
COMMANDS = [
    ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Abbrev}\n"],
    ["nft", "list", "ruleset"],
    ["wg", "show", "all", "peers"],
    ["sysctl", "net.ipv4.conf.lo.send_redirects"],
    ["systemctl", "list-units", "--failed", "--plain", "--no-legend"],
]


def arm(word, step):
    os.makedirs(FOLDER, exist_ok=True)
    for name in os.listdir(FOLDER):
        os.unlink(f"{FOLDER}/{name}")
    if word:
        open(f"{FOLDER}/{word}", "w").write(step)


def seen():
    try:
        return open(FOLDER + "/seen").read().split("\n")[:-1]
    except FileNotFoundError:
        return []


def processes():
    """(pid, state, parent, argv) of everything that runs."""
    for path in glob.glob("/proc/[0-9]*/stat"):
        try:
            words = open(path).read().rsplit(")", 1)[1].split()
            argv = open(path[:-4] + "cmdline").read().split("\0")
        except OSError:
            continue
        yield int(path.split("/")[2]), words[0], int(words[1]), argv


def agents():
    """The agent's processes, whoever has started them: alone they are called with -B."""
    return [entry for entry in processes() if entry[3][0].endswith("python3") and entry[3][1:2] in AGENT and entry[1] != "Z"]


def until(what, seconds=90):
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            return False
        time.sleep(0.03)
    return True


def held():
    """Waits until all that is to be stopped at the step that was armed has been. False when it has ended without coming there."""
    stopped = lambda: not os.path.exists(FOLDER + "/hold") and any(state == "T" for _, state, _, _ in processes())  # noqa: E731
    until(lambda: stopped() or not agents() and not os.path.exists(FOLDER + "/hold"), 120)
    return stopped()


def killed():
    """Whether the step came whose process was to be killed."""
    return not os.path.exists(FOLDER + "/kill")


def cut():
    """Ends the SSH session whose command is stopped, as when the way to it is gone."""
    parents = {pid: parent for pid, _, parent, _ in processes()}
    for pid, state, parent, _ in processes():
        while state == "T" and parent > 1:
            if open(f"/proc/{parent}/comm").read().startswith("sshd"):
                os.kill(parent, signal.SIGKILL)
                return True
            parent = parents[parent]
    return False


def go():
    """Lets everything go on. Also what does not look stopped: one that writes to the disk stops when it has written."""
    words = ("apt-get", "dpkg")
    for pid, state, _, argv in list(processes()):
        if state == "T" or os.path.basename(argv[0]) in words or argv[1:2] in AGENT:
            os.kill(pid, signal.SIGCONT)


def idle():
    """Waits until nothing is under way: neither an agent nor a package manager runs, nor who notes dpkg's words, and no change awaits its confirmation."""
    words = ("apt-get", "dpkg", "userdel", "useradd", "systemctl", "dpkg-steps.py")
    busy = lambda: agents() or any(os.path.basename(word) in words for _, _, _, argv in processes() for word in argv[:2])  # noqa: E731
    return until(lambda: not busy() and not os.path.exists(BASE + "/journal.json"), 150)


def alone():
    """Waits until no job that removes an earlier stack's way in waits here: when others of its stack stayed, that takes a while (leaving.PATIENCE)."""
    return until(lambda: not glob.glob("/run/systemd/transient/intranet-leave-*"), 320)


SUMS = {}


def digest(path, found):
    """A file's checksum; of one that is still the same it is known."""
    key = (path, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
    if key not in SUMS:
        SUMS[key] = hashlib.sha256(open(path, "rb").read()).hexdigest()
    return SUMS[key]


def describe(path):
    found = os.lstat(path)
    words = f"{found.st_mode:o} {found.st_uid}:{found.st_gid}"
    if os.path.islink(path):
        return f"{words} -> {os.readlink(path)}"
    return words if os.path.isdir(path) else f"{words} {digest(path, found)}"


def look(units):
    """Everything that roles own or could have touched, by name."""
    state = {}
    for top in TOPS:
        for folder, folders, names in os.walk(top):
            for path in (os.path.join(folder, name) for name in folders + names):
                if path.rstrip("-") not in SAME and path not in LOCKS and not path.endswith("__pycache__"):
                    state[path] = describe(path)
    for path in SAME[:4]:  # in any order: an account that comes again is the last one
        state[path] = sorted(line for line in open(path).read().split("\n") if "steps" in line or "extra" in line)
    state["/etc/shadow"] = [line.split(":")[0] for line in state["/etc/shadow"]]
    for argv in COMMANDS:
        state[" ".join(argv)] = subprocess.run(argv, capture_output=True, text=True).stdout.strip()
    argv = ["systemctl", "show", "-p", "Id,LoadState,ActiveState,UnitFileState,NeedDaemonReload", "--", *units]
    shown = subprocess.run(argv, capture_output=True, text=True).stdout.strip().split("\n\n")
    state.update({"unit " + name: " ".join(sorted(words.split())) for name, words in zip(units, shown)})
    if os.path.exists(BASE + "/ledger.json"):
        ledger = json.load(open(BASE + "/ledger.json"))
        roles = {name: {key: value for key, value in role.items() if key != "id"} for name, role in ledger["roles"].items()}
        state["roles"] = {"roles": roles, "installed": ledger["installed"]}
    return state


def left():
    """What may not be left when nothing is under way."""
    patterns = [BASE + "/journal.json", BASE + "/tx", "/run/systemd/transient/intranet-*", "/usr/sbin/policy-rc.d*", "/run/intranet-enrol.*"]
    found = [path for pattern in patterns for path in glob.glob(pattern)]
    for top in (BASE, "/etc", "/usr/sbin", "/var/lib/steps"):
        for folder, _, names in os.walk(top):
            found += [os.path.join(folder, name) for name in names if ".intranet-" in name]
    ledger = json.load(open(BASE + "/ledger.json")) if os.path.exists(BASE + "/ledger.json") else {"roles": {}}
    if os.path.exists(BASE) and not ledger["roles"]:
        found.append(BASE)
    found += [" ".join(argv)[:80] for _, _, _, argv in agents()]
    found += [line for line in open("/proc/locks").read().split("\n") if BASE in line]
    return found


ACTIONS = {"arm": arm, "seen": seen, "held": held, "killed": killed, "cut": cut, "go": go, "idle": idle, "alone": alone, "look": look, "left": left}

for line in sys.stdin:
    request = json.loads(line)
    print(json.dumps(ACTIONS[request["do"]](*request.get("with", []))), flush=True)
