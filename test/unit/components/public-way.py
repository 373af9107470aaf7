"""Packets of visitors and services between an Internet, a sinkhole and two sites, with real routing, rules and filters. Prints what happened, as JSON.

Argument: a folder with what the components rendered for `vps`, `cabin` and `office` (HOST.identity, .bird, .firewall, .policy, .prefix, .public).
The Internet is this process's own network namespace; each site has an access of its own to it beside the tunnels: vps - cabin - office.
"""
import contextlib
import json
import os
import pathlib
import select
import socket
import struct
import subprocess
import sys
import threading
import time
from netns import Inside, TUNNEL_GROUP

NETWORK = "2001:db8:100:1:"
SINKHOLE = NETWORK + ":1"
SERVICE, CABIN_SERVICE = NETWORK + "2::5", NETWORK + "1::7"
UNUSED = NETWORK + "2::99"
VISITOR, NEIGHBOUR = "2001:db8:50::9", "2001:db8:30::77"
GUEST = "64:ff9b:1::c633:6409"
ACCESS = {"vps": None, "cabin": "2001:db8:20::", "office": "2001:db8:30::"}
TUNNELS = (("vps", "cabin"), ("cabin", "office"))
PINNED_USER = 8
ETH_P_ALL, ETH_P_IPV6 = 3, 0x86DD
DEADLINE = 60


def run(*argv, ok=True):
    result = subprocess.run(argv, capture_output=True, text=True)
    if ok and result.returncode != 0:
        raise SystemExit(f"{argv}: {result.stdout}{result.stderr}")
    return result.stdout


def on(host, *argv, ok=True):
    """A command on a host, with a /run of its own."""
    return run("ip", "netns", "exec", host, "sh", "-c", 'mount --bind "$0" /run; exec "$@"', str(FOLDER / f"{host}.run"), *argv, ok=ok)


def wait(what, question):
    end = time.monotonic() + DEADLINE
    while not question():
        if time.monotonic() > end:
            raise SystemExit(f"{what}: not within {DEADLINE} s")
        time.sleep(0.2)


def inside(host, function):
    """What a function returns that runs in a host's network namespace."""
    with Inside(host):
        return function()


def sysctl(host, key, value):
    on(host, "sh", "-c", f"echo {value} >/proc/sys/{key}")


def build():
    run("mount", "-t", "tmpfs", "none", "/run")
    run("sysctl", "-qw", "net.ipv6.conf.all.forwarding=1")
    run("ip", "link", "set", "lo", "up")
    run("ip", "address", "add", VISITOR + "/128", "dev", "lo")
    for host, access in ACCESS.items():
        run("ip", "netns", "add", host)
        (FOLDER / f"{host}.run").mkdir()
        on(host, "ip", "link", "set", "lo", "up")
        run("ip", "link", "add", f"to-{host}", "type", "veth", "peer", "name", "eth0", "netns", host)
        run("ip", "link", "set", f"to-{host}", "addrgenmode", "none", "up")
        on(host, "ip", "link", "set", "eth0", "addrgenmode", "none", "up")
        run("ip", "address", "add", "fe80::1/64", "dev", f"to-{host}", "nodad")
        on(host, "ip", "address", "add", "fe80::2/64", "dev", "eth0", "nodad")
        if access:
            run("ip", "address", "add", f"{access}1/64", "dev", f"to-{host}", "nodad")
            on(host, "ip", "address", "add", f"{access}2/64", "dev", "eth0", "nodad")
        sysctl(host, "net/ipv6/conf/all/forwarding", 1)
        on(host, "ip", "route", "add", "default", "via", "fe80::1", "dev", "eth0")
    run("ip", "address", "add", NEIGHBOUR + "/64", "dev", "to-office", "nodad")
    on("vps", "ip", "address", "add", SINKHOLE + "/128", "dev", "eth0", "nodad")
    for prefix in (f"{NETWORK}:/64", "fd00::/8", "64:ff9b:1::/96"):  # somebody who tries the sinkhole for a router
        run("ip", "route", "add", prefix, "via", "fe80::2", "dev", "to-vps")
    for number, (a, b) in enumerate(TUNNELS):
        run("ip", "-n", a, "link", "add", f"wg-{b}", "type", "veth", "peer", "name", f"wg-{a}", "netns", b)
        for host, name, end in ((a, f"wg-{b}", 0), (b, f"wg-{a}", 1)):
            on(host, "ip", "link", "set", name, "group", TUNNEL_GROUP, "addrgenmode", "none", "up")
            on(host, "ip", "address", "add", f"fe80::{2 * number + end + 10:x}/64", "dev", name, "nodad")
    for host in ACCESS:
        for part, command in (("identity", ("sh",)), ("policy", ("sh",)), ("firewall", ("nft", "-f")), ("public", ("nft", "-f")), ("prefix", ("sh",))):
            if (FOLDER / f"{host}.{part}").exists():
                on(host, *command, str(FOLDER / f"{host}.{part}"), *(("start",) if command == ("sh",) else ()))
        start_bird(host)
    wait("OSPF", converged)


