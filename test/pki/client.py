"""Asks a TLS server for its certificate as any Python program does. Usage: client.py HOST PORT NAME CAFILE"""
import socket
import ssl
import sys

host, port, name, roots = sys.argv[1:]
context = ssl.create_default_context(cafile=roots)
with socket.create_connection((host, int(port)), 10) as plain, context.wrap_socket(plain, server_hostname=name):
    pass
