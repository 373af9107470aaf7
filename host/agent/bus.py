"""systemd over D-Bus: the few properties of units that a look needs, all asked for at once.

`systemctl show` gathers every property there is, several hundred for each unit, and takes longer than all the rest of a look. The wire
format is that of the D-Bus Specification ("Message Protocol"), the properties are those of org.freedesktop.systemd1(5).
"""
import os

import util

SOCKET = "/run/dbus/system_bus_socket"
SECONDS = 10
"""An answer that takes longer is not waited for."""
DESTINATION = "org.freedesktop.systemd1"
AT_ONCE = 100
"""The bus lets one connection wait for 128 answers."""
METHOD_CALL, METHOD_RETURN, ERROR = 1, 2, 3
PATH, INTERFACE, MEMBER, ERROR_NAME, REPLY_SERIAL, DESTINATION_FIELD, SIGNATURE = 1, 2, 3, 4, 5, 6, 8
NO_SUCH = ("org.freedesktop.DBus.Error.UnknownProperty", "org.freedesktop.DBus.Error.UnknownInterface")


def properties(wanted):
    """The value of each (unit, interface, property) in `wanted`, a text or a boolean; "" where a unit has none. None: D-Bus cannot tell.

    A unit that is not loaded is loaded for it, and one that does not exist has the LoadState "not-found", as `systemctl show` has it."""
    try:
        from _socket import AF_UNIX, SOCK_STREAM, socket

        connection = socket(AF_UNIX, SOCK_STREAM)
        try:
            connection.settimeout(SECONDS)
            connection.connect(util.at(SOCKET))
            return ask(connection, wanted)
        finally:
            connection.close()
    except (ImportError, OSError, ValueError, LookupError):
        return None


def ask(connection, wanted):
    """Logs in as this user and sends one call for each property; some at once, and the next when all of these have their answers."""
    stream = Stream(connection)
    connection.sendall(b"\0AUTH EXTERNAL " + str(os.geteuid()).encode().hex().encode() + b"\r\nBEGIN\r\n")
    calls = [call(1, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "Hello")]
    for serial, (unit, interface, name) in enumerate(wanted, 2):
        words = (f"{DESTINATION}.{interface}", name)
        calls.append(call(serial, DESTINATION, object_path(unit), "org.freedesktop.DBus.Properties", "Get", *words))
    values = []
    for begin in range(0, len(calls), AT_ONCE):
        some = calls[begin : begin + AT_ONCE]
        connection.sendall(b"".join(some))
        if begin == 0 and not stream.line().startswith(b"OK "):
            raise ValueError("the bus refuses the login")
        answers = dict(stream.answer() for _ in some)
        values += [answers[begin + at] for at in range(1, len(some) + 1)]
    return values[1:]


def object_path(unit):
    """Where systemd has a unit: what is no letter or digit is written in hexadecimal digits, and so is a digit at the beginning."""
    plain = [chr(byte) if chr(byte).isalnum() and byte < 128 and (at or byte > 57) else f"_{byte:02x}" for at, byte in enumerate(unit.encode())]
    return "/org/freedesktop/systemd1/unit/" + "".join(plain)


def padded(data, boundary):
    return data + bytes(-len(data) % boundary)


def number(value):
    return value.to_bytes(4, "little")


def string(value):
    raw = value.encode()
    return number(len(raw)) + raw + b"\0"


def signature(value):
    return bytes([len(value)]) + value.encode() + b"\0"


def call(serial, destination, path, interface, member, *words):
    """A method call whose arguments are texts."""
    body = b""
    for word in words:
        body = padded(body, 4) + string(word)
    fields = b""
    for code, kind, value in (
        (PATH, "o", string(path)),
        (INTERFACE, "s", string(interface)),
        (MEMBER, "s", string(member)),
        (DESTINATION_FIELD, "s", string(destination)),
        *([(SIGNATURE, "g", signature("s" * len(words)))] if words else []),
    ):
        field = padded(fields, 8) + bytes([code]) + signature(kind)
        fields = (padded(field, 4) if kind != "g" else field) + value
    head = b"l" + bytes([METHOD_CALL, 0, 1]) + number(len(body)) + number(serial) + number(len(fields)) + fields
    return padded(head, 8) + body


class Stream:
    """What comes from the bus."""

    def __init__(self, connection):
        self.connection = connection
        self.data = b""

    def take(self, size):
        while len(self.data) < size:
            more = self.connection.recv(65536)
            if not more:
                raise ValueError("the bus has hung up")
            self.data += more
        taken, self.data = self.data[:size], self.data[size:]
        return taken

    def line(self):
        found = b""
        while not found.endswith(b"\r\n"):
            found += self.take(1)
        return found

    def answer(self):
        """(serial of a call, its value or "" where there is none) of the next answer to one."""
        while True:
            kind, fields, value = self.message()
            if kind == ERROR and fields.get(ERROR_NAME) not in NO_SUCH:
                raise ValueError(fields.get(ERROR_NAME))
            if kind in (METHOD_RETURN, ERROR):
                return fields[REPLY_SERIAL], value

    def message(self):
        """(type, header fields by their codes, value if that is a variant with a text or a boolean, else "") of the next message."""
        head = self.take(16)
        order = "little" if head[:1] == b"l" else "big"
        size, fields_size = (int.from_bytes(head[at : at + 4], order) for at in (4, 12))
        raw = self.take(fields_size + -fields_size % 8)
        body = self.take(size)
        fields, at = {}, 0
        while at < fields_size:
            at += -at % 8
            fields[raw[at]], at = variant(raw, at + 1, order)
        return head[1], fields, variant(body, 0, order)[0] if fields.get(SIGNATURE) == "v" else ""


def variant(data, at, order):
    """(value, place after it) of a value with its signature before it: text, path, signature, number or boolean."""
    kind = data[at + 1 : at + 1 + data[at]]
    at += data[at] + 2
    if kind == b"g":
        return data[at + 1 : at + 1 + data[at]].decode(), at + data[at] + 2
    at += -at % 4
    value = int.from_bytes(data[at : at + 4], order)
    if kind in (b"u", b"b"):
        return bool(value) if kind == b"b" else value, at + 4
    if kind in (b"s", b"o"):
        return data[at + 4 : at + 4 + value].decode(), at + 5 + value
    raise ValueError(f"a value of type {kind}")
