"""dpkg's status-logger on a lab host: makes each word of dpkg's progress a step, as the agent's own are (util.step).

`kill` ends the agent, and leaves apt and dpkg without it; `hold` stops apt and dpkg. dpkg does not wait for its logger: where both have ended
by now, the agent is what is stopped.
"""
import glob
import os
import signal
import sys

FOLDER = "/run/steps"
AGENT = (["-ISB"], ["-B"])
"""How the agent is started over SSH, and from the disk."""


def pids(fits):
    """Processes whose arguments fit."""
    found = []
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            argv = open(path).read().split("\0")
        except OSError:
            continue
        if fits(os.path.basename(argv[0]), argv[1:]):
            found.append(int(path.split("/")[2]))
    return found


def agents():
    return pids(lambda name, more: name == "python3" and more[:1] in AGENT)


def packagers():
    return pids(lambda name, _: name in ("dpkg", "apt-get"))


for line in sys.stdin:
    name = "dpkg:" + line.strip()
    try:
        with open(FOLDER + "/seen", "a+") as seen:
            seen.seek(0)
            number = 1 + sum(word.split("#")[0] == name for word in seen.read().split("\n"))
            name += f"#{number}" if number > 1 else ""
            seen.write(name + "\n")
        for word, how in (("kill", signal.SIGKILL), ("hold", signal.SIGSTOP)):
            if os.path.exists(f"{FOLDER}/{word}") and open(f"{FOLDER}/{word}").read() == name:
                targets = agents() if word == "kill" else packagers() or agents()
                for pid in targets:
                    os.kill(pid, how)
                if targets:
                    os.unlink(f"{FOLDER}/{word}")
    except OSError:
        pass  # nobody watches, or what was to be stopped has ended
