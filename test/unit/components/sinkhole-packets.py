"""Packets through the rules of a host with tunnels, in network namespaces of its own. Prints what arrived, as JSON.

Arguments: the rules' file, or "none". `wg-home` and `wg-cabin` lead to routers, `wg-devices` to a device; each is one end of a veth pair.
"""
import json
import socket
import struct
import subprocess
import sys
import time
from netns import TUNNEL_GROUP

PAYLOAD = b"a packet of the test"
ETH_P_ALL = 3
"""Of all protocols, the only one that shows what is sent."""
PACKET_OUTGOING = 4
TUNNELS = {"wg-home": ("169.254.1.0", "169.254.1.1"), "wg-cabin": ("169.254.1.2", "169.254.1.3"), "wg-devices": ("10.31.224.1", "10.31.224.2")}


def run(*argv):
    subprocess.run(argv, check=True)


def sysctl(key, value):
    with open("/proc/sys/" + key, "w") as target:
        target.write(value)


def inside(name, function, *args):
    """Runs a function in a network namespace, in a process of its own."""
    code = f"import sys; sys.path.insert(0, {sys.path[0]!r}); import importlib; importlib.import_module('sinkhole-packets').{function}(*{args!r})"
    subprocess.run(["ip", "netns", "exec", name, sys.executable, "-B", "-c", code], check=True)


def build(rules):
    run("mount", "-t", "tmpfs", "none", "/run")
    run("ip", "link", "set", "lo", "up")
    sysctl("net/ipv4/ip_forward", "1")
    sysctl("net/ipv4/conf/all/rp_filter", "2")  # only the rules are to tell a device's sources
    for name, (own, peer) in TUNNELS.items():
        run("ip", "netns", "add", name)
        run("ip", "link", "add", name, "type", "veth", "peer", "name", "up0", "netns", name)
        run("ip", "link", "set", name, "group", TUNNEL_GROUP, "addrgenmode", "none", "up")
        run("ip", "address", "add", own, "peer", f"{peer}/32", "dev", name)
        run("ip", "address", "add", "fe80::a/64", "dev", name, "nodad")
        inside_ip = ("ip", "-n", name)
        run(*inside_ip, "link", "set", "lo", "up")
        run(*inside_ip, "link", "set", "up0", "addrgenmode", "none", "up")
        run(*inside_ip, "address", "add", peer, "peer", f"{own}/32", "dev", "up0")
        run(*inside_ip, "address", "add", "fe80::b/64", "dev", "up0", "nodad")
        run(*inside_ip, "route", "add", "default", "dev", "up0", "via", own)
    run("ip", "route", "add", "10.20.0.0/24", "via", "169.254.1.1", "dev", "wg-home")
    run("ip", "route", "add", "192.0.2.0/24", "via", "169.254.1.1", "dev", "wg-home")
    run("ip", "route", "add", "10.30.0.0/24", "via", "169.254.1.3", "dev", "wg-cabin")
    # A LAN of this host's own, as a site's host has one, and a second device.
    run("ip", "link", "add", "lan0", "type", "veth", "peer", "name", "lan1")
    run("ip", "link", "set", "lan0", "up")
    run("ip", "link", "set", "lan1", "up")
    run("ip", "route", "add", "10.21.0.0/24", "dev", "lan0")
    run("ip", "route", "add", "10.31.224.3/32", "dev", "wg-devices")
    run("ip", "neighbour", "add", "10.31.224.3", "lladdr", "02:00:00:00:00:03", "dev", "wg-devices")
    if rules != "none":
        run("nft", "-f", rules)


def send4(source, destination, protocol, ttl, payload):
    """An IPv4 packet with a header of our own: any source."""
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 1, 0, ttl, protocol, 0, socket.inet_aton(source), socket.inet_aton(destination))
    raw.sendto(header + payload, (destination, 0))


