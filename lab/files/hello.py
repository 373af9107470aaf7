"""Says hello to TLS servers as visitors do and as nobody should, and reports what came back. One argument: what to do, as a list in JSON, all at the same time.

A ClientHello of TLS 1.2 (RFC 5246), so that the server's certificate comes in clear and no secret is needed to read it.
"""
import base64
import concurrent.futures
import json
import os
import socket
import struct
import sys
import time

GROUPS = [29, 23]
SIGNATURES = [0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601]
CIPHERS = [0xC02B, 0xC02F, 0xC02C, 0xC030, 0xCCA9, 0xCCA8]
RECORD = 16384
HANDSHAKE, ALERT, CERTIFICATE, PADDING = 22, 21, 11, 21


def numbers(values):
    return b"".join(struct.pack(">H", value) for value in values)


def counted(data, form=">H"):
    return struct.pack(form, len(data)) + data


def extension(number, data):
    return struct.pack(">H", number) + counted(data)


def client_hello(name, size):
    """The records of a ClientHello; `size` is that of its extensions, filled up with padding (RFC 7685) in front of the name."""
    rest = [
        extension(10, counted(numbers(GROUPS))),
        extension(11, counted(b"\0", ">B")),
        extension(13, counted(numbers(SIGNATURES))),
        extension(23, b""),
        extension(0xFF01, b"\0"),
    ]
    if name is not None:
        rest.append(extension(0, counted(b"\0" + counted(name.encode()))))
    extensions = b"".join(rest)
    if size > len(extensions) + 4:
        extensions = extension(PADDING, bytes(size - len(extensions) - 4)) + extensions
    body = b"\x03\x03" + os.urandom(32) + b"\0" + counted(numbers(CIPHERS)) + b"\x01\0" + counted(extensions)
    message = b"\x01" + struct.pack(">I", len(body))[1:] + body
    pieces = [message[at : at + RECORD] for at in range(0, len(message), RECORD)]
    return b"".join(b"\x16\x03\x01" + counted(piece) for piece in pieces)


def certificate_in(messages):
    """The first certificate (DER) in handshake messages; None until it is there whole."""
    while len(messages) >= 4:
        kind, length = messages[0], int.from_bytes(messages[1:4], "big")
        body, messages = messages[4 : 4 + length], messages[4 + length :]
        if kind == CERTIFICATE and len(body) == length:
            return body[6 : 6 + int.from_bytes(body[3:6], "big")]
    return None


def read(received):
    """What the answer is, as far as it is there."""
    messages, at = b"", 0
    while at + 5 <= len(received):
        kind, length = received[at], int.from_bytes(received[at + 3 : at + 5], "big")
        content = received[at + 5 : at + 5 + length]
        if kind == ALERT and len(content) == 2:
            return {"alert": content[1]}
        if kind != HANDSHAKE:
            break
        messages, at = messages + content, at + 5 + length
    found = certificate_in(messages)
    if found is None:
        return {}
    pem = base64.encodebytes(found).decode()
    return {"certificate": f"-----BEGIN CERTIFICATE-----\n{pem}-----END CERTIFICATE-----\n"}


def talk(task):
    end = time.monotonic() + task.get("seconds", 10)
    data = task["plain"].encode() if "plain" in task else client_hello(task.get("name"), task.get("size", 0))
    data = data[: task.get("first", len(data))]
    chunk = task.get("chunk", len(data))
    received, ended, sent = b"", "silence", 0
    link = socket.create_connection((task["address"], task["port"]), 10)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        for at in range(0, len(data), chunk):
            link.sendall(data[at : at + chunk])
            sent += len(data[at : at + chunk])
            if chunk < len(data):
                time.sleep(0.002)  # else the kernel joins what waits
        while not read(received):
            link.settimeout(max(0.01, end - time.monotonic()))
            piece = link.recv(65536)
            if not piece:
                ended = "closed"
                break
            received += piece
        else:
            ended = "answered"
    except TimeoutError:
        pass
    except OSError:
        ended = "reset"
    return {"ended": ended, "sent": sent, "text": received[:2000].decode("latin-1"), **read(received)}


def hold(task):
    """Opens many connections, each of which stops in the middle of its hello, and reports how many were open when all were made, and how many at the end."""
    links = []
    part = client_hello(task.get("name"), 0)[:60]
    for _ in range(task["count"]):
        try:
            link = socket.create_connection((task["address"], task["port"]), 5)
            link.sendall(part)
            links.append(link)
        except OSError:
            pass
    print(json.dumps({"open": len(links)}), flush=True)
    time.sleep(task["seconds"])
    left = 0
    for link in links:
        link.setblocking(False)
        try:
            left += link.recv(1) != b""
        except BlockingIOError:
            left += 1
        except OSError:
            pass
    return {"open": len(links), "left": left}


if __name__ == "__main__":
    asked = json.loads(sys.argv[1])
    with concurrent.futures.ThreadPoolExecutor(len(asked)) as pool:
        answers = list(pool.map(lambda task: hold(task) if "count" in task else talk(task), asked))
    print(json.dumps(answers))
