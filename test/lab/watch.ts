/** What goes on while a test changes something: pings and requests of which not one may be lost. */
import { until } from "./intranet";
import { exec } from "./support";

const MINUTES = 20;

// Constant scripts; the file that ends them is their first argument. Answers may come late, but each must come.
const PING = `
import os, re, subprocess, sys, time
stop, address = sys.argv[1:]
ping = subprocess.Popen(["ping", "-n", "-i", "0.2", address], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
os.set_blocking(ping.stdout.fileno(), False)
seen, text, strange = set(), "", []
def read():
    global text
    try: text += os.read(ping.stdout.fileno(), 1 << 16).decode()
    except BlockingIOError: return
    *lines, text = text.split("\\n")
    for line in lines:
        found = re.search(r"bytes from .* icmp_seq=(\\d+) ", line)
        if found: seen.add(int(found.group(1)))
        elif "PING" not in line and line.strip(): strange.append(line)
    if seen and not os.path.exists(stop + ".begun"): open(stop + ".begun", "w").close()
while not os.path.exists(stop):
    read()
    time.sleep(0.1)
last = max(seen, default=0)
time.sleep(3)
read()
ping.kill()
missing = [number for number in range(1, last + 1) if number not in seen]
print(*([f"no answer to {missing} of {last}"] if missing or not last else []), *strange[:5], sep="\\n")
print(last)
`;
const ASK = `
import os, ssl, sys, time, urllib.request
stop, url, root = sys.argv[1:]
context = ssl.create_default_context(cafile=root)
failures, answers = [], 0
while not os.path.exists(stop):
    try:
        with urllib.request.urlopen(url, timeout=15, context=context) as answer: answer.read()
        answers += 1
        open(stop + ".begun", "w").close()
    except OSError as error: failures.append(f"{time.strftime('%T')} {error}")
    time.sleep(0.2)
print(*failures[:5], sep="\\n")
print(answers)
`;

/** What was lost, in words; and how often something was answered. */
export interface Watched {
  lost: string[];
  answers: number;
}

async function watch(host: string, script: string, args: readonly string[]): Promise<() => Promise<Watched>> {
  const stop = `/run/watch-${Date.now()}-${Math.floor(Math.random() * 1e6)}`;
  const running = exec(host, ["python3", "-c", script, stop, ...args], { timeoutSeconds: MINUTES * 60 });
  const begun = async () => (await exec(host, ["test", "-e", `${stop}.begun`])).code === 0;
  await Promise.race([running, until(`${host} gets an answer from ${args[0]}`, begun, 30)]);
  return async () => {
    await exec(host, ["touch", stop]);
    const { code, stdout, stderr } = await running;
    await exec(host, ["rm", "-f", stop, `${stop}.begun`]);
    if (code !== 0) throw new Error(`${host} and ${args[0]}: ${stderr}`);
    const lines = stdout.trim().split("\n");
    const lost = lines.slice(0, -1).filter((line) => line !== "");
    return { lost: lost.map((line) => `${host} to ${args[0]}: ${line}`), answers: Number(lines.at(-1)) };
  };
}

/** Pings an address five times a second. The function that is returned ends it. */
export const watchPing = (host: string, address: string) => watch(host, PING, [address]);

/** Asks for a page five times a second, over a new connection each time, with one root certificate trusted. */
export const watchHttps = (host: string, url: string, root: string) => watch(host, ASK, [url, root]);
