/** The kernel settings of a host that forwards between tunnels. Pure. */

/**
 * Forwarding on for both families. Reverse-path filtering strict (RFC 3704): what claims a source must come from where
 * the answer would go; a link's interface loosens it for itself, since ways there and back may differ. No redirects,
 * sent or followed: the tunnels are point to point. No source routes.
 */
export const HUB_SYSCTLS: Readonly<Record<string, string>> = {
  "net.ipv4.ip_forward": "1",
  "net.ipv6.conf.all.forwarding": "1",
  "net.ipv6.conf.default.accept_ra": "0",
  "net.ipv4.conf.all.rp_filter": "1",
  "net.ipv4.conf.all.accept_redirects": "0",
  "net.ipv4.conf.default.accept_redirects": "0",
  "net.ipv6.conf.all.accept_redirects": "0",
  "net.ipv6.conf.default.accept_redirects": "0",
  "net.ipv4.conf.all.send_redirects": "0",
  "net.ipv4.conf.default.send_redirects": "0",
  "net.ipv4.conf.all.accept_source_route": "0",
  "net.ipv4.conf.default.accept_source_route": "0",
};

/**
 * A site's host that forwards. An interface that comes later hears no router advertisements unless who manages it says
 * so: a tunnel could hand the host a default route. What its uplink needs the uplink's own rule sets (uplink.ts). No
 * redirects are followed, as a router does it (RFC 1812, 5.2.7.2; the kernel takes none while `all` is 0 on a host that
 * forwards), and later interfaces send none; each tunnel sets that for itself.
 */
export const SITE_SYSCTLS: Readonly<Record<string, string>> = {
  "net.ipv4.ip_forward": "1",
  "net.ipv6.conf.all.forwarding": "1",
  "net.ipv6.conf.default.accept_ra": "0",
  "net.ipv4.conf.all.accept_redirects": "0",
  "net.ipv4.conf.all.send_redirects": "0",
  "net.ipv4.conf.default.send_redirects": "0",
};
