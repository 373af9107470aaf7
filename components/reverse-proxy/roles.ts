/** The proxy's role, as desired state. */
import type * as pulumi from "@pulumi/pulumi";
import { tcpAt } from "../common/ports";
import type { CheckArgs, ProbeArgs } from "../../host";
import { deniedCertificate } from "../common/denied-certificate";
import { certificateFile } from "../common/certificate-file";
import { addressRule, CERTIFICATES, known } from "../common/input";
import { placeholderOf } from "../common/placeholder";
import type { RoleContent } from "../host-identity/roles";
import type { PublicCertificates, ReverseProxyArgs, ReverseProxyCertificates, ReverseProxySite } from "./args";
import { CADDY_DROP_IN, CADDYFILE, PROXY_ROOT, PUBLIC_ROOT, PUBLIC_SITES } from "./render";
import { DENIED, renderCaddyDropIn, renderCaddyfile } from "./render";

/** A name that nobody has (RFC 6761): the proxy must refuse it. Constant, so that another service changes no probe. */
const NOBODY = "nobody.invalid";

/** Caddy's checker leaves a folder in $HOME; this one is gone with it. */
const VALIDATE = (file: readonly string[]): string =>
  [
    "HOME=$(mktemp -d) || exit 1",
    "export HOME",
    ...file,
    'caddy validate --adapter caddyfile --config "$HOME/Caddyfile"',
    "code=$?",
    'rm -rf "$HOME"',
    "exit $code",
  ].join("\n");

/** A root that the file names is read where it is staged. */
const STAGED_ROOT = ['sed "s|$2|${3-}|" "$1" >"$HOME/Caddyfile"'];

/**
 * The same for several, by pairs of arguments; and there is a certificate that fits no name already, as once Caddy's
 * unit has started.
 */
const STAGED_ROOTS = [
  'cat "$1" >"$HOME/Caddyfile"',
  "shift",
  'while [ $# -gt 0 ]; do sed -i "s|$1|$2|" "$HOME/Caddyfile"; shift 2; done',
  `sed -i "s|${DENIED}|$HOME/denied|g" "$HOME/Caddyfile"`,
  `${deniedCertificate('"$HOME/denied.key"', '"$HOME/denied.crt"')} 2>"$HOME/openssl" || cat "$HOME/openssl"`,
];

/** Seconds that a check waits; the host layer gives it a minute. */
const PATIENCE = 50;

/**
 * Waits until each https name of the staged Caddyfile, up to a line that `until` finds, leads to one of the proxy's own
 * addresses.
 */
const NAMES_LEAD_HERE = (until: string): string =>
  [
    "caddyfile=$1 end=$(($(date +%s) + $2))",
    "shift 2",
    `for name in $(sed -n "${until}/^https:/{s/[,{]//g;s|https://||g;p;}" "$caddyfile"); do`,
    "\twhile :; do",
    '\t\tfound=$(getent ahosts "$name" | cut -d" " -f1 | sort -u)',
    '\t\tfor address in $found; do for own; do [ "$address" != "$own" ] || continue 4; done; done',
    '\t\t[ "$(date +%s)" -lt "$end" ] || { echo "$name leads to ${found:-nothing}, and not to this proxy at $*"; exit 1; }',
    "\t\tsleep 1",
    "\tdone",
    "done",
  ].join("\n");

/**
 * A proxy that asks before the authority is there, or before the authority can find it, is put off for a minute by
 * Caddy: so it is changed only then.
 */
function waitForAuthority(
  directory: string,
  { listen, publicCertificates }: Pick<ReverseProxyArgs, "listen" | "publicCertificates">,
): CheckArgs[] {
  const until = publicCertificates ? `/^${PUBLIC_SITES}/q;` : "";
  const patience = ["--connect-timeout", "5", "--retry", "99", "--retry-all-errors", "--retry-delay", "1"];
  return [
    {
      command: [
        ...["curl", "--silent", "--show-error", "--fail", "--noproxy", "*", "--output", "/dev/null", ...patience],
        ...["--retry-max-time", `${PATIENCE}`, "--cacert", { staged: PROXY_ROOT }, directory],
      ],
      description: `the authority answers at ${directory}`,
    },
    {
      command: ["sh", "-c", NAMES_LEAD_HERE(until), "check", { staged: CADDYFILE }, `${PATIENCE}`, ...listen],
      description: "the names of the applications lead to this proxy",
    },
  ];
}

/**
 * Asks for a name's certificate with the root as all that is trusted. A first one takes seconds, or a minute more after
 * a failure.
 */
function certificateProbe(hostname: string, address: string): ProbeArgs {
  return { tls: { address, name: hostname, roots: PROXY_ROOT }, timeoutSeconds: 120 };
}

function certificateParts(args: ReverseProxyArgs, { directory, rootCertificate }: ReverseProxyCertificates) {
  return {
    packages: ["curl", "openssl"],
    files: {
      [PROXY_ROOT]: certificateFile(known(rootCertificate, "certificates.rootCertificate", CERTIFICATES)),
    },
    checks: waitForAuthority(directory, args),
    // Certificates that lead to the old root stay in memory until a restart.
    restartOn: [PROXY_ROOT],
  };
}

