"""dpkg's status-logger on a lab host: makes each word of dpkg's progress a step, as the agent's own are (util.step).

`kill` ends the agent, and leaves apt and dpkg without it; `hold` stops apt and dpkg.
"""
import glob
import json
import os
import signal
import sys

FOLDER = "/run/steps"


def pids(*names):
    for path in glob.glob("/proc/[0-9]*/comm"):
        try:
            if open(path).read().strip() in names:
                yield int(path.split("/")[2])
        except OSError:
            pass


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
                targets = [json.load(open("/var/lib/intranet/journal.json"))["pid"]] if word == "kill" else list(pids("dpkg", "apt-get"))
                for pid in targets:
                    os.kill(pid, how)
                os.unlink(f"{FOLDER}/{word}")
    except (OSError, KeyError):
        pass  # nobody watches, or what was to be stopped has ended
