"""Four hosts with BIRD in network namespaces of their own, one of which announces what is another's. Prints where the others send, as JSON.

Argument: a folder with HOST.bird for each host, and network.json: the tunnels (pairs of hosts), the identities, what is looked up at whom,
and the office's configurations by what it claims. The tunnels are pairs of veth.
"""
import json
import pathlib
import subprocess
import sys
import time

FOLDER = pathlib.Path(sys.argv[1])
NETWORK = json.loads((FOLDER / "network.json").read_text())
ATTACKER = "office"
DEADLINE = 40


def run(*argv, ok=True):
    result = subprocess.run(argv, capture_output=True, text=True)
    if ok and result.returncode != 0:
        raise SystemExit(f"{argv}: {result.stdout}{result.stderr}")
    return result.stdout


def on(host, *argv, ok=True):
    return run("ip", "netns", "exec", host, *argv, ok=ok)


def wait(what, question):
    end = time.monotonic() + DEADLINE
    while not question():
        if time.monotonic() > end:
            raise SystemExit(f"{what}: not within {DEADLINE} s\n{birdc('vps', 'show', 'ospf', 'state', 'ospf4')}")
        time.sleep(0.2)


def birdc(host, *words):
    return on(host, "birdc", "-s", str(FOLDER / f"{host}.ctl"), *words, ok=False)


def build():
    run("mount", "-t", "tmpfs", "none", "/run")
    for host, (v4, v6) in NETWORK["identities"].items():
        run("ip", "netns", "add", host)
        on(host, "ip", "link", "set", "lo", "up")
        on(host, "ip", "address", "add", f"{v4}/32", "dev", "lo")
        on(host, "ip", "address", "add", f"{v6}/128", "dev", "lo", "nodad")
        for family, space in ((4, "10.16.0.0/12"), (6, "fd71:47d2:79d7::/48")):
            on(host, "ip", f"-{family}", "route", "add", "unreachable", space, "metric", "4000000000")
    for number, (a, b) in enumerate(NETWORK["tunnels"]):
        run("ip", "-n", a, "link", "add", f"wg-{b}", "type", "veth", "peer", "name", f"wg-{a}", "netns", b)
        for end, (host, other) in enumerate(((a, b), (b, a))):
            own, far = (f"169.254.1.{2 * number + one}" for one in (end, 1 - end))
            on(host, "ip", "link", "set", f"wg-{other}", "addrgenmode", "none", "up")
            on(host, "ip", "address", "add", own, "peer", f"{far}/32", "dev", f"wg-{other}")
            on(host, "ip", "address", "add", f"fe80::{2 * number + end + 16:x}/64", "dev", f"wg-{other}", "nodad")


DAEMONS = {}


def start(host, configuration):
    command = ("bird", "-f", "-c", str(FOLDER / configuration), "-s", str(FOLDER / f"{host}.ctl"))
    DAEMONS[host] = subprocess.Popen(("ip", "netns", "exec", host, *command), stderr=subprocess.DEVNULL)


def towards(host, address):
    """The interface by which a host sends to an address, or "unreachable"."""
    said = on(host, "ip", "route", "get", address, ok=False)
    return said.split(" dev ")[1].split()[0] if " dev wg-" in said else "unreachable"


def ways():
    """Where each host sends what is looked up: the names of what is looked up, by interface."""
    return {host: {what: towards(host, address) for what, address in asked.items()} for host, asked in NETWORK["asked"].items()}


def settled(expected):
    """The ways when they have been the same for two seconds, and what the attacker says has arrived."""
    wait(f"the office's claim {expected}", lambda: expected in birdc("vps", "show", "ospf", "state", "ospf4"))
    seen, since = ways(), time.monotonic()
    end = time.monotonic() + DEADLINE
    while time.monotonic() - since < 2 and time.monotonic() < end:
        now = ways()
        if now != seen:
            seen, since = now, time.monotonic()
        time.sleep(0.2)
    return seen


def ever(seconds):
    """Every way that is seen while two routers with one number contradict each other."""
    found = {host: {what: set() for what in asked} for host, asked in NETWORK["asked"].items()}
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for host, ways_there in ways().items():
            for what, way in ways_there.items():
                found[host][what].add(way)
    return {host: {what: sorted(ways_there) for what, ways_there in there.items()} for host, there in found.items()}


def claiming(claim, expected):
    """The ways while the attacker says more than is its own."""
    birdc(ATTACKER, "configure", f'"{FOLDER}/{ATTACKER}.{claim}.bird"')
    return settled(expected)


def another_number(claim):
    """The ways that are seen while it says so under another's number."""
    DAEMONS[ATTACKER].terminate()
    DAEMONS[ATTACKER].wait()
    start(ATTACKER, f"{ATTACKER}.{claim}.bird")
    return ever(20)


def said():
    """What the script of the hub says of who announces what."""
    return on("vps", "python3", str(FOLDER / "said"), str(FOLDER / "vps.ctl"), str(FOLDER / "vps.owners"), ok=False).splitlines()


def main():
    build()
    for host in NETWORK["identities"]:
        start(host, f"{host}.bird")
    wait("OSPF", lambda: "unreachable" not in json.dumps({host: {what: way for what, way in there.items() if what != "nobody's"} for host, there in ways().items()}))
    result = {"honest": ways(), "honest, said": said()}
    for claim, expected in NETWORK["claims"].items():
        result[claim] = another_number(claim) if expected is None else claiming(claim, expected)
        result[claim + ", said"] = said()
    print(json.dumps(result))


main()
