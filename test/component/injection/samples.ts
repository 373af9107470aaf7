/** For every component, arguments that use each field once: what the injection tests replace texts in. */
import * as components from "../../../components";
import * as host from "../../../host";
import { HOST_KEY } from "../../unit/model/fixtures";
import { CERTIFICATE, INTRANET } from "./intranet-sample";
import type { Sample } from "./sample";

const PUBLIC_KEY = Buffer.alloc(32, 1).toString("base64");

const connection = (): host.ConnectionArgs => ({
  address: "10.20.0.10",
  port: 22,
  user: "root",
  hostKeys: [HOST_KEY],
  name: "home",
  identityFile: "/root/.ssh/id_ed25519",
  operatorKeys: [HOST_KEY],
  via: { address: "198.51.100.1", hostKeys: [HOST_KEY] },
});
const managed = (): { connection: host.ConnectionArgs; machine: string } => ({
  connection: connection(),
  machine: "42",
});
const space = { v4: "10.16.0.0/12", v6: "fd00:1:2::/48" };
const identity = { v4: "10.31.240.2", v6: "fd00:1:2:ffff::2" };

const end = (name: string, last: number): object => ({
  ...managed(),
  host: name,
  interface: `wg-${name}`,
  other: `wg-${name}-b`,
  v4: `169.254.1.${last}`,
  v6: `fe80::${last}`,
  listenPort: 61000 + last,
  endpoint: { address: "198.51.100.1", port: 61000 + last },
  routes: ["10.20.0.10/32"],
  source: identity,
});

/** One of each kind. */
const probes = (description: string): host.ProbeArgs[] => {
  const [address, name, roots] = ["192.0.2.7", "wiki.example", "/etc/trial/root.pem"];
  const web = { address, host: name, path: "/health", status: 200 };
  return [
    { command: ["true", "more"], description },
    { http: web },
    { https: { ...web, roots } },
    { tls: { address, name, roots } },
    { tcp: { address, port: 25 } },
  ];
};

const role = (): host.RoleContent => ({
  role: "trial",
  packages: ["bird2", "step-ca", "step-cli"],
  packageSources: {
    "step-ca": {
      name: "the vendor",
      uri: "https://packages.example/stable",
      suite: "debs",
      components: ["main"],
      key: "https://packages.example/key.gpg",
      fingerprint: "543C873A32E1EAD9CD9D80C01EE80F5A44050FE9",
      packages: ["step-ca", "step-cli"],
    },
    "step-cli": { deb: "https://packages.example/step-cli.deb", sha256: "0".repeat(64) },
  },
  directories: { "/etc/trial": { owner: "root", group: "root", mode: "0755" } },
  files: {
    "/etc/trial/app.conf": {
      content: "key {{key}} value {{value}}",
      secrets: { key: "secret" },
      values: { value: "plain" },
      owner: "root",
      group: "root",
      mode: "0600",
    },
  },
  links: { "/etc/trial/link": "app.conf" },
  absent: ["/etc/trial/old"],
  state: ["/var/lib/trial"],
  sysctls: { "net.ipv4.ip_forward": "1" },
  users: { trial: { system: true, home: "/srv/trial", shell: "/bin/sh", groups: ["adm"] } },
  units: {
    "trial.service": { reloadOn: ["/etc/trial/app.conf"], restartOn: ["/etc/trial/app.conf"], state: "started" },
  },
  checks: [{ command: ["cat", { staged: "/etc/trial/app.conf" }, "more"], description: "it is read" }],
  probes: probes("it works"),
  ports: [{ protocol: "tcp", port: 8080, address: "10.31.240.2" }],
  lastWay: { interface: "wg-home", unless: "10.31.240.1" },
  installsHostKey: { first: [HOST_KEY] },
  confirm: true,
  beforeDelete: probes("another is there"),
  live: { "what it is": { command: ["cat", "/etc/trial/app.conf"] } },
});

/** What of a role is a map with the user's own keys. */
const ROLE_MAPS = [
  "packageSources",
  "directories",
  "files",
  "links",
  "sysctls",
  "users",
  "units",
  "live",
  "files./etc/trial/app.conf.secrets",
  "files./etc/trial/app.conf.values",
];

