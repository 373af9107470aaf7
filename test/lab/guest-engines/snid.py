#!/usr/bin/python3
"""Stands in for snid: the same options, the same resolver, the same way to connect; but each guest is taken to the first name that resolves of those
in TRIED, and to nobody if none does. What it can do and see is noted on standard output, which is the journal."""
import argparse
import ipaddress
import json
import os
import socket
import threading

TRIED = ("localhost", "debian.org", "home", "hidden.trial.example", "wiki.trial.example")
IPV6_FREEBIND = 78

options = argparse.ArgumentParser()
options.add_argument("-listen", action="append", required=True)
options.add_argument("-mode", choices=["nat46"], required=True)
options.add_argument("-nat46-prefix", required=True)
options.add_argument("-backend-cidr", action="append", required=True)
options = options.parse_args()


def resolve(name):
    try:
        return sorted({found[4][0] for found in socket.getaddrinfo(name, 443, socket.AF_INET6, socket.SOCK_STREAM)})
    except OSError:
        return []


def writable(path):
    try:
        with open(path, "w"):
            return True
    except OSError:
        return False


def copy(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def serve(guest, peer):
    prefix = int(ipaddress.IPv6Address(options.nat46_prefix))
    source = str(ipaddress.IPv6Address(prefix + int(ipaddress.IPv4Address(peer[0]))))
    target = next(address for name in TRIED for address in resolve(name))
    assert any(ipaddress.ip_address(target) in ipaddress.ip_network(cidr) for cidr in options.backend_cidr)
    service = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    service.setsockopt(socket.IPPROTO_IPV6, IPV6_FREEBIND, 1)
    service.bind((source, 0))
    service.connect((target, guest.getsockname()[1]))
    threading.Thread(target=copy, args=(service, guest), daemon=True).start()
    copy(guest, service)


listeners = []
for listen in options.listen:
    kind, address, port = listen.split(":")
    listeners.append(socket.create_server((address, int(port))))
with open("/proc/self/status") as status:
    capabilities = next(line.split()[1] for line in status if line.startswith("CapEff"))
facts = {
    "capabilities": int(capabilities, 16),
    "root": os.getuid() == 0,
    "names": {name: resolve(name) for name in TRIED},
    "writable": [path for path in ("/etc/hosts", "/etc/trial", "/usr/local/bin/trial-snid", "/root/x") if writable(path)],
}
print("FACTS " + json.dumps(facts), flush=True)


def accept(listener):
    while True:
        threading.Thread(target=serve, args=listener.accept(), daemon=True).start()


for listener in listeners[1:]:
    threading.Thread(target=accept, args=(listener,), daemon=True).start()
accept(listeners[0])
