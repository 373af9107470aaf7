/** The probes that the agent asks by itself, against real servers on the loopback. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ProbeArgs } from "../../../host";
import { Scratch } from "./scratch";

jest.setTimeout(60_000);

/** In a process of its own: a request to the agent holds up the one of the tests. */
const SERVER = `
  const fs = require("node:fs"), [folder] = process.argv.slice(1);
  const answer = (asked, said) => said.writeHead(asked.headers.host.startsWith("wiki.example") && asked.url === "/" ? 200 : 404).end();
  const tls = { key: fs.readFileSync(folder + "/key.pem"), cert: fs.readFileSync(folder + "/wiki.pem") };
  const servers = [require("http").createServer(answer), require("https").createServer(tls, answer), require("net").createServer((line) => line.end())];
  let ready = 0;
  for (const server of servers) server.listen(0, "127.0.0.1", () => ++ready === 3 && console.log(servers.map((one) => one.address().port).join(" ")));
`;
const folder = mkdtempSync(join(tmpdir(), "intranet-probes-"));
const address = "127.0.0.1";
const HOST = "wiki.example";
let server: ChildProcess;
let host: Scratch;
let [http, https, silent] = [0, 0, 0];

beforeAll(async () => {
  const certificate = (file: string, key: string) => {
    const subject = ["-subj", `/CN=${HOST}`, "-addext", `subjectAltName=DNS:${HOST}`, "-days", "2"];
    const paths = ["-keyout", join(folder, key), "-out", join(folder, file)];
    const made = spawnSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", ...subject, ...paths]);
    if (made.status !== 0) throw new Error(String(made.stderr));
  };
  certificate("wiki.pem", "key.pem");
  certificate("other.pem", "other-key.pem");
  writeFileSync(join(folder, "server.js"), SERVER);
  server = spawn(process.execPath, ["-e", SERVER, folder], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await once(server.stdout!, "data")) as [Buffer];
  [http, https, silent] = line.toString().trim().split(" ").map(Number) as [number, number, number];
});
beforeEach(() => {
  host = new Scratch();
  for (const name of ["wiki", "other"])
    host.write(`/etc/${name}.pem`, spawnSync("cat", [join(folder, `${name}.pem`)], { encoding: "utf8" }).stdout);
});
afterEach(() => host.remove());
afterAll(() => {
  server.kill();
  rmSync(folder, { recursive: true });
});

/** Applies a role with one probe, as the checked grammar lets it through. */
const probed = (probe: ProbeArgs) => host.run({ action: "apply", probes: [{ timeoutSeconds: 1, ...probe }] });
const web = { address, host: HOST, status: 200 };

test.each<[string, () => ProbeArgs]>([
  ["a page", () => ({ http: { ...web, port: http } })],
  [
    "a page that is not there, if that is what is wanted",
    () => ({ http: { ...web, port: http, path: "/no", status: 404 } }),
  ],
  ["a name that nobody has", () => ({ http: { ...web, port: http, host: "other.example", status: 404 } })],
  ["a page over TLS with any certificate", () => ({ https: { ...web, port: https } })],
  ["a page over TLS with the right root", () => ({ https: { ...web, port: https, roots: "/etc/wiki.pem" } })],
  ["a certificate", () => ({ tls: { address, port: https, name: HOST, roots: "/etc/wiki.pem" } })],
  ["a port", () => ({ tcp: { address, port: silent } })],
])("succeeds: %s", (_name, probe) => {
  expect(probed(probe()).answer).toMatchObject({ ok: true, state: "committed" });
});

test.each<[string, () => ProbeArgs, RegExp, RegExp]>([
  [
    "another status",
    () => ({ http: { ...web, port: http, path: "/no" } }),
    /^http:\/\/wiki\.example\/no at 127\.0\.0\.1:\d+ answers 200: did not succeed within 1 s/,
    /^answered: HTTP\/1\.1 404 Not Found$/,
  ],
  ["no answer", () => ({ http: { ...web, port: silent } }), /answers 200: did not/, /^closed the connection without/],
  ["a closed port", () => ({ tcp: { address, port: 1 } }), /^tcp\/1 at 127\.0\.0\.1 is open/, /^Connection refused$/],
  [
    "another root",
    () => ({ https: { ...web, port: https, roots: "/etc/other.pem" } }),
    /^https:\/\/wiki\.example at/,
    /certificate verify failed/,
  ],
  [
    "a certificate for another name",
    () => ({ tls: { address, port: https, name: "mail.example", roots: "/etc/wiki.pem" } }),
    /^mail\.example at 127\.0\.0\.1:\d+ has a certificate that is trusted/,
    /Hostname mismatch/,
  ],
  ["TLS to a port without", () => ({ https: { ...web, port: http } }), /^https:/, /SSL|EOF|closed/i],
  [
    "roots that are not there",
    () => ({ tls: { address, port: https, name: HOST, roots: "/no" } }),
    /trusted/,
    /No such file/,
  ],
  [
    "with words of one's own",
    () => ({ tcp: { address, port: 1 }, description: "mail is up" }),
    /^mail is up: did/,
    /refused/,
  ],
])("fails, and the role goes back: %s", (_name, probe, message, output) => {
  host.write("/etc/app.conf", "old\n");
  const { answer } = probed(probe());
  expect(answer).toMatchObject({ ok: false, kind: "probe", message: expect.stringMatching(message) });
  expect(answer!.output).toMatch(output);
  expect(host.read("/var/lib/intranet/ledger.json") ?? "").not.toContain('"r"');
});