/** All of them. */
export const SAMPLES: readonly Sample[] = [
  {
    type: "HostRoleArgs",
    args: () => ({ ...role(), connection: connection(), machine: "42" }),
    make: (args) => new host.HostRole("sample", args),
    maps: ROLE_MAPS,
  },
  {
    type: "SinkholeArgs",
    args: () => ({
      location: "fsn1",
      serverType: "cx23",
      image: "debian-13",
      management: { from: ["198.51.100.7/32"] },
      domain: "intranet.example",
      space,
      identity,
      sshPublicKeys: [HOST_KEY],
      udpPorts: [51820],
      deviceInterface: "wg-devices",
      webServer: "denied",
      published: [{ name: "wiki", place: { site: 2, service: 1 }, ports: [80, 443], guestPorts: [443] }],
      delivery: "on-link",
      jumpTo: ["10.31.240.2:2222"],
      protect: false,
      labels: { owner: "me" },
      serverName: "vps",
      namePrefix: "home",
    }),
    make: (args) => new components.Sinkhole("sample", args),
    maps: ["labels"],
  },
  {
    type: "PublicDnsArgs",
    args: () => ({
      zone: "example.net",
      domain: "intranet.example.net",
      ipv4: "198.51.100.1",
      ipv6: "2001:db8::1",
      services: [{ name: "blog.intranet.example.net", ipv6: "2001:db8::1:0:0:7" }],
      issuer: "letsencrypt.org",
      caa: ["letsencrypt.org"],
      apex: true,
      ttl: 300,
    }),
    make: (args) => new components.PublicDns("sample", args),
  },
  {
    type: "ReverseDnsArgs",
    args: () => ({
      primaryIpId: 42,
      names: [{ name: "blog", hostname: "blog.intranet.example", address: "2001:db8::1:0:0:7" }],
    }),
    make: (args) => new components.ReverseDns("sample", args),
  },
  {
    type: "HostIdentityArgs",
    args: () => ({
      ...managed(),
      ...identity,
      space,
      forwarding: "lan",
      firewall: "tunnels",
      unusedPrefixes: ["2001:db8:1::/64"],
      publicNetwork: "2001:db8:1::/64",
      answers: { tcp: [443], udp: [53], management: { port: 22, from: ["10.31.224.0/20"] } },
      role: "intranet",
    }),
    make: (args) => new components.HostIdentity("sample", args),
  },
  {
    type: "WireGuardLinkArgs",
    args: () => ({ a: end("home", 1), b: end("cabin", 2), mtu: 1420, keyVersion: 1 }),
    make: (args) => new components.WireGuardLink("sample", args),
  },
  {
    type: "DeviceHubArgs",
    args: () => ({
      ...managed(),
      interface: "wg-devices",
      listenPort: 51820,
      address: { v4: "10.31.224.1", v6: "fd00:1:2:fffe::1" },
      pool: { v4: "10.31.224.0/20", v6: "fd00:1:2:fffe::/64" },
      key: new host.WireGuardKey("hub-key", {}),
      devices: [{ name: "laptop", publicKey: PUBLIC_KEY, v4: "10.31.224.2", v6: "fd00:1:2:fffe::2" }],
      mtu: 1280,
    }),
    make: (args) => new components.DeviceHub("sample", args),
  },
  {
    type: "RoadWarriorArgs",
    args: () => ({
      device: "laptop",
      v4: "10.31.224.2",
      v6: "fd00:1:2:fffe::2",
      hub: { publicKey: PUBLIC_KEY, address: "198.51.100.1", port: 51820 },
      allowedPrefixes: [space.v4],
      dns: ["10.31.240.1"],
      mtu: 1280,
      keyVersion: 1,
    }),
    make: (args) => new components.RoadWarrior("sample", args),
  },
  {
    type: "OspfArgs",
    maps: ["public.addresses", "owners"],
    args: () => ({
      ...managed(),
      routerId: identity.v4,
      identity,
      space,
      announce: ["10.20.0.0/24"],
      interfaces: [
        {
          interface: "wg-vps",
          area: 0,
          cost: 10,
          neighbour: "vps",
          secret: "sixteen letters!",
          required: true,
          spare: { interface: "wg-vps-b", secret: "sixteen letters!" },
        },
      ],
      bfd: { intervalMs: 300, multiplier: 5 },
      owners: {
        vps: {
          routerId: "10.31.240.1",
          prefixes: ["10.31.240.1/32", "10.31.224.0/20"],
          ways: ["wg-vps", "wg-vps-b"],
          border: true,
          services: "2001:db8:1:0:9::/80",
        },
      },
      public: {
        network: "2001:db8:1::/64",
        side: "site",
        hub: "vps",
        addresses: { wiki: "2001:db8:1:0:1::5" },
        pinned: [{ table: 65541, address: "2001:db8:1:0:1::5" }],
      },
    }),
    make: (args) => new components.Ospf("sample", args),
  },
  {
    type: "PolicyRouteArgs",
    args: () => ({ ...managed(), network: "2001:db8:1::/64", pinned: [{ user: "wiki", table: 65541 }] }),
    make: (args) => new components.PolicyRoute("sample", args),
  },
  {
    type: "SitePrefixArgs",
    args: () => ({
      ...managed(),
      space,
      services: [{ name: "wiki", address: "2001:db8:1:0:1::5", ports: [80, 443] }],
    }),
    make: (args) => new components.SitePrefix("sample", args),
  },
  {
    type: "EnrolmentArgs",
    args: () => ({
      host: "cabin",
      hub: managed(),
      address: identity.v4,
      port: 2222,
      sshPublicKeys: [HOST_KEY],
      roles: [role()],
      keyVersion: 1,
    }),
    make: (args) => new components.Enrolment("sample", args),
    maps: ROLE_MAPS.map((map) => `roles[].${map}`),
  },
  {
    type: "InternalDnsArgs",
    args: () => ({
      domain: "intranet.example",
      space,
      servers: [
        { ...managed(), name: "home", identity, listen: [identity.v4, identity.v6] },
        {
          connection: { ...connection(), address: "10.20.1.10" },
          name: "cabin",
          identity: { v4: "10.31.240.3", v6: "fd00:1:2:ffff::3" },
          listen: ["10.31.240.3", "fd00:1:2:ffff::3"],
        },
      ],
      records: [
        { name: "nas", type: "A", ttl: 300, data: "10.20.0.7" },
        { name: "note", type: "TXT", data: '"a text"' },
      ],
      reverse: [{ address: "10.20.0.7", name: "nas.intranet.example" }],
      forwarders: ["198.51.100.53"],
      rootServers: { "a.root.example": ["198.51.100.54"] },
      trustAnchors: [`. 20326 8 2 ${"E06D44B8".repeat(8)}`],
      publicName: "debian.org",
      keyVersion: 1,
    }),
    make: (args) => new components.InternalDns("sample", args),
    maps: ["rootServers"],
  },
  {
    type: "ResolverArgs",
    args: () => ({
      ...managed(),
      servers: [identity.v4],
      domain: "intranet.example",
      doctor: "#!/bin/sh\n",
      through: "resolv.conf",
    }),
    make: (args) => new components.Resolver("sample", args),
  },
  {
    type: "CertificateAuthorityArgs",
    args: () => ({
      ...managed(),
      domain: "intranet.example",
      organisation: "The family",
      source: {
        repository: "https://packages.example/stable",
        key: "https://packages.example/key.gpg",
        fingerprint: "543C873A32E1EAD9CD9D80C01EE80F5A44050FE9",
      },
      identity,
      hostname: "ca.intranet.example",
      port: 9000,
      crlPort: 9001,
      leafLifetime: "168h",
      subdomains: ["apps.intranet.example"],
      rootVersion: 1,
      rootLifetimeDays: 3650,
      intermediateVersion: 1,
      intermediateLifetimeDays: 1095,
    }),
    instead: ["smallstep" as const, { deb: "https://packages.example/step-ca.deb", sha256: "0".repeat(64) }].map(
      (source) => () => ({ ...managed(), domain: "intranet.example", identity, source }),
    ),
    make: (args) => new components.CertificateAuthority("sample", args),
  },
  {
    type: "TrustAnchorArgs",
    args: () => ({ ...managed(), rootCertificate: CERTIFICATE }),
    make: (args) => new components.TrustAnchor("sample", args),
  },
  {
    type: "ReverseProxyArgs",
    args: () => ({
      ...managed(),
      sites: [
        {
          hostname: ["wiki.intranet.example"],
          upstream: "127.0.0.1:8080",
          authority: "public",
          listen: ["2001:db8::1:0:0:7"],
        },
      ],
      listen: [identity.v4],
      certificates: {
        directory: "https://ca.intranet.example:9000/acme/acme/directory",
        rootCertificate: CERTIFICATE,
        renewInterval: "10m",
      },
      publicCertificates: {
        directory: "https://acme-v02.api.letsencrypt.org/directory",
        rootCertificate: CERTIFICATE,
        email: "admin@example.net",
      },
      pages: [{ hostname: "ca.intranet.example", folder: "/srv/page" }],
    }),
    make: (args) => new components.ReverseProxy("sample", args),
  },
  {
    type: "SniProxyArgs",
    args: () => ({
      ...managed(),
      domain: "intranet.example",
      services: [{ hostname: "wiki.intranet.example", address: "2001:db8:1:0:2::1", ports: [443], web: true }],
      engine: {
        kind: "snid",
        binary: { path: "/usr/local/bin/snid", url: "https://example.net/snid", sha256: "0".repeat(64) },
      },
    }),
    make: (args) => new components.SniProxy("sample", args),
  },
  INTRANET,
];
