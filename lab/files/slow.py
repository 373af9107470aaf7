"""Delays and loses what leaves a network interface: slow.py DEVICE DELAY_SECONDS LOSS READY

For kernels without netem: everything that leaves DEVICE is redirected to a tap device (tc-mirred(8)), read here, and sent on after the
delay, past the redirection (packet(7), PACKET_QDISC_BYPASS). Makes the file READY once it works. SIGTERM takes the redirection away.
"""
import fcntl
import heapq
import os
import random
import select
import signal
import socket
import struct
import subprocess
import sys
import time

TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x0002, 0x1000
SOL_PACKET, PACKET_QDISC_BYPASS = 263, 20
TAP = "slow%d"


def main(device, delay, loss, ready):
    tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    name = fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", TAP.encode(), IFF_TAP | IFF_NO_PI))[:16].rstrip(b"\0").decode()
    out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    out.setsockopt(SOL_PACKET, PACKET_QDISC_BYPASS, 1)
    out.bind((device, 0))
    # Larger than any packet here: what a kernel sends in one piece is cut for the tap device before it gets there.
    subprocess.run(["ip", "link", "set", name, "mtu", "9000", "up"], check=True)
    with open(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6", "w") as switch:
        switch.write("1")
    subprocess.run(["tc", "qdisc", "add", "dev", device, "clsact"], check=True)
    where = ["dev", device, "egress", "protocol", "all", "prio", "1"]
    subprocess.run(["tc", "filter", "add", *where, "u32", "match", "u32", "0", "0", "action", "mirred", "egress", "redirect", "dev", name], check=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    open(ready, "w").close()
    try:
        pass_on(tap, out, delay, loss)
    finally:
        subprocess.run(["tc", "qdisc", "del", "dev", device, "clsact"])


def pass_on(tap, out, delay, loss):
    waiting, number = [], 0
    while True:
        left = waiting[0][0] - time.monotonic() if waiting else None
        if select.select([tap], [], [], None if left is None else max(0, left))[0]:
            try:
                frame = os.read(tap, 65536)
            except BlockingIOError:
                continue
            if random.random() >= loss:
                number += 1
                heapq.heappush(waiting, (time.monotonic() + delay, number, frame))
        while waiting and waiting[0][0] <= time.monotonic():
            try:
                out.send(heapq.heappop(waiting)[2])
            except (BlockingIOError, InterruptedError):
                pass  # a full queue loses packets, as queues do


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), float(sys.argv[3]), sys.argv[4])
