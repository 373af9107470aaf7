/** The roles of tunnels' ends, as desired state. */
import { familyOf } from "../common/text";
import * as pulumi from "@pulumi/pulumi";
import { ENDPOINT, known, WIREGUARD_PUBLIC_KEY } from "../common/input";
import type { RoleContent } from "../host-identity/roles";
import { MIN_TUNNEL_MTU } from "../../model";
import type { DeviceHubArgs, WireGuardEnd } from "./args";
import * as render from "./render";
import { TAKEN_OVER } from "./take-over";

/** Seconds between the packets by which an end behind NAT stays reachable (wg(8): 25 is sensible). */
const KEEPALIVE_SECONDS = 25;

/**
 * The metric of a link's own routes: above a routing daemon's (BIRD's is 32) and the kernel's, below the unreachable
 * space.
 */
const BOOTSTRAP_METRIC = 4000;

/** How long the other tunnel may take to become a neighbour's, and the better one at both ends. */
const TAKE_OVER_SECONDS = 90;

/** What an interface of any kind consists of. */
interface InterfaceParts {
  readonly name: string;
  readonly config: string;
  readonly values: Record<string, pulumi.Input<string>>;
  readonly privateKey: pulumi.Input<string>;
  readonly script: string;
  readonly listenPort?: number;
}

/**
 * A change of a peer, a port, a route or an address is a reload (`wg syncconf`, then the script): sessions stay up.
 * wg-quick's own parser reads the staged file; its output, which holds the key, goes nowhere.
 */
function interfaceRole(parts: InterfaceParts): RoleContent {
  const { name } = parts;
  const [config, script, dropIn] = [render.configPath(name), render.scriptPath(name), render.dropInPath(name)];
  return {
    role: `tunnel-${name}`,
    packages: ["wireguard-tools", "iproute2"],
    files: {
      [config]: {
        content: parts.config,
        values: parts.values,
        secrets: { private_key: parts.privateKey },
        mode: "0600",
      },
      [script]: { content: parts.script },
      [dropIn]: { content: render.renderDropIn(name) },
    },
    units: { [render.unitName(name)]: { reloadOn: [config, script] } },
    ...(parts.listenPort === undefined ? {} : { ports: [{ protocol: "udp", port: parts.listenPort }] }),
    checks: [
      {
        command: ["sh", "-c", 'wg-quick strip "$1" >/dev/null', "strip", { staged: config }],
        description: "wg-quick reads the configuration",
      },
      { command: ["sh", "-n", { staged: script }], description: "the shell reads the script" },
    ],
    confirm: true,
    live: render.liveState(name, parts.listenPort !== undefined),
  };
}

/** One end of a link; `peer` is the other one. The dialling end proves at last that the two have shaken hands. */
export function linkRole(
  end: WireGuardEnd,
  peer: WireGuardEnd,
  link: { mtu: number; metric?: number },
  keys: { privateKey: pulumi.Input<string>; peerPublicKey: pulumi.Input<string> },
): RoleContent {
  const { mtu, metric = BOOTSTRAP_METRIC } = link;
  const endpoint = peer.endpoint;
  const config = render.renderInterface({
    interface: end.interface,
    ...(end.listenPort === undefined ? {} : { listenPort: end.listenPort }),
    mtu,
    peers: [
      {
        name: peer.host,
        publicKey: "{{peer_public_key}}",
        allowedIps: ["0.0.0.0/0", "::/0"],
        ...(endpoint ? { endpoint: `{{endpoint}}:${endpoint.port}` } : {}),
        ...(endpoint && !end.endpoint ? { keepalive: KEEPALIVE_SECONDS } : {}),
      },
    ],
  });
  const script = render.renderScript({
    interface: end.interface,
    mtu,
    addresses: [{ local: end.v4, peer: peer.v4 }, { address: `${end.v6}/64` }],
    routes: end.routes,
    metric,
    source: end.source,
    asymmetric: true,
  });
  const values = {
    peer_public_key: keys.peerPublicKey,
    ...(endpoint ? { endpoint: bracketed(known(endpoint.address, "endpoint.address", ENDPOINT)) } : {}),
  };
  const listen = end.listenPort === undefined ? {} : { listenPort: end.listenPort };
  const content = interfaceRole({
    name: end.interface,
    config,
    values,
    privateKey: keys.privateKey,
    script,
    ...listen,
  });
  return {
    ...content,
    ...(endpoint ? { probes: [handshake(end.interface, peer.host)] } : {}),
    ...(end.other === undefined ? {} : { beforeDelete: [takenOver(end.other, peer.host)] }),
  };
}

/** Whether the other tunnel, where there is one, carries what this one did. */
function takenOver(other: string, peer: string): NonNullable<RoleContent["beforeDelete"]>[number] {
  return {
    command: ["sh", "-c", TAKEN_OVER, "probe", other],
    description: `the tunnel ${other} to ${peer} has taken over`,
    timeoutSeconds: TAKE_OVER_SECONDS,
  };
}

function bracketed(address: pulumi.Input<string>): pulumi.Output<string> {
  return pulumi.output(address).apply((text) => (familyOf(text) === 6 ? `[${text}]` : text));
}

/** Whether a first handshake has taken place; the keepalive makes one within seconds. */
function handshake(interfaceName: string, peer: string): NonNullable<RoleContent["probes"]>[number] {
  const script =
    'set -- $(wg show "$1" latest-handshakes); [ "${2:-0}" -gt 0 ] || { echo "no handshake yet"; exit 1; }';
  return {
    command: ["bash", "-c", script, "probe", interfaceName],
    description: `the tunnel to ${peer} stands`,
    timeoutSeconds: 30,
  };
}

/** The interface that devices come in by: each is taken by its own two addresses and no other. */
export function deviceHubRole(args: DeviceHubArgs): RoleContent {
  const mtu = args.mtu ?? MIN_TUNNEL_MTU;
  const devices = [...args.devices].sort((a, b) => (a.name < b.name ? -1 : 1));
  const placeholder = (name: string): string => `public_key_of_${name.replaceAll("-", "_")}`;
  const config = render.renderInterface({
    interface: args.interface,
    listenPort: args.listenPort,
    mtu,
    peers: devices.map((device) => ({
      name: device.name,
      publicKey: `{{${placeholder(device.name)}}}`,
      allowedIps: [`${device.v4}/32`, `${device.v6}/128`],
    })),
  });
  const script = render.renderScript({
    interface: args.interface,
    mtu,
    addresses: [{ address: `${args.address.v4}/32` }, { address: `${args.address.v6}/128` }],
    routes: [args.pool.v4, args.pool.v6],
    source: args.address,
    asymmetric: false,
  });
  const values = Object.fromEntries(
    devices.map((device) => [placeholder(device.name), known(device.publicKey, "publicKey", WIREGUARD_PUBLIC_KEY)]),
  );
  const { interface: name, listenPort } = args;
  return interfaceRole({ name, config, values, privateKey: args.key.privateKey, script, listenPort });
}
