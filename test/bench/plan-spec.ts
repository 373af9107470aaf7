/** A plan of a hundred sites: what grows, and how. Pure. */

const MESHED = 30;
const HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOlPOChH+fdh65LGUbJPjLZa+vTbateA9YBgrd+YEzns";

/**
 * Configuration of the stack for so many sites, each with a tunnel to the hub, and a full mesh between the first
 * `meshed` of them.
 */
export function planConfig(sites: number, meshed = Math.min(MESHED, sites)): Record<string, unknown> {
  const name = (index: number) => `site-${index}`;
  const links = Array.from({ length: meshed }, (_, to) =>
    Array.from({ length: to }, (__, from) => ({
      from: name(from),
      to: name(to),
      id: 4095 + (to * (to - 1)) / 2 + from,
      endpoint: { address: `198.51.100.${100 + to}`, port: 20_000 + from },
    })),
  ).flat();
  const places = Array.from({ length: sites }, (_, index) => [
    name(index),
    {
      id: 2 + index,
      // An address on this machine where nothing listens: nobody is asked what stands there.
      host: { address: `10.20.${index}.10`, port: 1, hostKeys: [HOST_KEY] },
      lan: [`10.20.${index}.0/24`],
      router: "static",
    },
  ]);
  return {
    "intranet:domain": "intranet.example",
    "intranet:protect": "false",
    "intranet:space": { v4: "10.0.0.0/10" },
    "intranet:sshPublicKeys": ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGqwwyuGxZDhvm/8WKurybpUFFTctPs4nP6+H/QdB0cY"],
    "intranet:sinkhole": {
      location: "fsn1",
      serverType: "cx23",
      image: "debian-13",
      management: { from: ["198.51.100.130/32"] },
    },
    "intranet:sites": Object.fromEntries(places),
    "intranet:links": links,
    "intranet:dns": { at: [name(0), name(1)], publicName: "signed.example" },
    "intranet:certificateAuthority": { at: name(0) },
    "intranet:devices": { laptop: {}, phone: {} },
    "intranet:services": Object.fromEntries(
      Array.from({ length: Math.min(20, sites) }, (_, index) => [`app-${index}`, { at: name(index), port: 8080 }]),
    ),
  };
}
