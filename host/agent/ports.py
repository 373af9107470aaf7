"""Ports: which role listens where, and which program of another hand has one already.

A port is {protocol, port, address}; without an address it means every address, and collides with each.
"""
import commands
import store
import util

EVERYWHERE = ("*", "0.0.0.0", "::")


def name(port):
    return f"{port['protocol']}/{port['port']}" + (f" at {port['address']}" if port.get("address") else "")


def owned(request):
    """The ledger's part of a role: its ports by name."""
    return {name(port): {key: port[key] for key in ("protocol", "port", "address") if port.get(key)} for port in request.get("ports", [])}


def meet(one, other):
    """Whether two programs could not have both."""
    addresses = (one.get("address"), other.get("address"))
    return (one["protocol"], one["port"]) == (other["protocol"], other["port"]) and (None in addresses or addresses[0] == addresses[1])


def collisions(request, entry):
    """(name there, in words) for each port of the request that a role's entry has."""
    theirs = entry.get("ports", {}).items()
    return [
        (other, name(port) if name(port) == other else f"{name(port)} (there {other})")
        for port in request.get("ports", [])
        for other, spec in theirs
        if meet(port, spec)
    ]


def listeners():
    """What listens on this host, as ss(8) tells: {protocol, port, address, program, pid}. Empty where it cannot be told."""
    found = []
    for line in (commands.query(["ss", "-Hlntup"]) or "").splitlines():
        words = line.split(None, 6)
        if len(words) < 6 or words[0] not in ("tcp", "udp"):
            continue
        address, _, port = words[4].rpartition(":")
        address = address.split("%")[0].strip("[]")
        item = {"protocol": words[0], "port": int(port), "program": None, "pid": None}
        if address not in EVERYWHERE:
            item["address"] = address
        if len(words) > 6 and '(("' in words[6]:
            item["program"] = words[6].split('"')[1]
            item["pid"] = int(words[6].split("pid=")[1].split(",")[0])
        found.append(item)
    return found


def unit_of(pid):
    """The systemd unit that a process belongs to, or None."""
    try:
        with open(util.at(f"/proc/{pid}/cgroup")) as source:
            parts = source.read().split("/")
    except OSError:
        return None
    services = [part.strip() for part in parts if part.strip().endswith(".service")]
    return services[-1] if services else None


def foreign(request, ledger):
    """(port, listener, unit) for each port that the role takes now and a program of another hand has.

    Not looked at: what the role has already, what it takes over from a role of its own stack, and programs of units that it names.
    """
    mine = ledger["roles"].get(request["role"], {})
    leaving = [entry for entry in ledger["roles"].values() if store.same_stack(entry["owner"], request["owner"])]
    known = [spec for entry in [mine, *leaving] for spec in entry.get("ports", {}).values()]
    fresh = [port for port in request.get("ports", []) if not any(meet(port, spec) for spec in known)]
    found, units = [], request.get("units", {})
    for port, listener in ((port, listener) for port in fresh for listener in listeners() if meet(port, listener)):
        unit = unit_of(listener["pid"]) if listener["pid"] else None
        by_socket = listener["pid"] == 1 and any(item.endswith(".socket") for item in units)
        if unit not in units and not by_socket:
            found.append((port, listener, unit))
    return found


def words(port, listener, unit):
    if listener["program"] is None:
        return f"port {name(port)} is taken on this host by what ss(8) cannot name, such as the kernel's own WireGuard"
    return f"port {name(port)} is taken on this host by {listener['program']} (pid {listener['pid']}" + (f", unit {unit})" if unit else ")")


def refuse_taken(request, ledger):
    """Raises, before anything is changed, if a program of another hand has a port that the role wants. One without a name is only said."""
    for port, listener, unit in foreign(request, ledger):
        text = words(port, listener, unit)
        if listener["program"] is None:
            util.progress(text)
            continue
        raise util.Failure(
            "conflict",
            f"{text}, and role {request['role']} wants it; stop that program, or let the role stop its unit "
            '(units: { "…": { enabled: false, state: "stopped" } }), or choose another port or address',
        )
