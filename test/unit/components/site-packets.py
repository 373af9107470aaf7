"""What a site's host answers over a tunnel, in network namespaces of its own. Prints what was reached, as JSON.

Arguments: the rules' file, the interface that the peer is behind, its group, and who speaks: the keys of SOURCES, by comma. The peer has all addresses; the host listens on
all addresses at the ports of the owner's programs and of the intranet's.
"""
import errno
import json
import select
import socket
import sys
import time
from netns import Inside, run, sysctl

HOST = ("10.31.240.2", "fd71:47d2:79d7:f000::2")
LAN = "10.21.0.7"
SOURCES = {
    "device": ("10.31.224.5", "fd71:47d2:79d7:e000::5"),
    "sinkhole": ("10.31.240.1", "fd71:47d2:79d7:f000::1"),
    "outside": ("192.0.2.9", "2001:db8:9::9"),
    "this host": HOST,
}
TCP = {22: "owner's SSH", 53: "names", 443: "services", 2222: "SSH", 5900: "owner's desktop"}
UDP = {53: "names", 161: "owner's SNMP"}
WAIT = 0.4
TRIES = 1.6
"""The first refusal comes while the socket is still held by connect(2), and the kernel overlooks it; the second try is after a second."""
REFUSED = (errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.EACCES, errno.ENETUNREACH)


def build(rules, interface, group):
    run("mount", "-t", "tmpfs", "none", "/run")
    run("ip", "link", "set", "lo", "up")
    sysctl("net/ipv4/ip_forward", "1")
    sysctl("net/ipv6/conf/all/forwarding", "1")
    for setting in ("ipv4/icmp_ratelimit", "ipv6/icmp/ratelimit"):  # each refusal is to be heard
        sysctl("net/" + setting, "0")
    run("ip", "address", "add", f"{HOST[0]}/32", "dev", "lo")
    run("ip", "address", "add", f"{HOST[1]}/128", "dev", "lo", "nodad")
    run("ip", "netns", "add", "peer")
    run("ip", "link", "add", interface, "type", "veth", "peer", "name", "up0", "netns", "peer")
    run("ip", "link", "set", interface, "group", group, "addrgenmode", "none", "up")
    run("ip", "-n", "peer", "link", "set", "up0", "addrgenmode", "none", "up")
    run("ip", "-n", "peer", "link", "set", "lo", "up")
    run("ip", "address", "add", "169.254.1.1", "peer", "169.254.1.0/32", "dev", interface)
    run("ip", "address", "add", "fe80::1/64", "dev", interface, "nodad")
    run("ip", "-n", "peer", "address", "add", "169.254.1.0", "peer", "169.254.1.1/32", "dev", "up0")
    run("ip", "-n", "peer", "address", "add", "fe80::2/64", "dev", "up0", "nodad")
    for who, (v4, v6) in SOURCES.items():
        if who == "this host":
            continue
        run("ip", "-n", "peer", "address", "add", f"{v4}/32", "dev", "up0")
        run("ip", "-n", "peer", "address", "add", f"{v6}/128", "dev", "up0", "nodad")
        run("ip", "route", "add", v4, "via", "169.254.1.0", "dev", interface)
        run("ip", "route", "add", v6, "via", "fe80::2", "dev", interface)
    run("ip", "-n", "peer", "route", "add", "default", "via", "169.254.1.1")
    run("ip", "-n", "peer", "route", "add", "default", "via", "fe80::1", "dev", "up0")
    # What a gateway has: a LAN, which the peer's packets may leave to.
    run("ip", "netns", "add", "lan")
    run("ip", "link", "add", "lan0", "type", "veth", "peer", "name", "eth0", "netns", "lan")
    run("ip", "address", "add", "10.21.0.1/24", "dev", "lan0")
    run("ip", "link", "set", "lan0", "up")
    run("ip", "-n", "lan", "address", "add", f"{LAN}/24", "dev", "eth0")
    run("ip", "-n", "lan", "link", "set", "eth0", "up")
    run("ip", "-n", "lan", "route", "add", "default", "via", "10.21.0.1")
    if rules != "none":
        run("nft", "-f", rules)