def send6(source, protocol, hops, payload, destination="fe80::a"):
    raw = socket.socket(socket.AF_INET6, socket.SOCK_RAW, protocol)
    raw.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, hops)
    raw.bind((source, 0, 0, socket.if_nametoindex("up0")))
    raw.sendto(payload, (destination, 0, 0, socket.if_nametoindex("up0")))


def udp(port):
    return struct.pack("!HHHH", 49152, port, 8 + len(PAYLOAD), 0) + PAYLOAD


def leaves(data, sender):
    """Of what is seen on an interface: a packet of ours that goes out, and no error about one, which carries it."""
    return sender[2] == PACKET_OUTGOING and data[9] == socket.IPPROTO_UDP


def arrived(receiver):
    """Whether a packet of the test's came: one with our payload. Of those on an interface, one that leaves by it."""
    end = time.monotonic() + 0.3
    while time.monotonic() < end:
        try:
            data, sender = receiver.recvfrom(2048)
            if data.endswith(PAYLOAD) and (receiver.family != socket.AF_PACKET or leaves(data, sender)):
                return True
        except (TimeoutError, socket.timeout):
            pass
    return False


def attempt(receiver, name, function, *args):
    inside(name, function, *args)
    receiver.settimeout(0.1)
    return arrived(receiver)


def main(rules):
    build(rules)
    ospf4 = socket.socket(socket.AF_INET, socket.SOCK_RAW, 89)
    ospf6 = socket.socket(socket.AF_INET6, socket.SOCK_RAW, 89)
    bfd = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    bfd.bind(("0.0.0.0", 3784))
    result = {
        "ospf from a link": attempt(ospf4, "wg-home", "send4", "169.254.1.1", "169.254.1.0", 89, 1, PAYLOAD),
        "ospf from a link, over IPv6": attempt(ospf6, "wg-home", "send6", "fe80::b", 89, 1, PAYLOAD),
        "ospf from an identity beyond a link": attempt(ospf4, "wg-home", "send4", "10.20.0.10", "169.254.1.0", 89, 1, PAYLOAD),
        "ospf from a device": attempt(ospf4, "wg-devices", "send4", "10.31.224.2", "10.31.224.1", 89, 1, PAYLOAD),
        "ospf from a device, over IPv6": attempt(ospf6, "wg-devices", "send6", "fe80::b", 89, 1, PAYLOAD),
        "bfd from a link": attempt(bfd, "wg-home", "send4", "169.254.1.1", "169.254.1.0", 17, 255, udp(3784)),
        "bfd from further away": attempt(bfd, "wg-home", "send4", "169.254.1.1", "169.254.1.0", 17, 254, udp(3784)),
        "bfd from a device": attempt(bfd, "wg-devices", "send4", "10.31.224.2", "10.31.224.1", 17, 255, udp(3784)),
    }
    passing = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
    passing.bind(("wg-cabin", ETH_P_ALL))
    for what, name, source in (
        ("to a site, by another link than the way back", "wg-home", "10.30.0.99"),
        ("to a site, from outside the space", "wg-home", "192.0.2.1"),
        ("to a site, from a device", "wg-devices", "10.31.224.2"),
        ("to a site, from a device with a site's source", "wg-devices", "10.20.0.10"),
        ("to a site, from a link with a device's source", "wg-home", "10.31.224.2"),
        ("to a site, from a link with the source of this host's LAN", "wg-home", "10.21.0.5"),
    ):
        result[what] = attempt(passing, name, "send4", source, "10.30.0.10", 17, 64, udp(9))
    passing = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
    passing.bind(("wg-devices", ETH_P_ALL))
    result["to a device, from a device"] = attempt(passing, "wg-devices", "send4", "10.31.224.2", "10.31.224.3", 17, 64, udp(9))
    result["to a device, from a site"] = attempt(passing, "wg-home", "send4", "10.20.0.10", "10.31.224.3", 17, 64, udp(9))
    print(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1])
