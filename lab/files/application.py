"""A web application of the lab: says its name and who asked, as it sees it. Listens on loopback only, as an application behind a proxy does.

Arguments: name, address, port."""
import html
import http.server
import json
import socket
import sys


class Application(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    name = ""

    def answer(self):
        seen = {
            "application": self.name,
            "host": socket.gethostname(),
            "method": self.command,
            "path": self.path,
            "peer": self.client_address[0],
            "headers": {name.lower(): value for name, value in self.headers.items()},
        }
        if "text/html" in self.headers.get("Accept", ""):
            rows = "".join(f"<tr><th>{html.escape(n)}</th><td>{html.escape(str(v))}</td></tr>" for n, v in seen.items())
            kind, body = "text/html; charset=utf-8", f"<!doctype html><title>{self.name}</title><h1>{self.name}</h1><table>{rows}</table>\n"
        else:
            kind, body = "application/json", json.dumps(seen, indent=2) + "\n"
        data = body.encode()
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = answer


if __name__ == "__main__":
    Application.name, address, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
    Application.server_version = f"{Application.name}-of-the-lab/1"
    http.server.ThreadingHTTPServer((address, port), Application).serve_forever()
