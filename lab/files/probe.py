"""One probe from inside a host: tries once, and says in JSON what happened to it. The argument is the question, as JSON."""
import errno
import hashlib
import http.client
import json
import random
import select
import socket
import ssl
import struct
import sys
import time

UNREACHABLE = {
    4: {0: "net unreachable", 1: "host unreachable", 2: "protocol unreachable", 3: "port unreachable", 4: "fragmentation needed",
        9: "net administratively prohibited", 10: "host administratively prohibited", 13: "administratively prohibited"},
    6: {0: "no route", 1: "administratively prohibited", 2: "beyond scope", 3: "address unreachable", 4: "port unreachable",
        5: "source address failed policy", 6: "route rejected"},
}
PROHIBITED = {4: {9, 10, 13}, 6: {1, 5, 6}}
TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28, "DS": 43, "DNSKEY": 48, "CAA": 257}
RCODES = {0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED"}


class Fate(Exception):
    """Ends a probe with its fate."""

    def __init__(self, fate, **seen):
        super().__init__(fate)
        self.fate, self.seen = fate, seen


class Listener:
    """Hears the ICMP errors that come in while the probe runs; needs the right to raw sockets, and does without where it lacks it."""

    def __init__(self, family, address):
        self.family, self.address, self.socket = family, address, None
        try:
            if family == 4:
                self.socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
            else:
                self.socket = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
            self.socket.setblocking(False)
        except OSError:
            pass

    def heard(self, wait=0.05):
        """The first error about a packet to the probed address: {from, type, code, meaning}; None when there is none."""
        end = time.monotonic() + wait
        while self.socket:
            if not select.select([self.socket], [], [], max(0, end - time.monotonic()))[0]:
                return None
            data, sender = self.socket.recvfrom(65535)
            if self.family == 4:
                message = data[(data[0] & 15) * 4:]
                error = message[0] in (3, 11)
                target = socket.inet_ntop(socket.AF_INET, message[24:28]) if len(message) >= 28 else None
            else:
                message = data
                error = message[0] in (1, 2, 3)
                target = socket.inet_ntop(socket.AF_INET6, message[32:48]) if len(message) >= 48 else None
            if not error or target != self.address:
                continue
            kind, code = message[0], message[1]
            destination = kind == (3 if self.family == 4 else 1)
            meaning = UNREACHABLE[self.family].get(code, f"code {code}") if destination else f"type {kind}"
            return {"from": sender[0], "type": kind, "code": code, "meaning": meaning, "destination": destination}
        return None


def by_icmp(icmp, family):
    """The fate that an ICMP error means."""
    prohibited = icmp["destination"] and icmp["code"] in PROHIBITED[family]
    return Fate("filtered" if prohibited else "unreachable", icmp={name: value for name, value in icmp.items() if name != "destination"})


def failed(error, listener):
    """The fate that an error of the operating system means."""
    icmp = listener.heard()
    seen = {"error": errno.errorcode.get(error.errno, str(error)) if error.errno else str(error)}
    if icmp:
        verdict = by_icmp(icmp, listener.family)
        seen.update(verdict.seen)
        if verdict.fate == "filtered":
            return Fate("filtered", **seen)
    if error.errno in (errno.ECONNREFUSED, errno.ECONNRESET):
        return Fate("refused", **seen)
    if error.errno in (errno.EACCES, errno.EPERM):
        return Fate("filtered", **seen)
    if error.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.ENETDOWN, errno.EPROTO):
        return Fate("unreachable", **seen)
    if isinstance(error, (TimeoutError, socket.timeout)) or error.errno == errno.ETIMEDOUT:
        return Fate("unreachable" if icmp else "filtered", **{**seen, "error": "no answer"})
    return Fate("unreachable", **seen)


def connect(question, address, port, listener):
    link = socket.socket(socket.AF_INET if question["family"] == 4 else socket.AF_INET6, socket.SOCK_STREAM)
    link.settimeout(question["timeout"])
    try:
        link.connect((address, port))
    except OSError as error:
        link.close()
        raise failed(error, listener)
    return link


