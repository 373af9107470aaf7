/** A tunnel of real components through which one of its own ends is managed. */
import { HostIdentity, WireGuardLink, type WireGuardEnd } from "pulumi-intranet";
import { type ConnectionArgs, WireGuardKey } from "pulumi-intranet/host";
import { TUNNEL, type TrialTunnel } from "./trial";

const PORT = 51840;
const { space, near, far } = TUNNEL;

/** Both ends' identities and the link. With a wrong key, the server's peer is somebody whom nobody is. */
export function makeTunnel(args: TrialTunnel, home: ConnectionArgs): void {
  const server = args.through ? { ...args.server, address: far.v4, via: home } : args.server;
  const identity = (name: string, own: typeof near, connection: ConnectionArgs) =>
    new HostIdentity(name, { connection, ...own, space, forwarding: "none", firewall: "own" }).ready;
  const common = { host: "home", interface: "wg-trial", routes: routesTo(far), source: near };
  const a: WireGuardEnd = {
    connection: server,
    after: identity("far", far, server),
    host: "server",
    interface: "wg-trial",
    v4: "169.254.9.1",
    v6: "fe80::1",
    listenPort: PORT,
    endpoint: { address: args.server.address, port: PORT },
    routes: routesTo(near),
    source: far,
  };
  const b: WireGuardEnd = {
    ...common,
    connection: home,
    after: identity("near", near, home),
    v4: "169.254.9.2",
    v6: "fe80::2",
  };
  const [keyA, keyB, stranger] = ["a", "b", "stranger"].map(
    (name) => new WireGuardKey(`key-${name}`, { keyVersion: 1 }),
  ) as [WireGuardKey, WireGuardKey, WireGuardKey];
  const shown = args.wrongPeer ? stranger.publicKey : keyB.publicKey;
  const keys = { a: keyA, b: { privateKey: keyB.privateKey, publicKey: shown } };
  new WireGuardLink("way", { a, b, mtu: args.mtu, keys });
}

function routesTo(identity: { v4: string; v6: string }): string[] {
  return [`${identity.v4}/32`, `${identity.v6}/128`];
}
