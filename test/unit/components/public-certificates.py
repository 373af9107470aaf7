"""Caddy with two authorities, in a network namespace of its own. Prints what was seen, as JSON.

Argument: a folder with `settings.json`, `first.caddyfile`, `second.caddyfile` (one more application), and the drop-in of Caddy's unit.
pebble plays both authorities: the internal one is there from the beginning, the public one comes later.
"""
import http.server
import json
import os
import shlex
import subprocess
import sys
import threading
import time

FOLDER = sys.argv[1]
with open(f"{FOLDER}/settings.json", encoding="utf8") as source:
    SETTINGS = json.load(source)
INSIDE, BLOG, WIKI = SETTINGS["listen"], SETTINGS["blog"], SETTINGS["wiki"]
GUEST = "64:ff9b:1::c633:6496"
"""A visitor who has IPv4 alone, as the sinkhole lets him in."""
PATIENCE = 300
STARTED = []
"""Every program that has to end with this one."""
FAILURES = []
"""Why requests failed."""


def run(*argv):
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def start(*argv, **environment):
    with open(f"{FOLDER}/{os.path.basename(argv[0])}-{len(STARTED)}.log", "w", encoding="utf8") as log:
        STARTED.append(subprocess.Popen(argv, stdout=log, stderr=log, env={**os.environ, **environment}))