/** Whether the application is there. It is somebody else's, and may come later: a service is offered all the same. */
function applicationProbe({ hostname, upstream }: ReverseProxySite): ProbeArgs {
  const [, v6, v4, port] = /^(?:\[(.*)\]|(.*)):(\d+)$/.exec(upstream)!;
  const address = (v6 ?? v4)!;
  return {
    // Of a name all addresses are tried.
    ...(address === "localhost"
      ? { command: ["bash", "-c", 'exec 3<>"/dev/tcp/$1/$2"', "probe", address, port!] }
      : { tcp: { address, port: Number(port) } }),
    description: `the application behind ${hostname[0]} listens at ${upstream} (until it does, the name says so)`,
    timeoutSeconds: 3,
    required: false,
  };
}

function isInternal({ authority }: ReverseProxySite): boolean {
  return authority !== "public";
}

/** The placeholder of an application's own address. */
function ownName({ hostname }: ReverseProxySite, position: number): string {
  return placeholderOf(position === 0 ? "address" : `address_${position + 1}`, hostname[0]!);
}

/** What stands for the placeholders. */
function ownValues(sites: readonly ReverseProxySite[]): Record<string, pulumi.Output<string>> {
  const entries = sites.flatMap(({ listen = [] }, site) =>
    listen.map((address, position) => {
      const value = known(address, `sites[${site}].listen[${position}]`, addressRule(6));
      return [ownName(sites[site]!, position), value] as const;
    }),
  );
  return Object.fromEntries(entries);
}

/**
 * What public certificates add; nothing is waited for, and no certificate is asked about: who issues them is not ours.
 */
function publicParts({ rootCertificate }: PublicCertificates): {
  packages: string[];
  files: NonNullable<RoleContent["files"]>;
  reloadOn: string[];
} {
  const packages = ["openssl"];
  // Debian's Caddy does not depend on it, and knows the authority's own certificate by it.
  if (rootCertificate === undefined) return { packages: [...packages, "ca-certificates"], files: {}, reloadOn: [] };
  const certificate = known(rootCertificate, "publicCertificates.rootCertificate", CERTIFICATES);
  return {
    packages,
    files: { [PUBLIC_ROOT]: certificateFile(certificate) },
    reloadOn: [PUBLIC_ROOT],
  };
}

function caddyfile({ certificates, publicCertificates, listen, pages, sites }: ReverseProxyArgs): string {
  return renderCaddyfile({
    sites: sites.map((site) => ({
      hostnames: site.hostname,
      upstream: site.upstream,
      public: !isInternal(site),
      listen: (site.listen ?? []).map((_, position) => `{{${ownName(site, position)}}}`),
    })),
    ...(pages ? { pages } : {}),
    listen,
    ...(certificates ? { certificates } : {}),
    ...(publicCertificates
      ? {
          publicCertificates: {
            directory: publicCertificates.directory,
            ownRoot: publicCertificates.rootCertificate !== undefined,
            ...(publicCertificates.email === undefined ? {} : { email: publicCertificates.email }),
          },
        }
      : {}),
  });
}
/** What reads the file as it will be: a role without public certificates is checked as it was before there were any. */
function validate({ certificates, publicCertificates }: ReverseProxyArgs): CheckArgs {
  const internal = certificates ? [PROXY_ROOT, { staged: PROXY_ROOT }] : [];
  const open = publicCertificates?.rootCertificate === undefined ? [] : [PUBLIC_ROOT, { staged: PUBLIC_ROOT }];
  const words = publicCertificates ? [...internal, ...open] : internal.length > 0 ? internal : [PROXY_ROOT];
  const script = VALIDATE(publicCertificates ? STAGED_ROOTS : STAGED_ROOT);
  return {
    command: ["sh", "-c", script, "validate", { staged: CADDYFILE }, ...words],
    description: "caddy reads its configuration",
  };
}

/**
 * Caddy with one virtual host for each application; another application is a reload. The first one with an address of
 * its own is a restart.
 */
export function proxyRole({ publicCertificates: offered, ...given }: ReverseProxyArgs): RoleContent {
  const { certificates, listen, sites } = given;
  const used = offered && !sites.every(isInternal) ? offered : undefined;
  const args = { ...given, ...(used ? { publicCertificates: used } : {}) };
  const own = ownValues(sites);
  const hasOwn = Object.keys(own).length > 0;
  const more = certificates ? certificateParts(args, certificates) : undefined;
  const open = used ? publicParts(used) : undefined;
  return {
    role: "reverse-proxy",
    packages: [...new Set(["caddy", ...(more?.packages ?? []), ...(open?.packages ?? [])])],
    files: {
      [CADDYFILE]: { content: caddyfile(args), ...(hasOwn ? { values: own } : {}) },
      [CADDY_DROP_IN]: { content: renderCaddyDropIn(hasOwn) },
      ...more?.files,
      ...open?.files,
    },
    // An address that is not there, as of a LAN whose cable is out, keeps the others from nothing, and is answered
    // at as soon as it comes (ip-sysctl, ip_nonlocal_bind).
    sysctls: { "net.ipv4.ip_nonlocal_bind": "1", "net.ipv6.ip_nonlocal_bind": "1" },
    ports: tcpAt(listen, 80, ...(certificates || used ? [443] : [])),
    units: {
      "caddy.service": {
        reloadOn: [CADDYFILE, ...(open?.reloadOn ?? [])],
        ...(more ? { restartOn: more.restartOn } : {}),
      },
    },
    checks: [validate(args), ...(more?.checks ?? [])],
    probes: [
      ...listen.map((address) => ({ http: { address, host: NOBODY, status: 404 } })),
      // Site by site, so that another one shifts none.
      ...sites.flatMap((site) => [
        ...(certificates && isInternal(site) ? site.hostname.map((name) => certificateProbe(name, listen[0]!)) : []),
        applicationProbe(site),
      ]),
    ],
  };
}
