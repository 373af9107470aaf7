/** The script that says whether names come out right, run with programs that pretend to ask. */
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { renderDhcp, renderDoctor } from "../../../components/internal-dns/doctor";
import { checkShell, testWith, withFiles } from "./checkers";

const identity = { v4: "10.31.240.2", v6: "fd00:1:2:ffff::2" };
const servers = [{ connection: { address: "unused", hostKeys: [] }, name: "home", identity, listen: [] }];
const names = { domain: "intranet.example", servers, publicName: "signed.example" };

describe("the doctor", () => {
  const doctor = renderDoctor(names, ["10.31.240.2", "10.31.240.3"]);
  const TOOLS = ["sed", "awk", "head", "sort", "tr", "cat"];

  /** Runs the script where only the given programs are, beside the usual small ones. */
  function consult(programs: Record<string, string>): { code: number; lines: string[] } {
    const files = Object.fromEntries(
      Object.entries(programs).map(([name, body]) => [`bin/${name}`, `#!/bin/sh\n${body}`]),
    );
    return withFiles({ ...files, doctor }, (folder) => {
      const bin = join(folder, "bin");
      mkdirSync(bin, { recursive: true });
      for (const name of Object.keys(programs)) spawnSync("chmod", ["755", join(bin, name)]);
      for (const name of TOOLS) {
        const path = spawnSync("sh", ["-c", 'command -v "$1"', "sh", name], { encoding: "utf8" }).stdout.trim();
        rmSync(join(bin, name), { force: true });
        symlinkSync(path, join(bin, name));
      }
      const result = spawnSync("/bin/sh", [join(folder, "doctor")], { encoding: "utf8", env: { PATH: bin } });
      expect(result.stderr).toBe("");
      return { code: result.status!, lines: result.stdout.split("\n") };
    });
  }
  const verdicts = (lines: string[]): string[] => lines.filter((line) => /^(?:ok|WRONG|- )/.test(line));

  /** What a good server says, and what one outside says: the sinkhole for every name of the domain. */
  const inside = "case $1 in ns1.*) ip=10.31.240.2 ;; nobody*|use-*) rcode=NXDOMAIN ;; *) ip=192.0.2.9 ;; esac";
  const outside = "ip=198.51.100.10";
  const dig = (world: string, server: string): string =>
    `shift 6; rcode=NOERROR ip=; ${world}\n` +
    'echo ";; ->>HEADER<<- opcode: QUERY, status: $rcode, id: 1"\n' +
    '[ -z "$ip" ] || printf "%s\\t300\\tIN\\tA\\t%s\\n" "$1" "$ip"\n' +
    `case \${3-} in @*) server=\${3#@} ;; *) server=${server} ;; esac; echo ";; SERVER: $server#53($server) (UDP)"\n`;
  const drill = (world: string, server: string): string =>
    `rcode=NOERROR ip=; ${world}\n` +
    'echo ";; ->>HEADER<<- opcode: QUERY, rcode: $rcode, id: 1"\n' +
    '[ -z "$ip" ] || printf "%s\\t300\\tIN\\tA\\t%s\\n" "$1" "$ip"\n' +
    `echo ";; SERVER: ${server}"\n`;
  const nslookup = (world: string, server: string): string =>
    `shift; rcode=NOERROR ip=; ${world}\n` +
    `printf "Server:\\t\\t${server}\\nAddress:\\t${server}#53\\n\\n"\n` +
    '[ -z "$ip" ] || printf "Name:\\t%s\\nAddress: %s\\n" "$1" "$ip"\n' +
    '[ $rcode = NOERROR ] || echo "** server can\'t find $1: $rcode"\n';
  const getent = (world: string): string =>
    `shift; rcode=NOERROR ip=; ${world}\n[ -n "$ip" ] || exit 2; printf "%s STREAM x\\n%s DGRAM\\n" "$ip" "$ip"\n`;
  const behind = (address: string): string => `printf "  Current DNS Server: ${address}\\n"`;

  test.each([
    ["dig", { dig: dig(inside, "10.31.240.3") }],
    ["drill", { drill: drill(inside, "10.31.240.3") }],
    ["nslookup", { nslookup: nslookup(inside, "10.31.240.3") }],
    ["dig behind a stub", { dig: dig(inside, "127.0.0.53"), resolvectl: behind("10.31.240.3") }],
    ["getent", { getent: getent(inside), resolvectl: behind("10.31.240.3") }],
  ])("is content with the right resolver, by %s", (_, programs) => {
    const { code, lines } = consult(programs);
    expect(verdicts(lines).filter((line) => !line.startsWith("ok"))).toEqual([]);
    expect(lines[0]).toContain("10.31.240.3");
    expect(lines[1]).toContain("ns1.intranet.example is 10.31.240.2");
    expect(lines.join("\n")).toContain("signed.example, a public name, is 192.0.2.9");
    expect(code).toBe(0);
  });

  test.each([
    ["dig", { dig: dig(outside, "192.0.2.53") }],
    ["drill", { drill: drill(outside, "192.0.2.53") }],
    ["nslookup", { nslookup: nslookup(outside, "192.0.2.53") }],
    ["getent", { getent: getent(outside), resolvectl: behind("192.0.2.53") }],
  ])("names the wrong resolver and what it says, by %s", (_, programs) => {
    const { code, lines } = consult(programs);
    expect(lines[0]).toMatch(/^WRONG this device asks 192\.0\.2\.53.*no server of the intranet/);
    expect(lines[1]).toMatch(/^WRONG ns1\.intranet\.example should be 10\.31\.240\.2 and is 198\.51\.100\.10/);
    expect(lines[2]).toMatch(/^WRONG a name of intranet\.example that is not declared/);
    expect(lines[4]).toMatch(/^WRONG use-application-dns\.net/);
    expect(code).toBe(1);
    expect(lines.join("\n")).toContain(renderDhcp("intranet.example", ["10.31.240.2", "10.31.240.3"]));
  });

  test("says that nobody answers, and with what it cannot be asked", () => {
    const silent = consult({ dig: 'echo ";; no servers could be reached"; exit 9' });
    expect(silent.lines[0]).toMatch(/^WRONG no resolver answered/);
    expect(silent.code).toBe(1);
    const { lines } = consult({ getent: getent(inside), resolvectl: behind("10.31.240.2") });
    expect(lines.join("\n")).not.toContain("answers");
  });

  testWith("sh", "the shell reads it", () => expect(checkShell(doctor)).toMatchObject({ code: 0 }));
});
