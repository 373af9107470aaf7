"""Public keys of OpenPGP (RFC 9580), as apt takes them: whose they are, and one of several by its fingerprint.

Nothing is verified here: apt does that with the key. A host need not have gpg.
"""
import util

BEGIN = "-----BEGIN PGP PUBLIC KEY BLOCK-----"
END = "-----END PGP PUBLIC KEY BLOCK-----"
PUBLIC_KEY = 6
"""The packet that a key begins with; what follows belongs to it until the next one (section 10.1.1)."""


def select(data, fingerprint):
    """The key of that fingerprint, armoured and without the others; None, and whose fingerprints there are, where it is not among them."""
    found = {}
    name = None
    for tag, head, body in packets(binary(data)):
        if tag == PUBLIC_KEY:
            name = fingerprint_of(body)
            found[name] = b""
        if name is None:
            raise ValueError("it does not begin with a public key")
        found[name] += head + body
    return (armour(found[fingerprint]) if fingerprint in found else None), sorted(found)


def binary(data):
    """The packets of a key file, which may be armoured (section 6.2)."""
    import binascii

    text = data.decode("latin-1").replace("\r", "")
    if BEGIN not in text:
        return data
    inner = text.split(BEGIN, 1)[1].split(END, 1)[0]
    lines = inner.split("\n\n", 1)[-1].split("\n")
    try:
        return binascii.a2b_base64("".join(line for line in lines if not line.startswith("=")))
    except binascii.Error as error:
        raise ValueError(f"its armour is broken: {error}")


def packets(data):
    """(tag, header, body) of every packet (section 4.2). Raises ValueError for what is none."""
    at = 0
    while at < len(data):
        try:
            head = data[at]
            if not head & 0x80:
                raise ValueError("it is no OpenPGP key")
            if head & 0x40:
                tag, (size, used) = head & 0x3F, new_length(data, at + 1)
            else:
                tag, used = (head & 0x3C) >> 2, 1 << (head & 3)
                if used == 8:
                    raise ValueError("a packet of it has no length")
                size = int.from_bytes(data[at + 1 : at + 1 + used], "big")
        except IndexError:
            raise ValueError("it ends too early")
        start, end = at + 1 + used, at + 1 + used + size
        if end > len(data):
            raise ValueError("it ends too early")
        yield tag, data[at:start], data[start:end]
        at = end


def new_length(data, at):
    """(length, bytes that say it) of a packet of the new form (section 4.2.1)."""
    first = data[at]
    if first < 192:
        return first, 1
    if first < 224:
        return ((first - 192) << 8) + data[at + 1] + 192, 2
    if first == 255:
        return int.from_bytes(data[at + 1 : at + 5], "big"), 5
    raise ValueError("a packet of it comes in parts")


def fingerprint_of(body):
    """Hexadecimal digits in upper case (section 5.5.4)."""
    import hashlib

    if not body:
        raise ValueError("it holds an empty key")
    if body[0] == 4:
        return hashlib.sha1(b"\x99" + len(body).to_bytes(2, "big") + body).hexdigest().upper()
    if body[0] == 6:
        return util.digest(b"\x9b" + len(body).to_bytes(4, "big") + body).upper()
    raise ValueError(f"it is a key of version {body[0]}")


def armour(data):
    import binascii

    text = binascii.b2a_base64(data, newline=False).decode()
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    sum_of = binascii.b2a_base64(crc24(data).to_bytes(3, "big"), newline=False).decode()
    return "\n".join([BEGIN, "", *lines, "=" + sum_of, END, ""])


def crc24(data):
    """The sum that older programs want (section 6.1)."""
    value = 0xB704CE
    for byte in data:
        value ^= byte << 16
        for _ in range(8):
            value <<= 1
            if value & 0x1000000:
                value ^= 0x1864CFB
    return value & 0xFFFFFF
