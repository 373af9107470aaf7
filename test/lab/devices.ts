/**
 * The lab's unmanaged devices, as their owners use them: the tunnel, the network's resolvers, and what names they see.
 */
import { SERVICES } from "../../lab/constants";
import { outputs } from "./intranet";
import { exec, type Result } from "./support";

/** The resolvers that every network of the lab gives out by DHCP. */
export const PUBLIC_RESOLVERS = [SERVICES.resolver.ipv4, SERVICES.resolver.ipv6];

const TUNNEL_FILE = "/etc/wireguard/intranet.conf";

/**
 * Puts a device's tunnel up or down, with the configuration that the stack gives out, or with another one, such as one
 * of yesterday.
 */
export async function tunnel(device: string, state: "up" | "down", configuration?: string): Promise<void> {
  await exec(device, ["wg-quick", "down", "intranet"]);
  if (state === "down") return;
  const stdin = configuration ?? ((await outputs())["devices"][device].configuration as string);
  const script = 'umask 077; mkdir -p /etc/wireguard; cat > "$1"';
  await exec(device, ["sh", "-c", script, "sh", TUNNEL_FILE], { stdin });
  const up = await exec(device, ["wg-quick", "up", "intranet"]);
  if (up.code !== 0) throw new Error(`wg-quick up on ${device}: ${up.stderr}`);
}

/** Gives a device its network's resolvers, as a DHCP lease would; without addresses: the Internet's, as it was. */
export async function resolveThrough(device: string, addresses: readonly string[] = PUBLIC_RESOLVERS): Promise<void> {
  const stdin = addresses.map((address) => `nameserver ${address}\n`).join("");
  const script = "cat > /etc/network-resolvers && resolvconf -a eth0 < /etc/network-resolvers";
  const set = await exec(device, ["sh", "-c", script], { stdin });
  if (set.code !== 0) throw new Error(`resolvconf on ${device}: ${set.stderr}`);
}

/** Enters what the stack says into a site's router, or takes it out again: its LAN's ways into the intranet. */
export async function staticRoutes(site: string, state: "entered" | "removed"): Promise<void> {
  const routes = Object.entries<string>((await outputs())["routes"][site] ?? {});
  if (routes.length === 0) throw new Error(`the stack names no route for the router of ${site}`);
  for (const [destination, gateway] of routes) {
    const what = state === "entered" ? ["replace", destination, "via", gateway] : ["del", destination];
    const result = await exec(`${site}-router`, ["ip", "route", ...what]);
    if (result.code !== 0 && state === "entered") throw new Error(`${site}-router: ${result.stderr}`);
  }
}

/** An answer of a name server. */
export interface Answer {
  /** NOERROR, NXDOMAIN, SERVFAIL, REFUSED …; "" when nobody answered. */
  status: string;
  /** The header's flags: `aa`, `ad`, `ra`, … */
  flags: string[];
  /** The records of the answer, each as `TYPE DATA`. */
  records: string[];
  /** All that dig said. */
  text: string;
}

const DIG = `set -f
while read -r question; do
  echo "-- answer"
  dig +time=2 +tries=1 +noall +comments +answer $question
done`;

/**
 * Asks with dig from a host, one question after the other; each is what dig takes: a name, a type, `@server`,
 * `+dnssec`. Never throws for what is answered.
 */
export async function digAll(host: string, questions: readonly (readonly string[])[]): Promise<Answer[]> {
  const stdin = questions.map((question) => `${question.join(" ")}\n`).join("");
  const { stdout } = await exec(host, ["sh", "-c", DIG], { stdin });
  const answers = stdout.split("-- answer\n").slice(1);
  if (answers.length !== questions.length) throw new Error(`${host} did not ask all: ${stdout}`);
  return answers.map((text) => {
    const records = text.split("\n").filter((line) => line.trim() !== "" && !line.startsWith(";"));
    return {
      status: /status: (\w+)/.exec(text)?.[1] ?? "",
      flags: /flags: ([\w ]*);/.exec(text)?.[1]?.trim().split(" ") ?? [],
      records: records.map((line) => line.trim().split(/\s+/).slice(3).join(" ")),
      text,
    };
  });
}

/** The same for one question. */
export async function dig(host: string, question: readonly string[]): Promise<Answer> {
  return (await digAll(host, [question]))[0]!;
}

/** The data of the records that are answered, sorted; empty when there is none, whatever the reason. */
export async function digShort(host: string, args: readonly string[]): Promise<string[]> {
  return (await dig(host, args)).records.map((record) => record.slice(record.indexOf(" ") + 1)).sort();
}

/** What a program on a host gets for a name, in the way of the C library; works where there is no dig, too. */
export async function lookUp(host: string, name: string, family: 4 | 6 = 4): Promise<string[]> {
  const result: Result = await exec(host, ["getent", family === 4 ? "ahostsv4" : "ahostsv6", name]);
  const addresses = result.stdout.split("\n").map((line) => line.split(/\s+/)[0]!);
  return [...new Set(addresses.filter((address) => address !== "" && !address.startsWith("::ffff:")))].sort();
}
