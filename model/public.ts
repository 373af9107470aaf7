/** The sinkhole's /64: a /80 for each site, an address for each service that the Internet reaches. */
import { allocateIds, type IdClaim } from "./id";
import { show, type Issues } from "./errors";
import type { PublicPlan, ServicePlan } from "./plan";
import { addressAt, formatAddress, formatPrefix, parsePrefix, type Prefix } from "./prefix";
import { checkDirectory, checkEmail, checkIssuer } from "./authority";
import type { IntranetSpec, ServiceSpec } from "./spec";
import { CERTIFICATES, checkText } from "./text-rule";
import { siteOf } from "./topology";

/**
 * The numbers of services within their site's /80: all of it but the first address, in one hextet so that addresses
 * stay short.
 */
const SERVICE_IDS = { first: 1, last: 0xffff } as const;

/**
 * Where an IPv4 guest's address stands in an IPv6 one, in the last 32 bits: of the prefix for local translation (RFC
 * 8215), which is never routed on the Internet.
 */
export const GUEST_PREFIX = "64:ff9b:1::/96";

/** The routing table for what leaves with a source of the /64. */
export const PUBLIC_TABLE = 6464;

/** Ports of visitors that an https service is reached at on its own address. */
const WEB_PORTS: readonly number[] = [80, 443];

/** TCP ports that the sinkhole itself answers at, on its IPv4 address. */
const SINKHOLE_PORTS: readonly number[] = [22, 80, 443];

/** A place in the /64: the site's number and the service's within it. */
export type PublicPlace = Pick<PublicPlan, "site" | "service">;

/** Which authority certifies public services if nothing else is said: Let's Encrypt. */
export const PUBLIC_DIRECTORY = "https://acme-v02.api.letsencrypt.org/directory";

/** How it is called in CAA records. */
export const PUBLIC_ISSUER = "letsencrypt.org";

/** A network of 64 bits, as Hetzner gives one to each server. @throws Error for another text */
function parseNetwork(network: string): Prefix {
  const prefix = parsePrefix(network);
  if (prefix?.family === 6 && prefix.length === 64) return prefix;
  throw new Error(`${show(network)} is no IPv6 prefix of 64 bits`);
}

/**
 * A site's /80 in the sinkhole's /64: its number is the fifth group. @throws Error where the network is no IPv6 prefix
 * of 64 bits
 */
export function sitePrefix(network: string, site: number): string {
  const { value } = addressAt(parseNetwork(network), BigInt(site) << 48n);
  return formatPrefix({ family: 6, base: value, length: 80 });
}

/** A service's address. @throws Error where the network is no IPv6 prefix of 64 bits */
export function serviceAddress(network: string, { site, service }: PublicPlace): string {
  return formatAddress(addressAt(parseNetwork(network), (BigInt(site) << 48n) + BigInt(service)));
}

/** The services that the Internet reaches, by name. */
export function publicServices(
  services: Readonly<Record<string, ServicePlan>>,
): (ServicePlan & { public: PublicPlan })[] {
  return Object.values(services).filter((service): service is ServicePlan & { public: PublicPlan } => !!service.public);
}

/** Notes what is wrong with public services and with who certifies them. */
export function checkPublic(spec: Partial<IntranetSpec>, issues: Issues): void {
  for (const [name, service] of Object.entries(spec.services ?? {})) {
    const path = `services.${name}`;
    if (service.user !== undefined && !/^[a-z_][a-z0-9_-]{0,31}$/.test(service.user))
      issues.add(
        `${path}.user`,
        "must be the name of an account: at most 32 lower-case letters, digits, hyphens and underscores",
        [show(service.user)],
        "name the account that the application runs as (useradd(8))",
      );
    if (service.audience !== "internet") checkPrivate(service, path, issues);
    else if (service.protocol === "tcp") checkGuestPort(service, path, issues);
  }
  const { directory, issuer, rootCertificate, email } = spec.publicCertificates ?? {};
  if (directory !== undefined) checkDirectory(directory, "publicCertificates.directory", issues);
  if (issuer !== undefined) checkIssuer(issuer, "publicCertificates.issuer", issues);
  if (directory !== undefined && issuer === undefined && directory !== PUBLIC_DIRECTORY)
    issues.add(
      "publicCertificates.issuer",
      "CAA records have to name who issues",
      ["nothing"],
      "give the domain that the authority's documents name for CAA (RFC 8659)",
    );
  if (rootCertificate !== undefined)
    checkText(rootCertificate, "publicCertificates.rootCertificate", CERTIFICATES, issues);
  if (email !== undefined) checkEmail(email, "publicCertificates.email", issues);
}

/** What only a public service can have. */
function checkPrivate(service: ServiceSpec, path: string, issues: Issues): void {
  for (const field of ["id", "user"] as const)
    if (service[field] !== undefined)
      issues.add(
        `${path}.${field}`,
        "belongs to a service with an address of its own",
        [show(service[field])],
        'leave it out, or write audience: "internet"',
      );
}

/**
 * Guests of several services come in by one port, told apart by name; but not by one that the sinkhole itself answers
 * at.
 */
function checkGuestPort(service: ServiceSpec, path: string, issues: Issues): void {
  if (SINKHOLE_PORTS.includes(service.port))
    issues.add(
      `${path}.port`,
      "the sinkhole itself answers at this port",
      [show(service.port)],
      `let the application listen at another one than ${SINKHOLE_PORTS.join(", ")}, or write protocol: "https"`,
    );
}

/** Gives every public service its number within its site. */
export function allocatePublic(spec: Partial<IntranetSpec>, issues: Issues): ReadonlyMap<string, number> {
  const bySite = new Map<string, IdClaim[]>();
  for (const [name, service] of Object.entries(spec.services ?? {})) {
    const site = siteOf(service.at, spec.sites ?? {});
    if (service.audience !== "internet" || site === undefined) continue;
    const claim = { name: name.toLowerCase(), path: `services.${name}.id`, id: service.id };
    bySite.set(site, [...(bySite.get(site) ?? []), claim]);
  }
  return new Map([...bySite.values()].flatMap((claims) => [...allocateIds("service", claims, SERVICE_IDS, issues)]));
}

/** A public service's part in the plan. */
export function planPublic(spec: ServiceSpec, site: number, service: number): PublicPlan {
  const https = (spec.protocol ?? "https") === "https";
  return {
    site,
    service,
    ports: https ? WEB_PORTS : [spec.port],
    guestPorts: https ? [443] : [spec.port],
    ...(spec.user === undefined ? {} : { user: spec.user }),
  };
}