def listen():
    servers = []
    for port in TCP:
        servers.append(socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True))
    for port in UDP:
        for family, any_address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
            server = socket.socket(family, socket.SOCK_DGRAM)
            if family == socket.AF_INET6:
                server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            server.bind((any_address, port))
            servers.append(server)
    return servers


def fates(namespace, source, targets):
    """How TCP connections to each address and port end: open, refused, or silent."""
    pending, result = {}, {}
    for to, port in targets:
        with Inside(namespace):
            link = socket.socket(socket.AF_INET6 if ":" in to else socket.AF_INET, socket.SOCK_STREAM)
        link.setblocking(False)
        link.bind((source, 0))
        link.connect_ex((to, port))
        pending[link] = (to, port)
        result[(to, port)] = "silent"
    end = time.monotonic() + TRIES
    while pending and (left := end - time.monotonic()) > 0:
        for link in select.select([], list(pending), [], left)[1]:
            error = link.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            result[pending.pop(link)] = "open" if error == 0 else "refused" if error in REFUSED else f"error {error}"
            link.close()
    return result


def said(source, to, port, servers):
    """Whether a datagram arrives."""
    with Inside("peer"):
        link = socket.socket(socket.AF_INET6 if ":" in to else socket.AF_INET, socket.SOCK_DGRAM)
    link.bind((source, 0))
    link.sendto(b"?", (to, port))
    heard = select.select(servers, [], [], WAIT / 2)[0]
    for server in heard:
        if server.type == socket.SOCK_DGRAM:
            server.recv(9)
    return any(server.type == socket.SOCK_DGRAM for server in heard)


def pinged(source, to):
    """Whether an echo request is answered (icmp(7))."""
    with Inside("peer"):
        sysctl("net/ipv4/ping_group_range", "0 0")
        six = ":" in to
        link = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMPV6 if six else socket.IPPROTO_ICMP)
    link.bind((source, 0))
    link.sendto(bytes([128 if six else 8, 0, 0, 0, 0, 0, 0, 1]), (to, 0))
    return bool(select.select([link], [], [], WAIT)[0])


def main(rules, interface, group, speakers):
    build(rules, interface, group)
    servers = listen()
    with Inside("lan"):
        behind = socket.create_server((LAN, 9000))
    datagrams = [server for server in servers if server.type == socket.SOCK_DGRAM]
    result = {}
    for who, addresses in SOURCES.items():
        if who not in speakers.split(","):
            continue
        for family, (source, host) in enumerate(zip(addresses, HOST)):
            for (_, port), fate in fates("peer", source, [(host, port) for port in TCP]).items():
                result[f"{who}, IPv{(4, 6)[family]}, {TCP[port]}"] = fate
            for port, name in UDP.items():
                result[f"{who}, IPv{(4, 6)[family]}, {name} by UDP"] = "open" if said(source, host, port, datagrams) else "silent"
            result[f"{who}, IPv{(4, 6)[family]}, ping"] = "open" if pinged(source, host) else "silent"
    result["device, to the LAN behind"] = fates("peer", SOURCES["device"][0], [(LAN, 9000)])[(LAN, 9000)]
    # What the host asks itself is answered.
    with Inside("peer"):
        far = socket.create_server((SOURCES["device"][0], 9001))
    try:
        socket.create_connection((SOURCES["device"][0], 9001), WAIT, (HOST[0], 0)).close()
        result["this host, to a device"] = "open"
    except TimeoutError:
        result["this host, to a device"] = "silent"
    far.close()
    behind.close()
    print(json.dumps(result))


if __name__ == "__main__":
    main(*sys.argv[1:])
