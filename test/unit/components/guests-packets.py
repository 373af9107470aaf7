"""IPv4 guests, IPv6 visitors and sites around a host with the sinkhole's rules and the proxy's nginx, in network namespaces of its own.

Arguments: a folder with nginx.conf, guests.nft, guests.service, firewall.nft, denied.html, certificate.pem and key.pem; and what is lifted, for
controls: "nothing", "firewall" (no rules at all) or "mark" (every packet for a guest is delivered, too). Prints what was seen, as JSON.
"""
import json
import os
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from netns import Inside, hello, link, make, packet, run, sysctl

GUEST, OTHER_GUEST, HOST4 = "198.51.100.99", "198.51.100.98", "198.51.100.1"
VISITOR, HOST6 = "2001:db8:99::9", "2001:db8:1::1"
WIKI, MAIL, HIDDEN = "2001:db8:1:0:2::1", "2001:db8:1:0:2::2", "2001:db8:1:0:2::3"
CABIN, UNUSED = "2001:db8:1:0:3::1", "2001:db8:1:0:2::99"
AS_GUEST = "64:ff9b:1::198.51.100.99"
IDENTITY, HOME, CABINS = "fd00:1:2:ffff::1", "fd00:1:2:ffff::2", "fd00:1:2:ffff::3"
DEVICE = "fd00:1:2:fffe::2"
MARKER = b"a packet of the test"
def build(folder, lifted):
    for path in ("/run", "/var/log", "/var/lib", "/var/www"):
        run("mount", "-t", "tmpfs", "none", path)
    for path in ("/var/log/nginx", "/var/lib/nginx", "/var/lib/intranet-denied", "/var/www/intranet-denied"):
        os.makedirs(path)
    for name in ("certificate.pem", "key.pem"):
        shutil.copy(f"{folder}/{name}", "/var/lib/intranet-denied")
    shutil.copy(f"{folder}/denied.html", "/var/www/intranet-denied")
    run("ip", "link", "set", "lo", "up")
    sysctl("net/ipv4/ip_forward", "1")
    sysctl("net/ipv6/conf/all/forwarding", "1")
    link("wan", "eth0", (GUEST, OTHER_GUEST), (VISITOR,))
    run("ip", "address", "add", f"{HOST4}/24", "dev", "eth0")
    run("ip", "address", "add", f"{HOST6}/128", "dev", "eth0")
    run("ip", "address", "add", f"{IDENTITY}/128", "dev", "lo")
    run("ip", "-6", "route", "add", "default", "via", "fe80::b", "dev", "eth0")
    run("ip", "-6", "route", "add", "unreachable", "2001:db8:1::/64", "metric", "128")
    link("home", "wg-home", (), (WIKI, MAIL, HIDDEN, HOME))
    link("cabin", "wg-cabin", (), (CABIN, CABINS))
    link("device", "wg-devices", (), (DEVICE,))
    if lifted == "nothing":
        run("nft", "-f", f"{folder}/firewall.nft")
    rules = open(f"{folder}/guests.nft").read()
    if lifted == "mark":
        rules = rules.replace("socket transparent 1 ", "")
    with open("/run/guests.nft", "w") as target:
        target.write(rules)
    for line in open(f"{folder}/guests.service"):
        if line.startswith("ExecStart="):
            command = line[len("ExecStart=") :].strip().lstrip("-").replace("/etc/intranet/guests.nft", "/run/guests.nft")
            run(*command.split())


