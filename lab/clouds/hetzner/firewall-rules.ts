import ipaddr from "ipaddr.js";
import { invalidField } from "./errors";
import type { FirewallRuleRecord } from "./model";

/** A rule as a client sends it. */
export interface RuleBody {
  direction: "in" | "out";
  protocol: FirewallRuleRecord["protocol"];
  port?: string | null;
  source_ips?: string[];
  destination_ips?: string[];
  description?: string | null;
}

const ADDRESSES = { type: "array", maxItems: 100, items: { type: "string" } };

/** JSON schema of a list of rules: at most 50, as in the published limits. */
export const FIREWALL_RULES = {
  type: "array",
  maxItems: 50,
  items: {
    type: "object",
    required: ["direction", "protocol"],
    properties: {
      direction: { type: "string", enum: ["in", "out"] },
      protocol: { type: "string", enum: ["tcp", "udp", "icmp", "gre", "esp"] },
      port: { type: ["string", "null"] },
      source_ips: ADDRESSES,
      destination_ips: ADDRESSES,
      description: { type: ["string", "null"], maxLength: 255 },
    },
  },
};

/**
 * Checks rules: tcp and udp need a port (`80`, `80-85`, `any`), others have none; `in` needs sources, `out`
 * destinations; addresses are CIDR prefixes without host bits.
 * @throws ApiError invalid_input that names the rule's index and field
 */
export function parseRules(bodies: RuleBody[]): FirewallRuleRecord[] {
  return bodies.map((body, index) => {
    const field = (name: string): string => `rules[${index}].${name}`;
    const port = parsePort(body, field("port"));
    const sourceIps = parsePrefixes(body.source_ips ?? [], field("source_ips"));
    const destinationIps = parsePrefixes(body.destination_ips ?? [], field("destination_ips"));
    if (body.direction === "in" && sourceIps.length === 0) throw invalidField(field("source_ips"), "is required");
    if (body.direction === "out" && destinationIps.length === 0) {
      throw invalidField(field("destination_ips"), "is required");
    }
    return {
      direction: body.direction,
      protocol: body.protocol,
      ...(port === undefined ? {} : { port }),
      sourceIps,
      destinationIps,
      ...(body.description ? { description: body.description } : {}),
    };
  });
}

/** API form of a rule. */
export function presentRule(rule: FirewallRuleRecord): object {
  return {
    direction: rule.direction,
    protocol: rule.protocol,
    port: rule.port ?? null,
    source_ips: rule.sourceIps,
    destination_ips: rule.destinationIps,
    description: rule.description ?? null,
  };
}

function parsePort(body: RuleBody, field: string): string | undefined {
  const hasPorts = body.protocol === "tcp" || body.protocol === "udp";
  if (!hasPorts) {
    if (body.port) throw invalidField(field, `must not be set for protocol ${body.protocol}`);
    return undefined;
  }
  if (!body.port) throw invalidField(field, `is required for protocol ${body.protocol}`);
  if (body.port === "any") return "any";
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(body.port);
  const [low, high] = [Number(match?.[1]), Number(match?.[2] ?? match?.[1])];
  if (!match || low < 1 || high > 65535 || low > high) {
    throw invalidField(field, `'${body.port}' is no port, range of ports or any`);
  }
  return body.port;
}

function parsePrefixes(texts: string[], field: string): string[] {
  return texts.map((text) => {
    if (!ipaddr.isValidCIDR(text)) throw invalidField(field, `'${text}' is not a CIDR prefix`);
    const [address, length] = ipaddr.parseCIDR(text);
    const network =
      address.kind() === "ipv4" ? ipaddr.IPv4.networkAddressFromCIDR(text) : ipaddr.IPv6.networkAddressFromCIDR(text);
    if (network.toString() !== address.toString()) throw invalidField(field, `'${text}' has host bits set`);
    return `${address.toString()}/${length}`;
  });
}