def start_bird(host):
    on(host, "bird", "-c", str(FOLDER / f"{host}.bird"), "-s", str(FOLDER / f"{host}.ctl"))


def converged():
    return all("via" in default("office", table) for table in (6464, 65541)) and SERVICE in on("vps", "ip", "-6", "route")


def default(host, table):
    return on(host, "ip", "-6", "route", "show", "table", str(table), "default", ok=False)


class Seen:
    """Counts packets on interfaces that have an address of ours or of guests, also inside an ICMPv6 error."""

    def __init__(self, *names, host=None):
        self.count = 0
        self.names = names
        self.host = host

    def __enter__(self):
        def open_all():
            found = []
            for name in self.names:
                found.append(socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL)))
                found[-1].bind((name, ETH_P_ALL))
            return found

        self.sockets = inside(self.host, open_all) if self.host else open_all()
        return self

    def __exit__(self, *_):
        time.sleep(0.3)
        while ready := select.select(self.sockets, [], [], 0)[0]:
            for one in ready:
                self.count += self.matches(one.recv(65536))
        for one in self.sockets:
            one.close()

    @staticmethod
    def matches(frame):
        if struct.unpack_from("!H", frame, 12)[0] != ETH_P_IPV6:
            return False
        ours = [socket.inet_pton(socket.AF_INET6, NETWORK + ":")[:8], socket.inet_pton(socket.AF_INET6, "64:ff9b:1::")[:12]]
        addresses = [frame[at : at + 16] for at in (22, 38)]
        if frame[20] == 58 and frame[54] < 128:
            addresses += [frame[at : at + 16] for at in (70, 86)]
        return any(address.startswith(prefix) for address in addresses for prefix in ours)


ISP = ("to-cabin", "to-office")
INSIDE, OUTSIDE = "nothing beside the tunnels", "seen beside the tunnels"


def serve(host, port):
    """A server at every address of a host, which tells each client who it is."""
    def listen():
        server = socket.create_server(("::", port), family=socket.AF_INET6)
        server.settimeout(None)
        return server

    server = inside(host, listen)

    def answer():
        while True:
            client, peer = server.accept()
            with contextlib.suppress(OSError):
                client.sendall(peer[0].encode())
            client.close()

    threading.Thread(target=answer, daemon=True).start()


def ask(address, port, source="::", host=None, uid=None):
    """What a server answers, or why there is no answer."""
    def attempt():
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as client:
            client.settimeout(2)
            try:
                client.bind((source, 0))
                client.connect((address, port))
                return client.recv(100).decode()
            except socket.timeout:
                return "silence"
            except OSError as error:
                return error.strerror

    def attempt_as():
        """In a process of its own, which is the account's."""
        reading, writing = os.pipe()
        if os.fork() == 0:
            os.setuid(uid)
            os.write(writing, attempt().encode())
            os._exit(0)
        os.close(writing)
        with open(reading) as pipe:
            return pipe.read()

    if host is None:
        return attempt()
    return inside(host, attempt if uid is None else attempt_as)


def ping(address, source=VISITOR, hops=64):
    """Whether a host answers an echo request, or what a router says about it."""
    with socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as raw:
        raw.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, hops)
        raw.bind((source, 0))
        raw.settimeout(2)
        raw.sendto(struct.pack("!BBHHH", 128, 0, 0, os.getpid() & 0xFFFF, 1), (address, 0))
        end = time.monotonic() + 2
        while time.monotonic() < end:
            try:
                message, (peer, *_) = raw.recvfrom(2048)
            except socket.timeout:
                break
            if message[0] in (1, 3, 129):
                return {1: "unreachable", 3: "time exceeded", 129: "echo"}[message[0]] + " from " + peer
        return "silence"


def routing():
    def tables(host):
        lines = on(host, "ip", "-6", "route", "show", "table", "all").splitlines()
        named = [line for line in lines if line.startswith(("default", "unreachable default", "64:ff9b:1::", f"{NETWORK}:", SERVICE, CABIN_SERVICE)) and "table local" not in line]
        return sorted(" ".join(line.replace(" pref medium", "").split()) for line in named)

    return {host: tables(host) for host in ACCESS}


def leaks(what):
    """What is seen on the accesses of the sites while something is tried, and what came of it."""
    with Seen(*ISP) as seen:
        result = what()
    return [result, OUTSIDE if seen.count > 0 else INSIDE]


def cut():
    run("ip", "-n", "cabin", "link", "set", "wg-office", "down")
    wait("the cut", lambda: "via" not in default("office", 6464) and "via" not in default("office", 65541))


