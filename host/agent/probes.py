"""Probes: after a change a role is asked what a user would ask it, until the right answer comes or the time is up."""
import time

import commands
import util

ATTEMPT_SECONDS = 60
"""A single question is given up after this time at most."""

USUAL_PORTS = {"http": 80, "https": 443, "tls": 443}


def run(probe):
    """Repeats a probe until it succeeds; raises with its last answer at the deadline."""
    seconds = probe.get("timeoutSeconds", 30)
    end = time.monotonic() + seconds
    pause, told = 0.2, False
    while True:
        left = end - time.monotonic()
        code, answer = ask(probe, max(1, min(left, ATTEMPT_SECONDS)))
        if code == 0:
            return
        if time.monotonic() + pause > end:
            message = f"{describe(probe)}: did not succeed within {seconds} s"
            raise util.Failure("probe", message, probe.get("command"), code, answer)
        if not told and seconds - left > 3:
            util.progress(f"waiting up to {seconds} s for: {describe(probe)}")
            told = True
        time.sleep(pause)
        pause = min(pause * 1.5, 2)


def run_all(probes):
    """All of them, in order. One that is required and fails raises; of the others, what is wrong in words."""
    doubts = []
    for probe in probes:
        try:
            run(probe)
        except util.Failure as failure:
            if probe.get("required", True):
                raise
            said = (failure.output or "").strip().split("\n")[0]
            doubts.append(util.redact(f"warning: {failure}" + (f": {said}" if said else "")))
    return doubts


def describe(probe):
    """What a probe asks, in words."""
    if probe.get("description"):
        return probe["description"]
    for kind in ("http", "https"):
        if kind in probe:
            web = probe[kind]
            return f"{kind}://{web['host']}{web.get('path', '')} at {place(web, kind)} answers {web['status']}"
    if "tls" in probe:
        return f"{probe['tls']['name']} at {place(probe['tls'], 'tls')} has a certificate that is trusted"
    if "tcp" in probe:
        return f"tcp/{probe['tcp']['port']} at {probe['tcp']['address']} is open"
    return " ".join(probe["command"])


def place(target, kind):
    """The address, and the port where it is not the usual one."""
    port = port_of(target, kind)
    if port == USUAL_PORTS[kind]:
        return target["address"]
    return f"[{target['address']}]:{port}" if ":" in target["address"] else f"{target['address']}:{port}"


def port_of(target, kind):
    return target.get("port", USUAL_PORTS.get(kind))


def ask(probe, seconds):
    """One attempt: (0, anything) when it succeeded, else another number and what was answered."""
    if "command" in probe:
        return commands.run(probe["command"], timeout=seconds)
    kind = next(kind for kind in ("http", "https", "tls", "tcp") if kind in probe)
    try:
        return over_network(kind, probe[kind], seconds)
    except OSError as error:  # ssl.SSLError is one
        return 1, f"{type(error).__name__}: {error}" if not error.strerror else error.strerror


def over_network(kind, target, seconds):
    import socket

    with socket.create_connection((target["address"], port_of(target, kind)), seconds) as line:
        if kind == "tcp":
            return 0, ""
        if kind == "http":
            return answered(line, target)
        with wrapped(line, target, target.get("name") or target["host"]) as secure:
            return (0, "") if kind == "tls" else answered(secure, target)


def wrapped(line, target, name):
    """TLS over a connection. With `roots` they alone are trusted and the name has to fit; without, any certificate will do."""
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if "roots" in target:
        context.load_verify_locations(util.at(target["roots"]))
    else:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(line, server_hostname=name)


def answered(line, web):
    """Asks for a page; only the status of the answer is read (RFC 9112, section 4)."""
    port = web.get("port")
    host = web["host"] if port in (None, 80, 443) else f"{web['host']}:{port}"
    lines = [f"GET {web.get('path', '/')} HTTP/1.1", f"Host: {host}", "Connection: close", "", ""]
    line.sendall("\r\n".join(lines).encode("ascii"))
    answer = b""
    while b"\n" not in answer and len(answer) < 1024:
        more = line.recv(1024)
        if not more:
            break
        answer += more
    first = answer.split(b"\n")[0].decode("latin-1").strip()
    words = first.split(" ")
    if len(words) > 1 and words[1] == str(web["status"]):
        return 0, ""
    return 1, f"answered: {first}" if first else "closed the connection without an answer"
