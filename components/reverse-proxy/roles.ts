/** The proxy's role, as desired state. */
import { httpProbe } from "../common/probe";
import type { RoleContent } from "../host-identity/roles";
import type { ReverseProxyArgs } from "./args";
import { CADDY_DROP_IN, CADDYFILE, renderCaddyDropIn, renderCaddyfile } from "./render";

/** A name that nobody has (RFC 6761): the proxy must refuse it. Constant, so that another service changes no probe. */
const NOBODY = "nobody.invalid";

/** Caddy's checker leaves a folder in $HOME; this one is gone with it. */
const VALIDATE = [
  "HOME=$(mktemp -d) || exit 1",
  "export HOME",
  'caddy validate --adapter caddyfile --config "$1"',
  "code=$?",
  'rm -rf "$HOME"',
  "exit $code",
].join("\n");

/** Caddy with one virtual host for each application; another application is a reload. */
export function proxyRole(args: ReverseProxyArgs): RoleContent {
  const content = renderCaddyfile({
    sites: args.sites.map((site) => ({ hostnames: site.hostname, upstream: site.upstream })),
    listen: args.listen,
  });
  return {
    role: "reverse-proxy",
    packages: ["caddy"],
    files: { [CADDYFILE]: { content }, [CADDY_DROP_IN]: { content: renderCaddyDropIn() } },
    units: { "caddy.service": { reloadOn: [CADDYFILE] } },
    checks: [
      {
        command: ["sh", "-c", VALIDATE, "validate", { staged: CADDYFILE }],
        description: "caddy reads its configuration",
      },
    ],
    probes: args.listen.map((address) => httpProbe({ address, hostname: NOBODY, status: 404 })),
  };
}
