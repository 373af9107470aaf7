"""Says on one interface, as a router does (RFC 4861, 4.2): there is a default route by me for half an hour. Arguments: the interface; how often, with
0.2 s between."""
import socket
import struct
import sys
import time

device, times = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1
line = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
line.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
line.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
line.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, socket.if_nametoindex(device))
for _ in range(times):
    line.sendto(struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0), ("ff02::1", 0))
    time.sleep(0.2)
