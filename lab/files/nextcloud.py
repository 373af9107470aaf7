"""The web application `nextcloud` of the lab: says who asked, as it sees it. Listens on 127.0.0.1 only, as an application behind a proxy does."""
import html
import http.server
import json
import socket
import sys


class Application(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "nextcloud-of-the-lab/1"

    def answer(self):
        seen = {
            "application": "nextcloud",
            "host": socket.gethostname(),
            "method": self.command,
            "path": self.path,
            "peer": self.client_address[0],
            "headers": {name.lower(): value for name, value in self.headers.items()},
        }
        if "text/html" in self.headers.get("Accept", ""):
            rows = "".join(f"<tr><th>{html.escape(n)}</th><td>{html.escape(str(v))}</td></tr>" for n, v in seen.items())
            kind, body = "text/html; charset=utf-8", f"<!doctype html><title>nextcloud</title><h1>nextcloud</h1><table>{rows}</table>\n"
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
    address, port = sys.argv[1], int(sys.argv[2])
    http.server.ThreadingHTTPServer((address, port), Application).serve_forever()
