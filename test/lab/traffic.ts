/** Packets that tests send from hosts of the lab, and what is seen of them elsewhere. */
import { capture, plan, until } from "./intranet";
import { exec, probe } from "./support";

// Constant scripts: what varies are their arguments.
const PING_EACH =
  'n=$1; shift; for a; do (ping -n -c 1 -W "$n" "$a" 2>/dev/null | sed -n "s/.* from \\(.*\\): .*ttl=\\([0-9]*\\).*/$a \\2/p") & done; wait';

/**
 * Pings each address once, all at the same time. Returns the TTL (hop limit) of each answer, by address: 64 less the
 * routers on its way.
 */
export async function pingEach(
  from: string,
  addresses: readonly string[],
  seconds = 3,
): Promise<Record<string, number>> {
  const { stdout } = await exec(from, ["sh", "-c", PING_EACH, "sh", String(seconds), ...addresses]);
  const lines = stdout.split("\n").filter((line) => line !== "");
  return Object.fromEntries(lines.map((line) => [line.split(" ")[0]!, Number(line.split(" ")[1])]));
}

/** One ping with more of ping's options. Whether it was answered, and what ping said. */
export async function ping(from: string, to: string, options: readonly string[] = []): Promise<[boolean, string]> {
  const { code, stdout, stderr } = await exec(from, ["ping", "-n", "-c", "1", "-W", "2", ...options, to]);
  return [code === 0, stdout + stderr];
}

/**
 * Runs `during` while packets that match are captured on every interface of several hosts; returns the lines by host.
 */
export async function captureOn(
  hosts: readonly string[],
  filter: string,
  during: () => Promise<unknown>,
): Promise<Record<string, string[]>> {
  const [host, ...others] = hosts;
  if (host === undefined) {
    await during();
    return {};
  }
  let rest: Record<string, string[]> = {};
  const lines = await capture(host, "any", [filter], async () => (rest = await captureOn(others, filter, during)));
  return { [host]: lines, ...rest };
}

/** What a raw TCP service of the lab (`peer`, `mail`) says of who connects; "" when there is no connection. */
export async function whoAsked(from: string, address: string, port: number): Promise<string> {
  const { fate, seen } = await probe(from, address, { port });
  return fate === "accepted" ? String(seen["firstLine"] ?? "") : "";
}

const RECEIVE = [
  "import socket, sys",
  "family = socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET",
  "server = socket.create_server((sys.argv[1], 0), family=family)",
  "server.settimeout(60)",
  "open(sys.argv[2], 'w').write(str(server.getsockname()[1]))",
  "link, peer = server.accept()",
  "link.settimeout(20)",
  "count = 0",
  "while data := link.recv(1 << 16): count += len(data)",
  "link.sendall(b'end')",
  "print(count, peer[0])",
].join("\n");
const SEND = [
  "import os, socket, sys",
  "link = socket.create_connection((sys.argv[1], int(sys.argv[2])), 10)",
  "link.settimeout(30)",
  "link.sendall(os.urandom(int(sys.argv[3])))",
  "link.shutdown(socket.SHUT_WR)",
  "assert link.recv(3) == b'end'",
].join("\n");

/**
 * Sends that many bytes over one TCP connection to an address of a host. Returns how many arrived, and from whom as the
 * receiver saw it.
 */
export async function transfer(
  from: string,
  to: string,
  address: string,
  bytes: number,
): Promise<{ bytes: number; from: string }> {
  const file = `/run/transfer-${Date.now()}`;
  const receiving = exec(to, ["python3", "-c", RECEIVE, address, file]);
  const port = await until(
    "the receiver listens",
    async () => (await exec(to, ["cat", file])).stdout.trim() || undefined,
    15,
  );
  await exec(to, ["rm", file]);
  const sending = (): ReturnType<typeof exec> => exec(from, ["python3", "-c", SEND, address, port, String(bytes)]);
  let sent: Awaited<ReturnType<typeof exec>> | undefined;
  if (to in plan().sites) await withOpenPort(to, Number(port), async () => (sent = await sending()));
  else sent = await sending();
  const received = await receiving;
  const [count = "0", peer = ""] = received.stdout.trim().split(" ");
  if (sent?.code !== 0 || received.code !== 0)
    throw new Error(`${from} to ${address}: ${sent?.stderr}${received.stderr}; ${count} of ${bytes} bytes arrived`);
  return { bytes: Number(count), from: peer };
}

