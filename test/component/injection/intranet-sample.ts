/** A whole intranet's arguments, every field given. */
import * as components from "../../../components";
import { HOST_KEY, site, spec } from "../../unit/model/fixtures";
import type { StepCaSource } from "../../../model";
import type { Sample } from "./sample";

/** A text of a certificate's form. */
export const CERTIFICATE = `-----BEGIN CERTIFICATE-----\n${Buffer.alloc(96, 1).toString("base64")}\n-----END CERTIFICATE-----\n`;

/** The arguments, with a source of the authority's program. */
function intranet(source: StepCaSource): object {
  return {
    ...spec({
      space: { v4: "10.16.0.0/12", v6: "fd00:1:2::/48" },
      pools: { identities: "10.31.240.0/20", devices: "10.31.224.0/20" },
      sinkhole: { ...spec().sinkhole, delivery: "on-link", namePrefix: "home" },
      sites: {
        home: site(0),
        cabin: site(1, { host: { address: "10.20.1.10", port: 22, user: "root", hostKeys: [HOST_KEY] } }),
      },
      devices: { laptop: { keyVersion: 1 } },
      services: { wiki: { at: "home", port: 8080, protocol: "https", audience: "internet", user: "wiki" } },
      links: [{ from: "cabin", to: "home", endpoint: { address: "198.51.100.160", port: 61999 } }],
      dns: {
        at: ["home"],
        forwarders: ["198.51.100.53"],
        rootServers: { "a.root.example": ["198.51.100.54"] },
        trustAnchors: [`. 20326 8 2 ${"E06D44B8".repeat(8)}`],
        publicName: "debian.org",
        extraRecords: [
          { name: "nas", type: "A", data: "10.20.0.7" },
          { name: "note", type: "TXT", data: '"a text"' },
        ],
      },
      certificateAuthority: {
        at: "home",
        source,
        organisation: "The family",
        leafLifetime: "168h",
        renewInterval: "10m",
      },
      publicCertificates: {
        directory: "https://acme.example/dir",
        issuer: "acme.example",
        rootCertificate: CERTIFICATE,
        email: "admin@intranet.example",
      },
    }),
    sshPublicKeys: [HOST_KEY],
    zone: "intranet.example",
    protect: false,
    caa: ["letsencrypt.org"],
    guests: {
      kind: "snid",
      binary: { path: "/usr/local/bin/snid", url: "https://example.net/snid", sha256: "0".repeat(64) },
    },
  };
}

/** The sample. */
export const INTRANET: Sample = {
  type: "IntranetArgs",
  args: () => intranet({ deb: "https://packages.example/step-ca.deb", sha256: "0".repeat(64) }),
  instead: [
    () => intranet("smallstep"),
    () =>
      intranet({
        repository: "https://packages.example/stable",
        key: "https://packages.example/key.gpg",
        fingerprint: "A".repeat(40),
      }),
  ],
  make: (args) => new components.Intranet("sample", args),
  maps: ["sites", "devices", "services", "dns.rootServers"],
};
