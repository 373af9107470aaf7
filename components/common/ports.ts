/** The ports of roles, as they are claimed. */
import type { PortArgs } from "../../host";

/** A TCP port at each of these addresses. */
export function tcpAt(addresses: readonly string[], ...ports: readonly number[]): PortArgs[] {
  return ports.flatMap((port) => addresses.map((address): PortArgs => ({ protocol: "tcp", port, address })));
}

/** TCP ports at every address. */
export function tcpEverywhere(...ports: readonly number[]): PortArgs[] {
  return ports.map((port): PortArgs => ({ protocol: "tcp", port }));
}
