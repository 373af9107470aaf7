"""Network namespaces around a host, and packets with any source, for the scripts of the tests beside it."""
import ctypes
import os
import socket
import ssl
import struct
import subprocess

LIBC = ctypes.CDLL(None, use_errno=True)
TUNNEL_GROUP = "51820"
"""The group of tunnels' interfaces, by which the rules know them."""
HOME_NETNS = os.open("/proc/self/ns/net", os.O_RDONLY)


def run(*argv, check=True):
    return subprocess.run(argv, check=check, stdout=subprocess.PIPE, text=True).stdout


def sysctl(key, value):
    with open("/proc/sys/" + key, "w") as target:
        target.write(value)


class Inside:
    """A socket that is made in a namespace stays in it, so one process has ends in all of them."""

    def __init__(self, name):
        self.name = name

    def __enter__(self):
        if self.name:
            with open("/run/netns/" + self.name) as namespace:
                enter(namespace.fileno())

    def __exit__(self, *_):
        enter(HOME_NETNS)


def enter(descriptor):
    if LIBC.setns(descriptor, 0) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def make(name, family, kind, protocol=0):
    with Inside(name):
        return socket.socket(family, kind, protocol)


def link(name, interface, v4, v6):
    """A host behind an interface of ours; `v4` and `v6` are its own addresses."""
    run("ip", "netns", "add", name)
    run("ip", "link", "add", interface, "type", "veth", "peer", "name", "up0", "netns", name)
    for command in (("ip",), ("ip", "-n", name)):
        device = interface if len(command) == 1 else "up0"
        run(*command, "link", "set", device, "addrgenmode", "none", "up")
        if interface.startswith("wg-") and device == interface:
            run("ip", "link", "set", device, "group", TUNNEL_GROUP)
        run(*command, "address", "add", "fe80::a/64" if len(command) == 1 else "fe80::b/64", "dev", device, "nodad")
    run("ip", "-n", name, "link", "set", "lo", "up")
    for address in v4:
        run("ip", "-n", name, "address", "add", f"{address}/24", "dev", "up0")
    for address in v6:
        run("ip", "-n", name, "address", "add", f"{address}/128", "dev", "lo")
    run("ip", "-n", name, "route", "add", "default", "via", "fe80::a", "dev", "up0")
    for address in v6:
        run("ip", "route", "add", address, "via", "fe80::b", "dev", interface)


def hello(name, spelled=None):
    """The first bytes of a TLS client; `spelled` stands in for a name of the same length."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        context.wrap_bio(incoming, outgoing, server_hostname=name).do_handshake()
    except ssl.SSLWantReadError:
        pass
    raw = outgoing.read()
    if spelled is not None:
        assert name is not None and len(spelled) == len(name) and name.encode() in raw
        raw = raw.replace(name.encode(), spelled.encode())
    return raw


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def packet(source, destination, kind, port, own, payload):
    """An IPv6 packet with any source: `tcp` a SYN, `udp`, `ping`, or `too-big` without a packet inside."""
    src, dst = socket.inet_pton(socket.AF_INET6, source), socket.inet_pton(socket.AF_INET6, destination)
    if kind == "tcp":
        number, body, at = 6, struct.pack("!HHIIBBHHH", own, port, 1, 0, 0x50, 0x02, 65535, 0, 0), 16
    elif kind == "udp":
        number, body, at = 17, struct.pack("!HHHH", own, port, 8 + len(payload), 0), 6
    else:
        number, body, at = 58, struct.pack("!BBHHH", 128, 0, 0, own, 1), 2
    body += payload
    pseudo = src + dst + struct.pack("!IHBB", len(body), 0, 0, number)
    body = body[:at] + struct.pack("!H", checksum(pseudo + body)) + body[at + 2 :]
    return struct.pack("!IHBB", 0x60000000, len(body), number, 64) + src + dst + body
