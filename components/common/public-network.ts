/** The sinkhole's network in files of hosts. */
import * as pulumi from "@pulumi/pulumi";
import { formatPrefix, parsePrefix, sitePrefix } from "../../model";
import { known, NETWORK_64 } from "./input";

/** The placeholder of the network, as the kernel shows it. */
export const PUBLIC_NETWORK = "{{public_network}}";
/** That of its first /80: the sinkhole's own addresses. */
export const SINKHOLE_PREFIX = "{{sinkhole_prefix}}";
/** That of its 64 bits as a number. */
export const NETWORK_BITS = "{{public_network_bits}}";

/** The values of those placeholders that a file has. */
export function networkValues(
  content: string,
  network: pulumi.Input<string>,
  path: string,
): Record<string, pulumi.Output<string>> {
  const prefix = known(network, path, NETWORK_64).apply((text) => parsePrefix(text)!);
  const values = {
    public_network: prefix.apply(formatPrefix),
    sinkhole_prefix: prefix.apply((parsed) => sitePrefix(formatPrefix(parsed), 0)),
    public_network_bits: prefix.apply(({ base }) => `0x${(base >> 64n).toString(16).padStart(16, "0")}`),
  };
  return Object.fromEntries(Object.entries(values).filter(([name]) => content.includes(`{{${name}}}`)));
}
