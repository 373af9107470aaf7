/** The lab's intranet with two services for everybody: what is added to its description, and where that stands. */
import { readFileSync } from "node:fs";
import * as ipaddr from "ipaddr.js";
import { ACME, BLOG_PORT, FORUM_PORT, SERVICES } from "../../lab/constants";
import { labFile } from "../../lab/paths";
import { GUEST_PREFIX, serviceAddress } from "../../model";
import { capture, changedConfig, outputs, plan, until, up } from "./intranet";
import { exec, execOk } from "./support";
import { trustPublicAuthority, visit } from "./visitors";

/** Names of the two services: at home, and at the office, which has a link of its own to the VPS only as a spare. */
export const BLOG = "blog.intranet.example";
export const FORUM = "forum.intranet.example";
/** The account that the forum runs as. */
export const FORUM_USER = "mail";
/** The visitors: of both families, and of IPv4 alone. */
export const VISITOR = "2001:db8:d::150";
export const VISITOR4 = "198.51.100.151";

/** The description with both services, and what `change` alters besides. Returns the arguments for pulumi. */
export function publicConfig(change: (description: any) => void = () => undefined): string[] {
  return changedConfig((network) => {
    network.publicCertificates = {
      directory: ACME.directory,
      issuer: ACME.name,
      rootCertificate: readFileSync(labFile("files/acme/root.pem"), "utf8"),
    };
    network.services.blog = { at: "home", port: BLOG_PORT, audience: "internet" };
    network.services.forum = { at: "office", port: FORUM_PORT, audience: "internet", user: FORUM_USER };
    change(network);
  });
}

/** Where public services stand. */
export interface Places {
  /** The sinkhole's /64. */
  network: string;
  blog: string;
  forum: string;
  /** The VPS's own addresses. */
  ipv4: string;
  ipv6: string;
}

/** The addresses of the stack as it is, by its outputs and the plan. */
export async function places(): Promise<Places> {
  const { ipv4, ipv6 } = (await outputs())["sinkhole"];
  const network = String(ipv6).replace(/1$/, "/64");
  const { services } = plan(publicConfig());
  const of = (name: string) => serviceAddress(network, services[name]!.public!);
  return { network, blog: of("blog"), forum: of("forum"), ipv4, ipv6 };
}

/** Adds both services to a stack that is up, and waits until both have their certificates and visitors reach them. */
export async function ensurePublic(change?: (description: any) => void): Promise<Places> {
  await up(publicConfig(change));
  await trustPublicAuthority("visitor", "visitor4", "laptop", "tv");
  await everybodyReaches();
  return places();
}

/** Waits until both visitors reach both services. */
export async function everybodyReaches(seconds = 180): Promise<void> {
  for (const from of ["visitor", "visitor4"])
    for (const name of [BLOG, FORUM])
      await until(`${from} reaches ${name}`, async () => (await visit(from, name)).status === 200, seconds);
}

/** The IPv6 address that an IPv4 guest has towards a service, as text in the one form (RFC 5952). */
export function guestAddress(ipv4: string): string {
  const bytes = [...ipaddr.IPv6.parse(GUEST_PREFIX.replace("/96", "")).toByteArray().slice(0, 12)];
  return ipaddr.fromByteArray([...bytes, ...ipaddr.IPv4.parse(ipv4).toByteArray()]).toString();
}

/** Whom the application behind a public name takes the visitor for: the proxy tells it. In the one form. */
export async function whoVisits(from: string, name: string, more: string[] = []): Promise<string> {
  const { status, body, stderr } = await visit(from, name, more);
  if (status !== 200) throw new Error(`${from} to ${name}: ${status} ${stderr}`);
  return ipaddr.parse(JSON.parse(body).headers["x-forwarded-for"]).toString();
}

/** The records of that name and type in public DNS. */
export async function publicRecords(name: string, type: string): Promise<string[]> {
  const question = type === "PTR" ? ["-x", name] : [name, type];
  const answer = await execOk("visitor", ["dig", `@${SERVICES.resolver.ipv4}`, "+short", ...question]);
  return answer.split("\n").filter((line) => line !== "");
}

/** The VPS's own IPv6 addresses of the Internet, with their lengths. */
export async function ownAddresses(): Promise<string[]> {
  const found = await execOk("vps", ["ip", "-6", "-oneline", "address", "show", "dev", "eth0", "scope", "global"]);
  return [...found.matchAll(/ inet6 (\S+) /g)].map((match) => match[1]!);
}

/**
 * The sources of what an account of a host asks the visitor for, each once. Where a link has just been missed there is
 * no way for a moment: it asks again.
 */
export async function sourcesOf(host: string, user: string): Promise<string[]> {
  const argv = ["setpriv", `--reuid=${user}`, "--clear-groups", "curl", "-sk", "-m", "10", `http://[${VISITOR}]/`];
  const seen = await until(`a packet of ${user}`, async () => {
    const lines = await capture("visitor", "eth0", ["tcp port 80 and ip6"], () => exec(host, argv));
    return lines.length > 0 && lines;
  });
  return [...new Set(seen.flatMap((line) => /IP6 (\S+)\.\d+ > \S+\.80:/.exec(line)?.slice(1) ?? []))];
}
