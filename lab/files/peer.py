"""The raw TCP service `peer` of the lab: answers each connection with one line, the peer's address, and hangs up."""
import ipaddress
import socket
import socketserver
import sys


class Peer(socketserver.BaseRequestHandler):
    def handle(self):
        address = ipaddress.ip_address(self.client_address[0].split("%")[0])
        shown = getattr(address, "ipv4_mapped", None) or address
        self.request.sendall(f"{shown}\n".encode())


class Server(socketserver.ThreadingTCPServer):
    address_family = socket.AF_INET6
    allow_reuse_address = True
    daemon_threads = True

    def server_bind(self):
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()


if __name__ == "__main__":
    Server(("::", int(sys.argv[1])), Peer).serve_forever()