def first_line(data):
    return data.split(b"\n")[0].decode("utf-8", "replace").rstrip("\r")[:300]


def probe_tcp(question, address, listener):
    link = connect(question, address, question["port"], listener)
    local = link.getsockname()[0]
    link.settimeout(0.7)
    try:
        data = link.recv(1024)
    except OSError:
        data = b""
    return Fate("accepted", local=local, **({"firstLine": first_line(data)} if data else {}))


def probe_udp(question, address, listener, payload=b"\n"):
    link = socket.socket(socket.AF_INET if question["family"] == 4 else socket.AF_INET6, socket.SOCK_DGRAM)
    end = time.monotonic() + question["timeout"]
    try:
        link.connect((address, question["port"]))
        wait = 0.5
        while time.monotonic() < end:
            link.send(payload)
            link.settimeout(max(0.01, min(wait, end - time.monotonic())))
            wait *= 2
            try:
                return link.recv(65535)
            except (TimeoutError, socket.timeout):
                continue
    except OSError as error:
        raise failed(error, listener)
    icmp = listener.heard()
    if icmp:
        raise by_icmp(icmp, question["family"])
    raise Fate("filtered", error="no answer: dropped on the way, or a service that stays silent")


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def probe_icmp(question, address, listener):
    number = random.randrange(1, 65535)
    payload = b"pulumi-intranet lab probe!"
    family = question["family"]
    if family == 4:
        link = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        header = struct.pack("!BBHHH", 8, 0, 0, number, 1)
        packet = struct.pack("!BBHHH", 8, 0, checksum(header + payload), number, 1) + payload
    else:
        link = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
        packet = struct.pack("!BBHHH", 128, 0, 0, number, 1) + payload  # the kernel fills in the checksum
    end = time.monotonic() + question["timeout"]
    try:
        link.connect((address, 0))
        link.send(packet)
        while time.monotonic() < end:
            link.settimeout(max(0.01, min(0.2, end - time.monotonic())))
            try:
                data = link.recv(65535)
            except (TimeoutError, socket.timeout):
                icmp = listener.heard(0.01)
                if icmp:
                    raise by_icmp(icmp, family)
                continue
            message = data[(data[0] & 15) * 4:] if family == 4 else data
            if message[0] == (0 if family == 4 else 129) and struct.unpack("!H", message[4:6])[0] == number:
                return Fate("accepted", local=link.getsockname()[0])
    except OSError as error:
        raise failed(error, listener)
    raise Fate("filtered", error="no answer")


def probe_http(question, address, listener):
    secure = question["protocol"] == "https"
    port = question["port"]
    name = question["host"] or question["to"]
    seen = {}
    link = connect(question, address, port, listener)
    seen["local"] = link.getsockname()[0]
    try:
        if secure:
            context = ssl.create_default_context()
            try:
                link = context.wrap_socket(link, server_hostname=name)
                seen["tls"] = {"verified": True}
            except ssl.SSLCertVerificationError as error:
                link = connect(question, address, port, listener)
                context = ssl._create_unverified_context()
                link = context.wrap_socket(link, server_hostname=name)
                seen["tls"] = {"verified": False, "reason": error.verify_message}
            seen["tls"]["version"] = link.version()
            seen["tls"]["certificateSha256"] = hashlib.sha256(link.getpeercert(True)).hexdigest()
        shown = f"[{name}]" if ":" in name else name
        default = 443 if secure else 80
        header = shown if port == default else f"{shown}:{port}"
        link.settimeout(question["timeout"])
        link.sendall(f"GET {question['path']} HTTP/1.1\r\nHost: {header}\r\nUser-Agent: lab-probe\r\nConnection: close\r\n\r\n".encode())
        response = http.client.HTTPResponse(link)
        response.begin()
        body = response.read(65536)
    except (ssl.SSLError, http.client.HTTPException, ConnectionError, EOFError) as error:
        return Fate("denied-by-application", **seen, error=f"{type(error).__name__}: {error}")
    except (TimeoutError, socket.timeout):
        return Fate("denied-by-application", **seen, error="connected, and then no answer")
    except OSError as error:
        raise failed(error, listener)
    seen.update(status=response.status, firstLine=first_line(body), body=body[:4096].decode("utf-8", "replace"))
    seen["headers"] = {header.lower(): value for header, value in response.getheaders()}
    return Fate("denied-by-application" if response.status in (401, 403, 421, 444, 451) else "accepted", **seen)


