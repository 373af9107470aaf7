/**
 * A program with a sinkhole and one enrolled host of the lab, $TRIAL_HOST, that has a role of its own beside its way
 * in.
 */
import * as pulumi from "@pulumi/pulumi";
import { Enrolment, HostIdentity, Sinkhole, WireGuardLink, type WireGuardEnd } from "pulumi-intranet";
import { HostRole, WireGuardKey } from "pulumi-intranet/host";
import { identityRole } from "../../../components/host-identity/roles";
import { linkRole } from "../../../components/wireguard/roles";
import { KEY_LABELS } from "../../../lab/constants";
import { deriveSshKey } from "../../../lab/keys";

const host = process.env["TRIAL_HOST"]!;
const note = process.env["TRIAL_NOTE"] ?? "first";
const space = { v4: "10.16.0.0/12", v6: "fd12:3456:789a::/48" };
const hubIdentity = { v4: "10.31.255.1", v6: "fd12:3456:789a:ffff::1" };
const identity = { v4: "10.31.255.2", v6: "fd12:3456:789a:ffff::2" };
/** Versions of the SSH host keys, and who may log in. */
const trust = JSON.parse(process.env["TRIAL_TRUST"] ?? "{}") as { hub?: number; host?: number; operators?: string[] };
const sshPublicKeys = trust.operators ?? [deriveSshKey(KEY_LABELS.operator).publicKey];
const [port, mtu] = [51830, 1412];

const sinkhole = new Sinkhole("trial", {
  domain: "intranet.example",
  space,
  identity: hubIdentity,
  sshPublicKeys,
  udpPorts: [port],
  location: "fsn1",
  serverType: "cx23",
  image: "debian-13",
  management: { from: ["198.51.100.130/32", "2001:db8:a::/56"] },
  protect: false,
  serverName: "trial-hub",
  ...(trust.hub === undefined ? {} : { hostKeyVersion: trust.hub }),
});
const hub = { ...sinkhole.host, after: sinkhole.ready };
const keyVersion = Number(process.env["TRIAL_KEYS"] ?? 1);
const keys = { a: new WireGuardKey("key-a", { keyVersion }), b: new WireGuardKey("key-b", { keyVersion }) };
const ends = {
  a: {
    ...hub,
    host: "hub",
    interface: "wg-trial",
    v4: "169.254.7.1",
    v6: "fe80::1",
    listenPort: port,
    endpoint: { address: sinkhole.ipv4, port },
    routes: [`${identity.v4}/32`, `${identity.v6}/128`],
    source: hubIdentity,
  } satisfies WireGuardEnd,
  b: {
    host,
    interface: "wg-hub",
    v4: "169.254.7.2",
    v6: "fe80::2",
    routes: [`${hubIdentity.v4}/32`, `${hubIdentity.v6}/128`],
    source: identity,
  } satisfies Omit<WireGuardEnd, "connection">,
};
const own = { ...identity, space, forwarding: "none" as const };
const tunnel = linkRole(
  { ...ends.b, connection: hub.connection },
  ends.a,
  { mtu },
  {
    privateKey: keys.b.privateKey,
    peerPublicKey: keys.a.publicKey,
  },
);
const enrolment = new Enrolment("trial-host", {
  host,
  hub,
  address: identity.v4,
  sshPublicKeys,
  keyVersion: trust.host ?? keyVersion,
  roles: [identityRole({ ...own, connection: hub.connection }), tunnel],
});
const { whenReady: _later, ...there } = enrolment.managed;
let site: HostIdentity | undefined;
enrolment.whenEnrolled((after) => (site = new HostIdentity("trial-site", { ...own, ...there, after })));
const link = new WireGuardLink("trial-link", {
  a: ends.a,
  b: { ...ends.b, ...enrolment.managed, whenReady: (make) => enrolment.whenEnrolled(() => make(site!.ready)) },
  mtu,
  keys,
});
enrolment.whenEnrolled(() => {
  const files = { "/etc/trial-note": { content: `${note}\n` } };
  new HostRole(
    "trial-note",
    { connection: enrolment.connection, role: "trial-note", files },
    { dependsOn: link.ready },
  );
});

export const enrol = { [host]: enrolment.script };
export const enrolled = enrolment.enrolled;
export const hub4 = sinkhole.ipv4;
export const hostKeys = {
  hub: sinkhole.hostPublicKey,
  host: pulumi.output(enrolment.connection.hostKeys).apply((keys) => keys[0]!),
};
