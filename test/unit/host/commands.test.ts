/** How the agent runs commands on a host: what they find, how they end, and what is left of one that does not. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

const agent = join(__dirname, "../../../host/agent");

/** What `text`, in which `commands` and `util` are modules of the agent, prints as JSON. */
function python(text: string): unknown {
  const program = `import commands, json, os, signal, sys, time, util\n${text}`;
  const env = { ...process.env, PYTHONDONTWRITEBYTECODE: "1" };
  return JSON.parse(execFileSync("python3", ["-c", program], { cwd: agent, encoding: "utf8", env }));
}
const run = (...argv: string[]) => python(`print(json.dumps(commands.run(${JSON.stringify(argv)}, timeout=20)))`);

test("a command's exit code and all that it says are the answer", () => {
  expect(run("sh", "-c", "echo one; echo two >&2; exit 3")).toEqual([3, "one\ntwo"]);
  expect(run("sh", "-c", "kill -9 $$")).toEqual([-9, ""]);
  expect(run("sh", "-c", "cat; echo $#", "sh", "$(id)", "a b", "")).toEqual([0, "3"]);
});

test("one that is not there, or not to be run, is an error in words", () => {
  expect(run("no-such-command")).toEqual([127, "no-such-command: command not found"]);
  expect(run("/etc/passwd")).toEqual([126, "/etc/passwd: permission denied"]);
  expect(python('print(json.dumps(commands.query(["no-such-command"])))')).toBeNull();
});

test("it begins like a service: no input, usual permissions, usual signals, usual words, the folder of none, a session of its own, no file of the agent's", () => {
  const look = `umask; pwd; echo $LC_ALL $HOME $TERM; ps -o sid= $$ | tr -d ' '; echo $$; grep SigIgn /proc/$$/status; ls /proc/$$/fd`;
  const [code, output, lock] = python(`
os.umask(0o077)
signal.signal(signal.SIGHUP, signal.SIG_IGN)
lock = open("/dev/null")
print(json.dumps([*commands.run(["sh", "-c", ${JSON.stringify(look)}]), lock.fileno()]))`) as [number, string, number];
  // The files come last, and of no pipeline: while one begins, the shell has its pipe open.
  const [umask, folder, words, session, own, ignored, ...open] = output.trim().split("\n");
  expect([code, umask, folder, words, session]).toEqual([0, "0022", "/", "C.UTF-8 /root", own]);
  expect(open).toEqual(expect.arrayContaining(["0", "1", "2"]));
  expect(open).not.toContain(String(lock));
  // SIGHUP alone: what the agent ignores itself, so that a change goes on when the connection is cut.
  const usual = BigInt(`0x${ignored!.split(/\s+/)[1]}`) & 0x7fffffffn;
  expect(usual).toBe(1n);
});

test("the agent's own permissions are as before", () => {
  expect(python('os.umask(0o077); commands.run(["true"]); print(json.dumps(os.umask(0)))')).toBe(0o077);
});

test.each([
  ["as the kernel tells it", ""],
  ["by looking, where the kernel does not", "def none(_): raise OSError\nos.pidfd_open = none\n"],
  ["by looking, where Python does not", "del os.pidfd_open\n"],
])("one that takes too long is ended with all that it began: %s", (_, before) => {
  const said = python(`${before}
began = time.monotonic()
slow = commands.run(["sh", "-c", "sleep 300 & echo $!; wait"], timeout=1)
seconds = time.monotonic() - began
fast = commands.run(["sh", "-c", "sleep 0.1; exit 5"], timeout=20)
asked = commands.query(["sh", "-c", "sleep 300"], timeout=1)
print(json.dumps([slow, 1 <= seconds < 10, fast, asked]))`);
  expect(said).toEqual([[124, expect.stringMatching(/^\d+\n\n\[stopped after 1 s\]$/)], true, [5, ""], null]);
  const child = (said as [[number, string]])[0][1].split("\n")[0]!;
  for (const end = Date.now() + 5_000; existsSync(`/proc/${child}`) && Date.now() < end;) Atomics.wait(pause, 0, 0, 50);
  expect(existsSync(`/proc/${child}`)).toBe(false);
});
const pause = new Int32Array(new SharedArrayBuffer(4));

test("a daemon that it leaves behind is not waited for, and all of a long output is read by who only looks", () => {
  const [code, seconds, length] = python(`
began = time.monotonic()
code, child = commands.run(["sh", "-c", "sleep 60 & echo $!"])
seconds = time.monotonic() - began
os.kill(int(child), signal.SIGKILL)
print(json.dumps([code, seconds, len(commands.query(["seq", "100000"]))]))`) as number[];
  expect([code, seconds! < 30, length]).toEqual([0, true, 588895]);
});
