/**
 * Visitors of public services: those who behave, those who do not, and what is seen of either on the lines of Internet
 * providers.
 */
import { readFileSync } from "node:fs";
import { X509Certificate } from "node:crypto";
import { labFile } from "../../lab/paths";
import { capture, curl } from "./intranet";
import { exec, labOk } from "./support";

/** A hello that a client says to a TLS server, or what it says instead. */
export interface Hello {
  /** The server's name in it, whatever it is; absent: none. */
  name?: string;
  /** Bytes of its extensions, filled up with padding, at most 65,535; absent: as they are. */
  size?: number;
  /** Bytes in each segment; absent: as many as fit. */
  chunk?: number;
  /** How many bytes of it are said at all; absent: all. */
  first?: number;
  /** A text that is sent in its place. */
  plain?: string;
  /** How long an answer is waited for; default 10. */
  seconds?: number;
}

/** What came back. */
export interface Answer {
  /**
   * `answered`: with a certificate or an alert; `closed`: in order; `reset`: not in order; `silence`: nothing until
   * time was up.
   */
  ended: "answered" | "closed" | "reset" | "silence";
  /** Bytes that could be sent. */
  sent: number;
  /** What came back, as text: the first 2000 characters. */
  text: string;
  /** Number of a TLS alert (RFC 8446, section 6). */
  alert?: number;
  /** Subject of the server's certificate, and the names that it is for; absent: it showed none. */
  subject?: string;
  names?: string;
}

const PROGRAM = readFileSync(labFile("files/hello.py"), "utf8");

/**
 * Says several hellos from a host to port 443 of an address, all at the same time; answers in their order. Throws when
 * a connection does not come about.
 */
export async function sayHellos(from: string, address: string, hellos: readonly Hello[]): Promise<Answer[]> {
  const asked = JSON.stringify(hellos.map((hello) => ({ address, port: 443, ...hello })));
  const { code, stdout, stderr } = await exec(from, ["python3", "-", asked], { stdin: PROGRAM });
  if (code !== 0) throw new Error(`${from} to ${address}: ${stderr.trim().split("\n").pop()}`);
  return (JSON.parse(stdout) as (Answer & { certificate?: string })[]).map(({ certificate, ...answer }) => {
    if (certificate === undefined) return answer;
    const { subject, subjectAltName } = new X509Certificate(certificate);
    return { ...answer, subject, ...(subjectAltName ? { names: subjectAltName } : {}) };
  });
}

/** The same for one hello. */
export async function sayHello(from: string, address: string, hello: Hello): Promise<Answer> {
  return (await sayHellos(from, address, [hello]))[0]!;
}

/**
 * Runs `during` while a host holds that many connections open, each in the middle of its hello. Returns how many of
 * them there were.
 */
export async function withHalfHellos(
  from: string,
  address: string,
  count: number,
  during: () => Promise<unknown>,
): Promise<number> {
  const asked = JSON.stringify([{ address, port: 443, count, seconds: 20 }]);
  let opened: (open: number) => void = () => undefined;
  const begun = new Promise<number>((resolve) => (opened = resolve));
  const holding = exec(from, ["python3", "-", asked], {
    stdin: PROGRAM,
    onOutput: (text) => /"open": (\d+)/.test(text) && opened(Number(/"open": (\d+)/.exec(text)![1])),
  });
  const ended = holding.then(({ stderr }) => {
    throw new Error(`${from} could not hold connections to ${address}: ${stderr}`);
  });
  try {
    const open = await Promise.race([begun, ended]);
    await during();
    return open;
  } finally {
    await ended.catch(() => undefined);
  }
}

/** Where visitors keep the root of the lab's public certificate authority. */
const ROOT_FILE = "/root/public-root.pem";

/** Gives visitors that root. Once after each start of the lab is enough. */
export async function trustPublicAuthority(...visitors: string[]): Promise<void> {
  const root = await labOk(["acme-root"]);
  for (const visitor of visitors) await exec(visitor, ["sh", "-c", 'cat > "$1"', "sh", ROOT_FILE], { stdin: root });
}

/**
 * Asks for a public service as a browser would, with the public root as all that is trusted, by the names that the
 * visitor's resolver gives.
 */
export const visit = (from: string, name: string, more: string[] = []) =>
  curl(from, ["--cacert", ROOT_FILE, "--capath", "/nonexistent", ...more, `https://${name}/`]);

/**
 * Runs `during` and returns the packets that match on the lines of sites' providers: by line, at the provider's end and
 * at the router's.
 */
export async function onLines(
  sites: readonly string[],
  filter: string,
  during: () => Promise<unknown>,
): Promise<Record<string, string[]>> {
  const found: Record<string, string[]> = {};
  const looks = sites.flatMap((site) => [
    { host: "internet", iface: site },
    { host: `${site}-router`, iface: "wan" },
  ]);
  const look = async (left: typeof looks): Promise<void> => {
    const [first, ...rest] = left;
    if (!first) return void (await during());
    const lines = await capture(first.host, first.iface, [filter], () => look(rest));
    found[`${first.host} ${first.iface}`] = lines;
  };
  await look(looks);
  return found;
}