def read_name(data, at):
    labels, end = [], None
    while True:
        length = data[at]
        if length & 0xC0:
            end = end or at + 2
            at = struct.unpack("!H", data[at:at + 2])[0] & 0x3FFF
            continue
        at += 1
        if length == 0:
            return ".".join(labels) + ".", end or at
        labels.append(data[at:at + length].decode("ascii", "replace"))
        at += length


def show(kind, data, at, length):
    raw = data[at:at + length]
    if kind == 1:
        return socket.inet_ntop(socket.AF_INET, raw)
    if kind == 28:
        return socket.inet_ntop(socket.AF_INET6, raw)
    if kind in (2, 5, 12):
        return read_name(data, at)[0]
    if kind == 15:
        return f"{struct.unpack('!H', raw[:2])[0]} {read_name(data, at + 2)[0]}"
    if kind == 16:
        texts, i = [], 0
        while i < length:
            texts.append(json.dumps(raw[i + 1:i + 1 + raw[i]].decode("utf-8", "replace")))
            i += 1 + raw[i]
        return " ".join(texts)
    if kind == 257:
        tag = raw[1]
        return f"{raw[0]} {raw[2:2 + tag].decode()} {json.dumps(raw[2 + tag:].decode())}"
    return raw.hex()


def probe_dns(question, address, listener):
    name, kind = question["host"], TYPES[question["type"]]
    number = random.randrange(65536)
    labels = b"".join(bytes([len(label)]) + label.encode("idna") for label in name.rstrip(".").split(".") if label)
    # RD and AD set; EDNS0 with 1232 bytes (RFC 6891)
    packet = struct.pack("!HHHHHH", number, 0x0120, 1, 0, 0, 1) + labels + b"\0" + struct.pack("!HH", kind, 1) + b"\0" + struct.pack("!HHIH", 41, 1232, 0, 0)
    data = probe_udp(question, address, listener, packet)
    flags, questions, answers = struct.unpack("!HHH", data[2:8])
    at = 12
    for _ in range(questions):
        at = read_name(data, at)[1] + 4
    records = []
    for _ in range(answers):
        owner, at = read_name(data, at)
        rtype, _, ttl, length = struct.unpack("!HHIH", data[at:at + 10])
        shown = next((text for text, value in TYPES.items() if value == rtype), f"TYPE{rtype}")
        records.append({"name": owner, "type": shown, "ttl": ttl, "data": show(rtype, data, at + 10, length)})
        at += 10 + length
    rcode = RCODES.get(flags & 15, str(flags & 15))
    seen = {"rcode": rcode, "authenticated": bool(flags & 0x20), "authoritative": bool(flags & 0x400), "answers": records}
    return Fate("denied-by-application" if rcode == "REFUSED" else "accepted", **seen)


def main():
    question = json.loads(sys.argv[1])
    began = time.monotonic()
    family = socket.AF_INET if question["family"] == 4 else socket.AF_INET6
    result = {"address": None}
    try:
        try:
            result["address"] = address = socket.getaddrinfo(question["to"], None, family, socket.SOCK_STREAM)[0][4][0]
        except OSError as error:
            raise Fate("unreachable", error=f"{question['to']} has no IPv{question['family']} address: {error.strerror or error}")
        listener = Listener(question["family"], address)
        if question["protocol"] == "udp":
            data = probe_udp(question, address, listener)
            outcome = Fate("accepted", firstLine=first_line(data))
        else:
            probes = {"tcp": probe_tcp, "icmp": probe_icmp, "http": probe_http, "https": probe_http, "dns": probe_dns}
            outcome = probes[question["protocol"]](question, address, listener)
    except Fate as fate:
        outcome = fate
    print(json.dumps({"fate": outcome.fate, **result, "seen": outcome.seen, "seconds": round(time.monotonic() - began, 3)}))


main()