def serve(name, port, seen):
    """Says who called and what came first, on every address of a site; and notes it."""
    listener = make(name, socket.AF_INET6, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("::", port))
    listener.listen(64)

    def answer(client, peer):
        with client:
            client.settimeout(20)
            first = client.recv(65536)
            # Only the address that was called: a connection that says nothing is one too.
            own = client.getsockname()[0]
            seen.append([own, port, peer[0], "TLS" if first[:1] == b"\x16" else first[:60].decode("latin-1")])
            client.sendall(f"HTTP/1.0 200 OK\r\n\r\n{own} {port} saw {peer[0]}".encode())

    def accept():
        while True:
            threading.Thread(target=answer, args=listener.accept(), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


def connect(address, port, source=GUEST):
    client = make("wan", socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    client.settimeout(10)
    client.bind((source, 0))
    client.connect((address, port))
    return client


def ask(raw, port=443, address=HOST4, source=GUEST, step=None):
    """What comes back for some bytes: all of it until the end."""
    try:
        with connect(address, port, source) as client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for part in [raw] if step is None else [raw[at : at + step] for at in range(0, len(raw), step)]:
                client.sendall(part)
            answer = b""
            # A service's first words say all; of the page's TLS the first record does.
            while b" saw " not in answer and answer[:1] != b"\x16" and (part := client.recv(65536)):
                answer += part
            return "TLS" if answer[:1] in (b"\x15", b"\x16") else answer.decode("latin-1")
    except OSError as error:
        return f"{type(error).__name__}"


def page(name, address=HOST4, port=443, source=GUEST):
    """Status and certificate of what a name leads to over TLS."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with connect(address, port, source) as client, context.wrap_socket(client, server_hostname=name) as secure:
            secure.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            subject = b"ACCESS DENIED" in secure.getpeercert(binary_form=True)
            return [secure.recv(4096)[:12].decode(), subject]
    except OSError as error:
        return [type(error).__name__, False]


def plain(path, host, method="GET", address=HOST4):
    """Status of an answer on port 80, and where it leads to or what a service said."""
    request = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    answer = ask(request.encode(), 80, address, VISITOR if ":" in address else GUEST)
    head, _, body = answer.partition("\r\n\r\n")
    location = next((line for line in head.split("\r\n") if line.startswith("Location")), "")
    return [head.split("\r\n")[0], location or (body if " saw " in body else "")]


CELLS = (
    ("visitor to a port of a service", "wan", VISITOR, WIKI, "tcp", 443, "home"),
    ("visitor to a port of another service", "wan", VISITOR, MAIL, "tcp", 8883, "home"),
    ("visitor to another port", "wan", VISITOR, WIKI, "tcp", 22, "home"),
    ("visitor to the other service's port", "wan", VISITOR, WIKI, "tcp", 8883, "home"),
    ("visitor over UDP", "wan", VISITOR, WIKI, "udp", 443, "home"),
    ("visitor pings a service", "wan", VISITOR, WIKI, "ping", 0, "home"),
    ("visitor to an address that is not published", "wan", VISITOR, HIDDEN, "tcp", 443, "home"),
    ("visitor pings an address that is not published", "wan", VISITOR, HIDDEN, "ping", 0, "home"),
    ("visitor to an identity", "wan", VISITOR, HOME, "tcp", 443, "home"),
    ("visitor as a guest, to a service", "wan", AS_GUEST, WIKI, "tcp", 443, "home"),
    ("visitor as a guest, to the host", "wan", AS_GUEST, HOST6, "tcp", 443, ""),
    ("visitor to a guest's address", "wan", VISITOR, AS_GUEST, "tcp", 443, "wan"),
    ("visitor as a service, to a service", "wan", CABIN, WIKI, "tcp", 443, "home"),
    ("visitor as a service, to the host", "wan", CABIN, HOST6, "tcp", 443, ""),
    ("visitor as an identity, to a service", "wan", CABINS, WIKI, "tcp", 443, "home"),
    ("visitor to the host's page", "wan", VISITOR, HOST6, "tcp", 443, ""),
    ("service to the Internet", "home", WIKI, VISITOR, "tcp", 25, "wan"),
    ("service to the Internet over UDP", "home", WIKI, VISITOR, "udp", 53, "wan"),
    ("address that is not published, to the Internet", "home", HIDDEN, VISITOR, "tcp", 25, "wan"),
    ("identity to the Internet", "home", HOME, VISITOR, "tcp", 25, "wan"),
    ("service to a guest that does not exist", "home", WIKI, AS_GUEST, "tcp", 443, "wan"),
    ("guest's address as source, to the Internet", "home", AS_GUEST, VISITOR, "tcp", 443, "wan"),
    ("service to a service", "home", WIKI, CABIN, "tcp", 443, "cabin"),
    ("service to an identity", "home", WIKI, CABINS, "tcp", 443, "cabin"),
    ("identity to a service", "cabin", CABINS, WIKI, "tcp", 443, "home"),
    ("address that is not published, to an identity", "home", HIDDEN, CABINS, "tcp", 443, "cabin"),
    ("device to a service", "device", DEVICE, WIKI, "tcp", 443, "home"),
    ("device as a service, to a service", "device", CABIN, WIKI, "tcp", 443, "home"),
    ("device as a service, to the Internet", "device", WIKI, VISITOR, "tcp", 25, "wan"),
    ("service to SSH of the host", "home", WIKI, IDENTITY, "tcp", 22, ""),
    ("identity to SSH of the host", "home", HOME, IDENTITY, "tcp", 22, ""),
)


def cells():
    """Which packets arrive: all are sent, then all are waited for."""
    ears = {name: make(name, socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x86DD)) for name in ("wan", "home", "cabin")}
    for name, ear in ears.items():
        with Inside(name):
            ear.bind(("up0", 0x86DD))
    ears[""] = socket.socket(socket.AF_INET6, socket.SOCK_RAW, 6)
    mouths = {name: make(name, socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW) for name in ("wan", "home", "cabin", "device")}
    arrived = set()
    for number, (_, origin, source, destination, kind, port, _) in enumerate(CELLS):
        payload = MARKER + struct.pack("!H", number)
        mouths[origin].sendto(packet(source, destination, kind, port, 20000 + number, payload), (destination, 0))
    quiet = time.monotonic() + 2
    for ear in ears.values():
        ear.settimeout(0.05)
    while time.monotonic() < quiet:
        for name, ear in ears.items():
            try:
                data, origin = ear.recvfrom(4096)
            except (TimeoutError, socket.timeout):
                continue
            outgoing = name != "" and origin[2] == 4  # PACKET_OUTGOING: what this host itself sends
            if MARKER in data and not outgoing:
                arrived.add((struct.unpack("!H", data[data.index(MARKER) + len(MARKER) :][:2])[0], name))
                quiet = time.monotonic() + 2
    return {what: (number, receiver) in arrived for number, (what, *_, receiver) in enumerate(CELLS)}


def answers_at_guests_address():
    """Whether a program of the host that listens everywhere answers a site at a guest's address; the site picks a port whose answers may pass."""
    listener = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    listener.bind(("::", 22))
    listener.listen(1)
    ear = make("home", socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x86DD))
    mouth = make("home", socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)
    ear.settimeout(0.1)
    end = time.monotonic() + 2
    mouth.sendto(packet(WIKI, AS_GUEST, "tcp", 22, 443, b""), (AS_GUEST, 0))
    try:
        while time.monotonic() < end:
            try:
                data = ear.recv(4096)
            except (TimeoutError, socket.timeout):
                continue
            if data[8:24] == socket.inet_pton(socket.AF_INET6, AS_GUEST) and data[53] == 0x12:
                return True
        return False
    finally:
        listener.close()


def guests():
    """What guests get, by what they send: from a service the words, from the page status and whether the certificate is its own, else the first byte."""
    raw = hello("wiki.intranet.example")
    flood = b"\x01\x00\xff\xfc".ljust(65536, b"\0")
    acme = "/.well-known/acme-challenge/"
    return {
        "a service": ask(raw),
        "a service at its own port": ask(hello("mail.intranet.example"), 8883),
        "a service in capitals": ask(hello("wiki.intranet.example", "WIKI.Intranet.Example")),
        "a service in segments of one byte": ask(raw, step=1),
        "a name that nobody has": page("none.intranet.example"),
        "no name": page(None),
        "the domain": page("intranet.example"),
        "an internal service's name": page("hidden.intranet.example"),
        "the name of another port's service": page("mail.intranet.example"),
        "a service's name at another port": page("wiki.intranet.example", port=8883),
        "a service's name over IPv6": page("wiki.intranet.example", HOST6, source=VISITOR),
        "an address as name": ask(hello("a98.51.100.99", "198.51.100.99")),
        "a target as name": ask(hello("aaa.0.0.1.8403", "127.0.0.1:8403")),
        "an empty label": ask(hello("wiki.intranet.example", "wiki..ntranet.example")),
        "a dot at the end": ask(hello("none.intranet.examplex", "none.intranet.example.")),
        "segments of one byte": ask(hello("none.intranet.example"), step=1),
        "plain HTTP": ask(b"GET / HTTP/1.1\r\nHost: wiki.intranet.example\r\nConnection: close\r\n\r\n")[:12],
        "64 KiB": ask(b"".join(b"\x16\x03\x01\x40\x00" + flood[at : at + 16384] for at in range(0, 65536, 16384))) in ("", "ConnectionResetError", "BrokenPipeError"),
        "http": plain("/a?b=c", "wiki.intranet.example"),
        "http, in capitals": plain("/", "WIKI.intranet.example."),
        "http, a name that nobody has": plain("/", "none.intranet.example"),
        "http, a service that is no web site": plain("/", "mail.intranet.example"),
        "http, no name": plain("/", ""),
        "http over IPv6": plain("/", "wiki.intranet.example", address=HOST6),
        "what an authority asks": plain(acme + "a-token_1", "wiki.intranet.example"),
        "the same of a name that nobody has": plain(acme + "a-token_1", "none.intranet.example"),
        "the same by POST": plain(acme + "a-token_1", "wiki.intranet.example", "POST"),
        "a way out of its folder": plain(acme + "..%2f..%2fadmin", "wiki.intranet.example"),
        "more than a token": plain(acme + "a/b", "wiki.intranet.example"),
    }


def crowd():
    """One guest holds as many connections open as it gets, and says half a name in each; another one is served meanwhile."""
    half = hello("wiki.intranet.example")[:50]
    held = []
    try:
        for _ in range(300):
            client = connect(HOST4, 443)
            client.sendall(half)
            held.append(client)
        other = ask(hello("wiki.intranet.example"), source=OTHER_GUEST)
        closed = 0
        for client in held:
            client.settimeout(0.01)
            try:
                closed += client.recv(1) == b""
            except (TimeoutError, socket.timeout):
                pass
            except OSError:
                closed += 1
        return {"another guest": other, "turned away": closed}
    finally:
        for client in held:
            client.close()


def main(folder, lifted):
    build(folder, lifted)
    seen = []
    nginx = subprocess.Popen(["nginx", "-c", f"{folder}/nginx.conf", "-g", "daemon off;"])
    try:
        for name, port in (("home", 80), ("home", 443), ("home", 8883), ("cabin", 443)):
            serve(name, port, seen)
        end = time.monotonic() + 20
        while time.monotonic() < end and page("up")[0] != "HTTP/1.1 403":
            time.sleep(0.05)
        seen.clear()
        result = {"ssh": answers_at_guests_address(), "cells": cells()}
        if lifted == "nothing":
            seen.clear()
            result["guests"] = guests()
            result["seen"] = list(seen)
            result["crowd"] = crowd()
            result["log"] = open("/var/log/nginx/guests.log").read()
        print(json.dumps(result))
    finally:
        nginx.terminate()
        nginx.wait()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