/**
 * Runs `during` with an nftables rule at the head of a chain, and takes exactly that rule out again. `chain` as `inet
 * intranet forward`.
 */
export async function withRule(
  host: string,
  chain: string,
  rule: string,
  during: () => Promise<unknown>,
): Promise<void> {
  const inserted = await exec(host, ["nft", "--echo", "--handle", "insert", "rule", ...chain.split(" "), rule]);
  const handle = /# handle (\d+)/.exec(inserted.stdout)?.[1];
  if (inserted.code !== 0 || !handle) throw new Error(`nft on ${host}: ${inserted.stdout}${inserted.stderr}`);
  try {
    await during();
  } finally {
    await exec(host, ["nft", "delete", "rule", ...chain.split(" "), "handle", handle]);
  }
}

/** Runs `during` while a site's host answers at a TCP port over its tunnels, which nothing in the stack declares. */
export async function withOpenPort(host: string, port: number, during: () => Promise<unknown>): Promise<void> {
  await withRule(host, "inet intranet answers", `tcp dport ${port} accept`, during);
}

const HEAR_OSPF = [
  "import select, socket, sys, time",
  "heard = set()",
  "links = [socket.socket(family, socket.SOCK_RAW, 89) for family in (socket.AF_INET, socket.AF_INET6)]",
  "end = time.monotonic() + float(sys.argv[1])",
  "while (left := end - time.monotonic()) > 0:",
  "    for link in select.select(links, [], [], left)[0]:",
  "        heard.add(link.recvfrom(2048)[1][0].split('%')[0])",
  "print('\\n'.join(sorted(heard)))",
].join("\n");
const SAY_OSPF = [
  "import socket, struct, sys, time",
  "def v2():",
  "    body = struct.pack('>4sHBBIII', bytes(4), 5, 2, 1, 20, 0, 0)",
  "    head = struct.pack('>BBH4s4sHHQ', 2, 1, 24 + len(body), bytes([10, 31, 255, 77]), bytes(4), 0, 0, 0)",
  "    words = struct.unpack('>%dH' % ((16 + len(body)) // 2), head[:16] + body)",
  "    total = sum(words)",
  "    while total >> 16: total = (total & 0xffff) + (total >> 16)",
  "    return head[:12] + struct.pack('>H', ~total & 0xffff) + head[14:] + body",
  "def v3():",
  "    body = struct.pack('>IIHHII', 1, 1 << 24 | 0x13, 5, 20, 0, 0)",
  "    return struct.pack('>BBH4s4sHBB', 3, 1, 16 + len(body), bytes([10, 31, 255, 77]), bytes(4), 0, 0, 0) + body",
  "end = time.monotonic() + float(sys.argv[1])",
  "while time.monotonic() < end:",
  "    for to in sys.argv[2:]:",
  "        six = ':' in to",
  "        link = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_RAW, 89)",
  "        if six: link.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_CHECKSUM, 12)",
  "        link.sendto(v3() if six else v2(), (to, 0))",
  "        link.close()",
  "    time.sleep(0.5)",
].join("\n");

/** Who sends packets of protocol 89 (OSPF) to a host while those seconds last: their addresses, of both families. */
export async function hearOspf(host: string, seconds: number): Promise<string[]> {
  const { stdout } = await exec(host, ["python3", "-c", HEAR_OSPF, String(seconds)]);
  return stdout.trim().split("\n");
}

/** Sends OSPF hellos (RFC 2328, A.3.2; RFC 5340, A.3.2) to each address, twice a second while those seconds last. */
export async function sayOspf(host: string, addresses: readonly string[], seconds: number): Promise<void> {
  const { code, stderr } = await exec(host, ["python3", "-c", SAY_OSPF, String(seconds), ...addresses]);
  if (code !== 0) throw new Error(`hellos from ${host}: ${stderr}`);
}
