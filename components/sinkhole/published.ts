/**
 * The public services as the sinkhole's files name them: by placeholders, for the /64 is not known before it was given.
 */
import * as pulumi from "@pulumi/pulumi";
import { serviceAddress } from "../../model";
import { placeholderOf } from "../common/placeholder";
import type { SinkholeArgs } from "./args";
import type { PublishedAddresses } from "./firewall";

/** TCP ports that are open to everybody anyway. */
export const WEB_PORTS: readonly number[] = [80, 443];

/** What files name, and what stands in for it on the host. */
export interface Published extends PublishedAddresses {
  readonly values: Record<string, pulumi.Output<string>>;
}

/** The services with placeholders for their addresses; undefined where there are none. */
export function publishedOf(args: SinkholeArgs, network: pulumi.Output<string>): Published | undefined {
  const published = args.published ?? [];
  if (published.length === 0) return undefined;
  return {
    network: "{{public_network}}",
    services: published.map(({ name, ports }) => ({ address: `{{${placeholderOf("address", name)}}}`, ports })),
    guestPorts: published.flatMap(({ guestPorts }) => guestPorts).filter((port) => !WEB_PORTS.includes(port)),
    onLink: args.delivery === "on-link",
    values: {
      public_network: network,
      ...Object.fromEntries(
        published.map(({ name, place }) => [
          placeholderOf("address", name),
          network.apply((known) => serviceAddress(known, place)),
        ]),
      ),
    },
  };
}

/**
 * The TCP ports beside 80 and 443 that the cloud's firewall lets everybody through to, for services' own addresses and
 * for guests.
 */
export function publicPorts(published: SinkholeArgs["published"] = []): number[] {
  const ports = published.flatMap((service) => [...service.ports, ...service.guestPorts]);
  return [...new Set(ports)].filter((port) => !WEB_PORTS.includes(port)).sort((a, b) => a - b);
}
