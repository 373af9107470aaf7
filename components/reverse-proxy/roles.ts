/** The proxy's role, as desired state. */
import { tcpAt } from "../common/ports";
import { httpProbe } from "../common/probe";
import type { CheckArgs, ProbeArgs } from "../../host";
import { CERTIFICATES, known } from "../common/input";
import type { RoleContent } from "../host-identity/roles";
import type { ReverseProxyArgs, ReverseProxyCertificates } from "./args";
import { CADDY_DROP_IN, CADDYFILE, PROXY_ROOT, renderCaddyDropIn, renderCaddyfile } from "./render";

/** A name that nobody has (RFC 6761): the proxy must refuse it. Constant, so that another service changes no probe. */
const NOBODY = "nobody.invalid";

/** Caddy's checker leaves a folder in $HOME; this one is gone with it. A root that the file names is read where it is staged. */
const VALIDATE = [
  "HOME=$(mktemp -d) || exit 1",
  "export HOME",
  'sed "s|$2|${3-}|" "$1" >"$HOME/Caddyfile"',
  'caddy validate --adapter caddyfile --config "$HOME/Caddyfile"',
  "code=$?",
  'rm -rf "$HOME"',
  "exit $code",
].join("\n");

/** Seconds that a check waits; the host layer gives it a minute. */
const PATIENCE = 50;

/** Waits until each https name of the staged Caddyfile leads to one of the proxy's own addresses. */
const NAMES_LEAD_HERE = [
  "caddyfile=$1 end=$(($(date +%s) + $2))",
  "shift 2",
  'for name in $(sed -n "/^https:/{s/[,{]//g;s|https://||g;p;}" "$caddyfile"); do',
  "\twhile :; do",
  '\t\tfound=$(getent ahosts "$name" | cut -d" " -f1 | sort -u)',
  '\t\tfor address in $found; do for own; do [ "$address" != "$own" ] || continue 4; done; done',
  '\t\t[ "$(date +%s)" -lt "$end" ] || { echo "$name leads to ${found:-nothing}, and not to this proxy at $*"; exit 1; }',
  "\t\tsleep 1",
  "\tdone",
  "done",
].join("\n");

/**
 * A proxy that asks before the authority is there, or before the authority can find it, is put off for a minute by Caddy: so it is
 * changed only then.
 */
function waitForAuthority(directory: string, listen: readonly string[]): CheckArgs[] {
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
      command: ["sh", "-c", NAMES_LEAD_HERE, "check", { staged: CADDYFILE }, `${PATIENCE}`, ...listen],
      description: "the names of the applications lead to this proxy",
    },
  ];
}

/** Asks for a name's certificate with the root as all that is trusted. A first one takes seconds, or a minute more after a failure. */
function certificateProbe(hostname: string, address: string): ProbeArgs {
  const at = address.includes(":") ? `[${address}]` : address;
  return {
    command: [
      ...["openssl", "s_client", "-brief", "-connect", `${at}:443`, "-servername", hostname, "-CAfile", PROXY_ROOT],
      ...["-no-CApath", "-no-CAstore", "-verify_return_error", "-verify_hostname", hostname],
    ],
    description: `${hostname} has its certificate`,
    timeoutSeconds: 120,
  };
}

function certificateParts(args: ReverseProxyArgs, { directory, rootCertificate }: ReverseProxyCertificates) {
  return {
    packages: ["curl", "openssl"],
    files: {
      [PROXY_ROOT]: {
        content: "{{certificate}}",
        values: { certificate: known(rootCertificate, "certificates.rootCertificate", CERTIFICATES) },
      },
    },
    checks: waitForAuthority(directory, args.listen),
    probes: args.sites.flatMap(({ hostname }) => hostname.map((name) => certificateProbe(name, args.listen[0]!))),
    // Certificates that lead to the old root stay in memory until a restart.
    restartOn: [PROXY_ROOT],
  };
}

/** Caddy with one virtual host for each application; another application is a reload. */
export function proxyRole(args: ReverseProxyArgs): RoleContent {
  const { certificates, listen, pages, sites } = args;
  const content = renderCaddyfile({
    sites: sites.map((site) => ({ hostnames: site.hostname, upstream: site.upstream })),
    ...(pages ? { pages } : {}),
    listen,
    ...(certificates ? { certificates } : {}),
  });
  const more = certificates ? certificateParts(args, certificates) : undefined;
  return {
    role: "reverse-proxy",
    packages: ["caddy", ...(more?.packages ?? [])],
    files: { [CADDYFILE]: { content }, [CADDY_DROP_IN]: { content: renderCaddyDropIn() }, ...more?.files },
    ports: tcpAt(listen, 80, ...(certificates ? [443] : [])),
    units: { "caddy.service": { reloadOn: [CADDYFILE], ...(more ? { restartOn: more.restartOn } : {}) } },
    checks: [
      {
        command: [
          ...["sh", "-c", VALIDATE, "validate", { staged: CADDYFILE }, PROXY_ROOT],
          ...(more ? [{ staged: PROXY_ROOT }] : []),
        ],
        description: "caddy reads its configuration",
      },
      ...(more?.checks ?? []),
    ],
    probes: [
      ...listen.map((address) => httpProbe({ address, hostname: NOBODY, status: 404 })),
      ...(more?.probes ?? []),
    ],
  };
}
