/** A device's configuration for any WireGuard client. Pure. */
import { lines } from "../common/text";

/** What a device's configuration says. */
export interface DeviceConfiguration {
  /** The device's name, for the comment. */
  readonly device: string;
  /** Its private key, base64. Secret. */
  readonly privateKey: string;
  /** Its addresses, without length. */
  readonly v4: string;
  readonly v6: string;
  /** The hub: public key, public address and UDP port. */
  readonly hub: { readonly publicKey: string; readonly address: string; readonly port: number };
  /** What is sent into the tunnel; the rest goes as before. */
  readonly allowedPrefixes: readonly string[];
  /** Resolvers to use while the tunnel is up; empty: the device's own. */
  readonly dns: readonly string[];
  readonly mtu: number;
}

/** Seconds between packets that keep the way in open through a NAT (wg(8) calls 25 sensible). */
export const KEEPALIVE_SECONDS = 25;

/**
 * The file, as `wg-quick up` and the apps import it. The endpoint is an address, not a name: a resolver that only
 * answers inside the tunnel must not be needed to build it.
 */
export function renderDeviceConfiguration(config: DeviceConfiguration): string {
  const address = config.hub.address.includes(":") ? `[${config.hub.address}]` : config.hub.address;
  return lines(
    `# ${config.device}`,
    "[Interface]",
    `PrivateKey = ${config.privateKey}`,
    `Address = ${config.v4}/32, ${config.v6}/128`,
    config.dns.length > 0 ? `DNS = ${config.dns.join(", ")}` : [],
    `MTU = ${config.mtu}`,
    "",
    "[Peer]",
    `PublicKey = ${config.hub.publicKey}`,
    `Endpoint = ${address}:${config.hub.port}`,
    `AllowedIPs = ${config.allowedPrefixes.join(", ")}`,
    `PersistentKeepalive = ${KEEPALIVE_SECONDS}`,
  );
}