def until(what, function):
    """What the function returns once that is true; a program that has died does not come back."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = function()
        if found:
            return found
        if any(program.poll() is not None for program in STARTED):
            break
        time.sleep(0.5)
    raise TimeoutError(f"{what}: {FAILURES[-1:]}")


class Application(http.server.BaseHTTPRequestHandler):
    """Says at which port it was asked, and what it was told of who asks."""

    def do_GET(self):
        body = json.dumps({"port": self.server.server_port, "for": self.headers.get_all("X-Forwarded-For"), "real": self.headers["X-Real-IP"]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args):
        pass


def authority(name, port, root):
    """pebble, whose directory has the certificate that Caddy trusts for it. Its certificates live for 30 seconds."""
    config = {"listenAddress": f"127.0.0.1:{port}", "managementListenAddress": f"127.0.0.1:{port + 1000}", "certificate": root, "privateKey": f"{root}.key",
              "httpPort": 80, "tlsPort": 443, "ocspResponderURL": "", "externalAccountBindingRequired": False, "certificateValidityPeriod": 30}
    with open(f"{FOLDER}/{name}.json", "w", encoding="utf8") as target:
        json.dump({"pebble": config}, target)
    start("pebble", "-config", f"{FOLDER}/{name}.json", "-dnsserver", "127.0.0.1:8053", PEBBLE_VA_NOSLEEP="1", PEBBLE_WFE_NONCEREJECT="0", PEBBLE_AUTHZREUSE="0",
          PEBBLE_VA_ALWAYS_VALID="0")
    argv = ("curl", "-s", "--cacert", root, "-o", f"{FOLDER}/{name}.pem", f"https://localhost:{port + 1000}/roots/0")
    until(f"the {name} authority", lambda: subprocess.run(argv, check=False).returncode == 0)


def shown(address, name):
    """The subject and serial number of the certificate that is shown for a name, or for none; or nothing."""
    at = f"[{address}]" if ":" in address else address
    words = ("-servername", name) if name else ("-noservername",)
    answer = subprocess.run(["openssl", "s_client", "-connect", f"{at}:443", *words], check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if "BEGIN CERTIFICATE" not in answer.stdout:
        return None
    return subprocess.run(["openssl", "x509", "-noout", "-subject", "-nameopt", "RFC2253", "-serial"], check=True, capture_output=True, text=True, input=answer.stdout).stdout.split("\n")[:2]


def ask(url, address, *more):
    """Status, where it leads, body; the name is looked up nowhere. Nothing where the certificate is not the right one."""
    name = url.split("/")[2]
    at = f"[{address}]" if ":" in address else address
    ports = () if name.startswith("[") else (80, 443)
    places = [word for port in ports for word in ("--resolve", f"{name}:{port}:{at}")]
    answer = subprocess.run(["curl", "-sS", "--noproxy", "*", "-w", "\n%{http_code} %{redirect_url}", *places, *more, url], check=False, capture_output=True, text=True)
    if answer.returncode != 0:
        FAILURES.append(answer.stderr)
        return None
    body, _, rest = answer.stdout.rpartition("\n")
    status, _, location = rest.partition(" ")
    return {"status": int(status), "location": location, "body": body}


def served(name, address, root):
    return ask(f"https://{name}.intranet.example/", address, "--cacert", f"{FOLDER}/{root}.pem")


def prepare():
    for folder in ("/run", "/etc/caddy"):
        run("mount", "-t", "tmpfs", "none", folder)
    os.mkdir("/run/caddy", 0o700)
    run("ip", "link", "set", "lo", "up")
    for address in (f"{INSIDE}/32", f"{BLOG}/128", f"{WIKI}/128", f"{GUEST}/128"):
        run("ip", "address", "add", address, "dev", "lo")
    # So that blog is proved by its handshake alone, and wiki over http alone.
    for rule in ("add table inet t", "add chain inet t in { type filter hook input priority 0; }",
                 f"add rule inet t in ip6 daddr {BLOG} tcp dport 80 reject with tcp reset", f"add rule inet t in ip6 daddr {WIKI} tcp dport 443 reject with tcp reset"):
        run("nft", rule)
    for root in (SETTINGS["proxyRoot"], SETTINGS["publicRoot"]):
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1", "-subj", f"/CN={os.path.basename(root)}",
            "-addext", "subjectAltName=DNS:localhost", "-keyout", f"{root}.key", "-out", root)
    for port in (8080, 8090, 8091):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Application)
        threading.Thread(target=server.serve_forever, daemon=True).start()
    start("pebble-challtestsrv", "-dns01", "127.0.0.1:8053", "-management", "127.0.0.1:8055", "-http01", "", "-https01", "", "-tlsalpn01", "",
          "-defaultIPv4", "", "-defaultIPv6", "")
    for name, kind, address in (("nextcloud", "a", INSIDE), ("blog", "aaaa", BLOG), ("wiki", "aaaa", WIKI)):
        content = json.dumps({"host": f"{name}.intranet.example.", "addresses": [address]})
        argv = ("curl", "-s", "-f", "-d", content, f"http://127.0.0.1:8055/add-{kind}")
        until("the names", lambda argv=argv: subprocess.run(argv, check=False, capture_output=True).returncode == 0)


def start_caddy():
    with open(f"{FOLDER}/caddy.conf", encoding="utf8") as drop_in:
        [before] = [line.partition("=")[2] for line in drop_in if line.startswith("ExecStartPre=")]
    run(*shlex.split(before))
    os.environ.update(HOME=FOLDER, XDG_DATA_HOME=f"{FOLDER}/data", XDG_CONFIG_HOME="/run/caddy")
    start("caddy", "run", "--adapter", "caddyfile", "--config", f"{FOLDER}/first.caddyfile")


def main():
    prepare()
    authority("internal", 14000, SETTINGS["proxyRoot"])
    start_caddy()
    seen = {"internal, while the public authority is down": until("the internal certificate", lambda: served("nextcloud", INSIDE, "internal"))["status"]}
    seen["public, while the authority is down"] = shown(BLOG, "blog.intranet.example")
    authority("public", 14001, SETTINGS["publicRoot"])
    until("the public certificate by tls-alpn-01", lambda: served("blog", BLOG, "public"))
    run("caddy", "reload", "--adapter", "caddyfile", "--config", f"{FOLDER}/second.caddyfile", "--address", "unix//run/caddy/admin.sock")
    # Over https it is not reached where it is proved over http: it is asked inside.
    until("the public certificate by http-01", lambda: served("wiki", INSIDE, "public"))
    run("nft", "flush", "ruleset")
    first = shown(BLOG, "blog.intranet.example")
    until("a public certificate's renewal", lambda: (shown(BLOG, "blog.intranet.example") or first)[1] != first[1])
    names = ["blog.intranet.example", "wiki.intranet.example", "nextcloud.intranet.example", "other.intranet.example", None]
    seen["shown at blog's own address"] = {name or "": (shown(BLOG, name) or [None])[0] for name in names}
    seen["answered there over https"] = {name: ask(f"https://{name}/", BLOG, "-k")["status"] for name in names[:4]}
    seen["answered there over http"] = {name: ask(f"http://{name}/a?b", BLOG) for name in [*names[:4], "[" + BLOG + "]"]}
    seen["another host in blog's handshake"] = ask("https://blog.intranet.example/", BLOG, "-k", "-H", "Host: nextcloud.intranet.example")["status"]
    spoofed = ("-H", "X-Forwarded-For: 192.0.2.66", "--interface", GUEST)
    seen["what blog hears"] = json.loads(ask("https://blog.intranet.example/", BLOG, "--cacert", f"{FOLDER}/public.pem", *spoofed)["body"])
    seen["inside"] = {name: json.loads(served(name, INSIDE, root)["body"])["port"] for name, root in (("blog", "public"), ("wiki", "public"), ("nextcloud", "internal"))}
    seen["at wiki's own address"] = json.loads(served("wiki", WIKI, "public")["body"])["port"]
    print(json.dumps(seen))


try:
    main()
except Exception as problem:
    for log in sorted(os.listdir(FOLDER)):
        if log.endswith(".log"):
            with open(f"{FOLDER}/{log}", encoding="utf8") as source:
                sys.stderr.write(f"{log}:\n{source.read()[-6000:]}\n")
    raise problem
finally:
    for program in reversed(STARTED):
        program.terminate()
