/** Descriptions that the model's tests start from. */
import type { IntranetSpec, SiteSpec } from "../../../model";

/** A host key of the right form that belongs to nobody: 32 zero bytes. */
export const HOST_KEY = `ssh-ed25519 ${Buffer.concat([Buffer.from([0, 0, 0, 11]), Buffer.from("ssh-ed25519"), Buffer.from([0, 0, 0, 32]), Buffer.alloc(32)]).toString("base64")}`;

/** A site with that LAN, whose host is the tenth address. */
export function site(third: number, more: Partial<SiteSpec> = {}): SiteSpec {
  return {
    host: { address: `10.20.${third}.10`, hostKeys: [HOST_KEY] },
    lan: [`10.20.${third}.0/24`],
    router: "host-only",
    ...more,
  };
}

/** A small intranet without a mistake. */
export function spec(more: Partial<IntranetSpec> = {}): IntranetSpec {
  return {
    domain: "intranet.example",
    space: { v4: "10.16.0.0/12" },
    sinkhole: { location: "fsn1", serverType: "cx23", image: "debian-13", management: { from: ["198.51.100.7/32"] } },
    sites: { home: site(0) },
    devices: { laptop: {} },
    services: { nextcloud: { at: "home", port: 8080 } },
    dns: { at: ["home"] },
    certificateAuthority: { at: "home" },
    ...more,
  };
}
