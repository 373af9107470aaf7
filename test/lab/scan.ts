/** A TCP scan from a lab host: which ports complete a handshake. */
import { exec } from "./support";

// Non-blocking connects in batches; a port that neither completes nor refuses within the wait counts as silent.
const PROGRAM = `
import errno, json, resource, select, socket, sys, time
target, first, last, wait = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
batch = 8000
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, batch + 200), hard))
batch = min(batch, hard - 200)
family = socket.AF_INET6 if ":" in target else socket.AF_INET
answered, refused = [], 0
port = first
while port <= last:
    waiting = {}
    poll = select.epoll()
    for number in range(port, min(port + batch, last + 1)):
        s = socket.socket(family, socket.SOCK_STREAM)
        s.setblocking(False)
        code = s.connect_ex((target, number))
        if code == 0: answered.append(number); s.close(); continue
        if code != errno.EINPROGRESS: refused += 1; s.close(); continue
        waiting[s.fileno()] = (s, number)
        poll.register(s.fileno(), select.EPOLLOUT)
    end = time.monotonic() + wait
    while waiting and time.monotonic() < end:
        for fd, _ in poll.poll(max(0, end - time.monotonic())):
            s, number = waiting.pop(fd)
            poll.unregister(fd)
            if s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0: answered.append(number)
            else: refused += 1
            s.close()
    for s, _ in waiting.values(): s.close()
    poll.close()
    port += batch
print(json.dumps({"answered": sorted(answered), "refused": refused}))
`;

/** The TCP ports of `target` that answer with a handshake, seen from `host`; all 65,535 by default. */
export async function scanTcp(host: string, target: string, [first, last]: [number, number] = [1, 65_535]): Promise<number[]> {
  const result = await exec(host, ["python3", "-c", PROGRAM, target, String(first), String(last), "2.5"], { timeoutSeconds: 120 });
  if (result.code !== 0) throw new Error(`scan from ${host}: ${result.stderr}`);
  return JSON.parse(result.stdout).answered;
}