def standing():
    serve("office", 443)
    serve("office", 22)
    serve("cabin", 22)
    serve("cabin", 443)
    visitor = socket.create_server((VISITOR, 7000), family=socket.AF_INET6)

    def answer():
        while True:
            client, peer = visitor.accept()
            client.sendall(peer[0].encode())
            client.close()

    threading.Thread(target=answer, daemon=True).start()
    result = {
        "routing": routing(),
        "a visitor": leaks(lambda: ask(SERVICE, 443, VISITOR)),
        "a visitor at a closed port": leaks(lambda: ask(SERVICE, 22, VISITOR)),
        "a visitor at another host's service": leaks(lambda: ask(CABIN_SERVICE, 443, VISITOR)),
        "a visitor who is a neighbour of the service": leaks(lambda: ask(SERVICE, 443, NEIGHBOUR)),
        "a service to a service": leaks(lambda: ask(SERVICE, 443, CABIN_SERVICE, "cabin")),
        "a host to a service": leaks(lambda: ask(SERVICE, 443, host="cabin")),
        "a pinned account": leaks(lambda: ask(VISITOR, 7000, host="office", uid=PINNED_USER)),
        "another account": leaks(lambda: ask(VISITOR, 7000, host="office", uid=PINNED_USER + 1)),
        "a pinned account to the intranet": leaks(lambda: ask(IDENTITIES["cabin"], 443, host="office", uid=PINNED_USER)),
        "a service that speaks first": leaks(lambda: ask(VISITOR, 7000, SERVICE, "office")),
        "ping": leaks(lambda: ping(SERVICE)),
    }
    with Seen("wg-cabin", host="vps") as tunnel:
        result["an address that nobody has"] = leaks(lambda: ping(UNUSED))
    result["an address that nobody has"].append("nothing in the tunnel" if tunnel.count == 0 else "seen in the tunnel")
    with Seen("wg-cabin", host="vps") as tunnel:
        ask(GUEST, 9, SERVICE, "office")
    result["an answer to a guest at the sinkhole"] = tunnel.count > 0
    result["a packet that ends at the site between"] = leaks(lambda: ping(SERVICE, hops=2))
    on("cabin", "nft", "-f", str(FOLDER / "cabin.telling"))
    result["the same without the rule"] = leaks(lambda: ping(SERVICE, hops=2))
    on("cabin", "nft", "-f", str(FOLDER / "cabin.firewall"))
    return result


def without(*commands):
    """A visitor's attempt while something is missing on the service's host, by commands that take it away."""
    for command in commands:
        on("office", *command)
    return leaks(lambda: ask(SERVICE, 443, VISITOR))


def lacking():
    policy, public = str(FOLDER / "office.policy"), str(FOLDER / "office.public")
    result = {"the routing rules": without(("sh", policy, "stop"))}
    result["those and the rules for visitors"] = without(("nft", "delete", "table", "inet", "intranet-public"))
    on("office", "nft", "-f", public)
    on("office", "sh", policy, "start")
    result["nothing"] = leaks(lambda: ask(SERVICE, 443, VISITOR))
    on("office", "birdc", "-s", str(FOLDER / "office.ctl"), "down")
    wait("BIRD's end", lambda: SERVICE not in on("vps", "ip", "-6", "route") and "via" not in default("office", 6464))
    result["BIRD"] = leaks(lambda: ask(VISITOR, 7000, SERVICE, "office"))
    start_bird("office")
    wait("OSPF", converged)
    result["nothing again"] = leaks(lambda: ask(SERVICE, 443, VISITOR))
    return result


def severed():
    """A connection that stands when the tunnel goes, and what is tried afterwards."""
    def listen():
        return socket.create_server((SERVICE, 80), family=socket.AF_INET6)

    server = inside("office", listen)
    visitor = socket.create_connection((SERVICE, 80), source_address=(VISITOR, 0), timeout=5)
    client, _ = server.accept()

    def speak():
        client.sendall(b"x" * 1000)
        return "said"

    with Seen(*ISP) as seen:
        cut()
        said = speak()
        time.sleep(1.5)
    visitor.close()
    return {
        "routing": routing()["office"],
        "a connection that stood": [said, OUTSIDE if seen.count > 0 else INSIDE],
        "a service": leaks(lambda: ask(VISITOR, 7000, SERVICE, "office")),
        "a pinned account": leaks(lambda: ask(VISITOR, 7000, host="office", uid=PINNED_USER)),
        "another account": leaks(lambda: ask(VISITOR, 7000, host="office", uid=PINNED_USER + 1)),
        "a host to a service": leaks(lambda: ask(CABIN_SERVICE, 443, host="office")),
        "a host to a guest": leaks(lambda: ask(GUEST, 9, host="office")),
        "a service to a guest": leaks(lambda: ask(GUEST, 9, SERVICE, "office")),
        "a visitor": ping(SERVICE),
        "the sinkhole itself": ask(SINKHOLE, 22, host="office"),
    }


def main():
    global FOLDER, IDENTITIES
    FOLDER = pathlib.Path(sys.argv[1])
    IDENTITIES = json.loads((FOLDER / "identities.json").read_text())
    build()
    serve("vps", 22)
    print(json.dumps({"standing": standing(), "lacking": lacking(), "cut": severed()}))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
