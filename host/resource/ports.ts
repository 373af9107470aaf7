import { formatAddress, parseAddress } from "../../model";
import type { PortArgs } from "../args";

/** A port as it is compared: its address in canonical form. */
export type Port = PortArgs;

/** Address in its shortest form (RFC 5952); undefined for what is none. */
function canonical(address: string): string | undefined {
  const parsed = parseAddress(address);
  return parsed && formatAddress(parsed);
}

/** Whether a text is one address, and not one that stands for all of them. */
export function isListenAddress(value: unknown): boolean {
  const parsed = typeof value === "string" ? parseAddress(value) : undefined;
  return parsed !== undefined && parsed.value !== 0n;
}

/** The ports among arguments that may be unknown or wrong: those that can be compared, in canonical form. */
export function portsOf(value: unknown): Port[] {
  if (!Array.isArray(value)) return [];
  return (value as Partial<PortArgs>[]).flatMap((item) => {
    const { protocol, port, address } = item ?? {};
    if ((protocol !== "tcp" && protocol !== "udp") || typeof port !== "number") return [];
    if (address === undefined) return [{ protocol, port }];
    const one = typeof address === "string" ? canonical(address) : undefined;
    return one === undefined ? [] : [{ protocol, port, address: one }];
  });
}

/** A port in words: `tcp/443`, `udp/53 at 10.0.0.1`. */
export function portName({ protocol, port, address }: Port): string {
  return `${protocol}/${port}${address === undefined ? "" : ` at ${address}`}`;
}

/** Whether two programs could not have both: every address collides with each. */
export function portsMeet(one: Port, other: Port): boolean {
  if (one.protocol !== other.protocol || one.port !== other.port) return false;
  return one.address === undefined || other.address === undefined || one.address === other.address;
}
