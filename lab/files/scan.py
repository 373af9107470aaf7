"""A scan of TCP ports from inside a host, thousands at a time. The argument is the question, as JSON."""
import errno
import json
import resource
import select
import socket
import sys
import time


def scan(question, address):
    """TCP ports that accept or refuse a connection; all others say nothing."""
    wanted = min(8192, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    at_once = min(4000, wanted - 100)
    family = socket.AF_INET if question["family"] == 4 else socket.AF_INET6
    todo = iter(range(question["ports"][0], question["ports"][1] + 1))
    accepted, refused, silent, unreachable = [], [], 0, 0
    poll, links = select.epoll(), {}
    exhausted = False
    while links or not exhausted:
        while len(links) < at_once and not exhausted:
            port = next(todo, None)
            if port is None:
                exhausted = True
                break
            link = socket.socket(family, socket.SOCK_STREAM)
            link.setblocking(False)
            code = link.connect_ex((address, port))
            if code not in (0, errno.EINPROGRESS):
                unreachable += 1
                link.close()
                continue
            links[link.fileno()] = (link, port, time.monotonic() + question["timeout"])
            poll.register(link.fileno(), select.EPOLLOUT | select.EPOLLERR | select.EPOLLHUP)
        done = [fd for fd, _ in poll.poll(0.1, 8192)]
        now = time.monotonic()
        late = [fd for fd, (_, _, end) in links.items() if end < now]
        for fd in set(done) | set(late):
            link, port, _ = links.pop(fd)
            poll.unregister(fd)
            code = link.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if fd not in done:
                silent += 1
            elif code == 0:
                accepted.append(port)
            elif code == errno.ECONNREFUSED:
                refused.append(port)
            else:
                unreachable += 1
            link.close()
    return {"accepted": sorted(accepted), "refused": len(refused), "refusedPorts": sorted(refused)[:100], "filtered": silent, "unreachable": unreachable}


def main():
    question = json.loads(sys.argv[1])
    began = time.monotonic()
    family = socket.AF_INET if question["family"] == 4 else socket.AF_INET6
    address = socket.getaddrinfo(question["to"], None, family, socket.SOCK_STREAM)[0][4][0]
    print(json.dumps({"address": address, **scan(question, address), "seconds": round(time.monotonic() - began, 3)}))


main()
