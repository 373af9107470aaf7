/**
 * A conversation over one TCP connection that goes on while a test does something else: what breaks it, or holds it up,
 * is seen.
 */
import { until } from "./intranet";
import { exec } from "./support";
import { withOpenPort } from "./traffic";

const LISTEN = [
  "import socket, sys",
  "family = socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET",
  "server = socket.create_server((sys.argv[1], 0), family=family)",
  "server.settimeout(60)",
  "print(server.getsockname()[1], file=open(sys.argv[2], 'w'), flush=True)",
  "link, _ = server.accept()",
  "while data := link.recv(4096): link.sendall(data)",
].join("\n");
// Ten times a second until the file is there. An answer that takes 30 seconds breaks it.
const TALK = [
  "import json, os, socket, sys, time",
  "link = socket.create_connection((sys.argv[1], int(sys.argv[2])), 10)",
  "link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)",
  "link.settimeout(30)",
  "answers, longest = 0, 0.0",
  "print('begun', file=open(sys.argv[3] + '.begun', 'w'), flush=True)",
  "while not os.path.exists(sys.argv[3]):",
  "    began = time.monotonic()",
  "    link.sendall(b'x')",
  "    if link.recv(1) != b'x': sys.exit('the connection was closed')",
  "    answers, longest = answers + 1, max(longest, time.monotonic() - began)",
  "    time.sleep(0.1)",
  "print(json.dumps({'answers': answers, 'longest': longest}))",
].join("\n");
const MINUTES = 15;

/** What a conversation was like. */
export interface Talk {
  answers: number;
  /** The longest time that an answer took, in seconds. */
  longest: number;
}

/**
 * Begins a conversation of a device with a site's host, at an address of that host's. The function that is returned
 * ends it; it throws when it broke.
 */
export async function conversation(device: string, host: string, address: string): Promise<() => Promise<Talk>> {
  const file = `/run/conversation-${Date.now()}`;
  const options = { timeoutSeconds: MINUTES * 60 };
  const listening = exec(host, ["python3", "-c", LISTEN, address, file], options);
  const read = async (at: string, name: string) => (await exec(at, ["cat", name])).stdout.trim() || undefined;
  const port = await until(`${host} listens`, () => read(host, file), 15);
  const begun = read.bind(undefined, device, `${file}.begun`);
  let talking = undefined as unknown as ReturnType<typeof exec>;
  // Once it is begun its answers pass, as those of any connection.
  await withOpenPort(host, Number(port), async () => {
    talking = exec(device, ["python3", "-c", TALK, address, port, file], options);
    await Promise.race([talking, until(`${device} talks with ${host}`, begun, 15)]);
  });
  return async () => {
    await exec(device, ["touch", file]);
    const { code, stdout, stderr } = await talking;
    await Promise.all([listening, exec(host, ["rm", "-f", file]), exec(device, ["rm", "-f", file, `${file}.begun`])]);
    if (code !== 0) throw new Error(`${device} and ${host}: the connection broke: ${stderr.trim().split("\n").pop()}`);
    return JSON.parse(stdout) as Talk;
  };
}
