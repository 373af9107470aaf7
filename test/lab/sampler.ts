/**
 * Looks for texts on a host, or at the operator's, for as long as something goes on: in processes and in temporary
 * folders.
 */
import { randomBytes } from "node:crypto";
import { exec, run } from "./support";

/** Where programs leave what is to live for a moment only. */
export const TEMPORARY = ["/tmp", "/var/tmp", "/dev/shm", "/run"];

// Looks every 0.2 s until the file named first is there, and once more. The texts come on stdin: they are in no process
// list.
const LOOK = [
  "import glob, json, os, stat, sys, time",
  "texts = [text.encode() for text in json.load(sys.stdin)]",
  "stop, *folders = sys.argv[1:]",
  "def read(path):",
  "    try:",
  "        with open(path, 'rb') as source: return source.read()",
  "    except OSError: return b''",
  "def processes():",
  "    for folder in glob.glob('/proc/[0-9]*'):",
  "        who = 'process ' + read(folder + '/comm').decode(errors='replace').strip()",
  "        for part in ['cmdline', 'environ']: yield who + ' ' + part, folder + '/' + part",
  "def files():",
  "    for top in folders:",
  "        for folder, _, names in os.walk(top):",
  "            for path in (os.path.join(folder, name) for name in names):",
  "                try: seen = os.lstat(path)",
  "                except OSError: continue",
  "                if stat.S_ISREG(seen.st_mode) and seen.st_size < 1 << 20: yield 'file ' + path, path",
  "rounds, found, over = 0, set(), False",
  "while not over:",
  "    over = os.path.exists(stop)",
  "    for what, path in [*processes(), *files()]:",
  "        held = read(path)",
  "        if any(text in held for text in texts): found.add(what)",
  "    rounds += 1",
  "    time.sleep(0 if over else 0.2)",
  "print(json.dumps({'rounds': rounds, 'found': sorted(found)}))",
].join("\n");

/** What was seen. */
export interface Sampled {
  /** How often everything was looked at. */
  rounds: number;
  /** `file PATH`, `process NAME cmdline` (its arguments) or `process NAME environ` that held one of the texts. */
  found: string[];
}

/**
 * Runs `during` while hosts are looked at: all processes, and the files below some folders of less than 1 MiB, which a
 * journal is not. `operator` is the operator's own namespace. Returns what was seen where, by host.
 */
export async function sample(
  hosts: readonly string[],
  texts: readonly string[],
  folders: (host: string) => readonly string[],
  during: () => Promise<unknown>,
): Promise<Record<string, Sampled>> {
  const stop = `/run/intranet-sample-${randomBytes(4).toString("hex")}`;
  const inside = (host: string): typeof run =>
    host === "operator" ? run : (argv, options) => exec(host, argv, options);
  const looking = hosts.map(async (host) => {
    const options = { stdin: JSON.stringify(texts), timeoutSeconds: 590 };
    const { code, stdout, stderr } = await inside(host)(["python3", "-c", LOOK, stop, ...folders(host)], options);
    if (code !== 0) throw new Error(`looking at ${host}: ${code} ${stderr}`);
    return [host, JSON.parse(stdout) as Sampled] as const;
  });
  try {
    await during();
  } finally {
    await Promise.all(hosts.map((host) => inside(host)(["touch", stop])));
  }
  const seen = Object.fromEntries(await Promise.all(looking));
  await Promise.all(hosts.map((host) => inside(host)(["rm", "-f", stop])));
  return seen;
}
