/** The proxy's roles, as desired state. */
import type * as pulumi from "@pulumi/pulumi";
import { addressRule, known } from "../common/input";
import { placeholderOf } from "../common/placeholder";
import { tcpAt, tcpEverywhere } from "../common/ports";
import type { PageAddition } from "../denied-page/roles";
import type { RoleContent } from "../host-identity/roles";
import type { SniProxyArgs } from "./args";
import { guestPorts, nginxBesideSnid, nginxGuests, PAGE_PORT, STREAM_PACKAGE, type NamedService } from "./nginx";
import * as snid from "./snid";
import { renderWayBackRules, renderWayBackUnit, WAY_BACK_LIVE, WAY_BACK_RULES, WAY_BACK_UNIT } from "./way-back";

/**
 * The services with placeholders for their addresses, which may not be known in a preview, and the placeholders'
 * values.
 */
interface Named {
  readonly services: readonly NamedService[];
  readonly values: Record<string, pulumi.Input<string>>;
}

function named({ services, domain }: SniProxyArgs): Named {
  const placeholder = (hostname: string): string => placeholderOf("address", hostname.slice(0, -domain.length - 1));
  return {
    services: services.map((service) => ({ ...service, address: `{{${placeholder(service.hostname)}}}` })),
    values: Object.fromEntries(
      services.map(({ hostname, address }, index) => [
        placeholder(hostname),
        known(address, `services[${index}].address`, addressRule(6)),
      ]),
    ),
  };
}

/** Which of the values a file holds. */
function valuesIn(content: string, values: Named["values"]): Named["values"] {
  return Object.fromEntries(Object.entries(values).filter(([name]) => content.includes(`{{${name}}}`)));
}

/** A file with those of the values that it holds. */
function file(content: string, values: Named["values"]): { content: string; values: Named["values"] } {
  return { content, values: valuesIn(content, values) };
}

/** The way back to guests: packet rules, and what delivers marked packets here. */
export function wayBackRole(args: SniProxyArgs): RoleContent {
  const { services, values } = named(args);
  return {
    role: "sni-proxy",
    packages: ["nftables", "iproute2"],
    files: {
      [WAY_BACK_RULES]: file(renderWayBackRules(services, args.engine?.kind ?? "nginx"), values),
      [`/etc/systemd/system/${WAY_BACK_UNIT}`]: { content: renderWayBackUnit() },
    },
    units: { [WAY_BACK_UNIT]: { reloadOn: [WAY_BACK_RULES] } },
    checks: [{ command: ["nft", "-c", "-f", { staged: WAY_BACK_RULES }], description: "nft reads the rules" }],
    confirm: true,
    live: { ...WAY_BACK_LIVE },
  };
}

/** What the page's role is given for guests; undefined where there are none. */
export function guestsPart(args: SniProxyArgs): PageAddition | undefined {
  if (args.services.length === 0) return undefined;
  const { services, values } = named(args);
  const engine = args.engine ?? { kind: "nginx" };
  const others = guestPorts(services).filter((port) => port !== 443);
  if (engine.kind === "nginx") {
    const guests = nginxGuests(services);
    return {
      guests,
      values: valuesIn([...(guests.stream ?? []), ...guests.http].join("\n"), values),
      after: [WAY_BACK_UNIT],
      role: {
        packages: [STREAM_PACKAGE],
        ports: [...tcpEverywhere(...others), ...tcpAt(["127.0.0.1"], PAGE_PORT)],
      },
    };
  }
  const guests = nginxBesideSnid(services);
  const beside = { guests, values: valuesIn(guests.http.join("\n"), values), after: [] };
  if (guestPorts(services).length === 0) return { ...beside, role: {} };
  return { ...beside, role: { ...snidPart(services, values, engine.binary), ports: tcpEverywhere(...others) } };
}

function snidPart(
  services: readonly NamedService[],
  values: Named["values"],
  binary: snid.SnidBinary,
): PageAddition["role"] {
  const unit = `/etc/systemd/system/${snid.SNID_UNIT}`;
  const files = {
    [unit]: file(snid.renderSnidUnit(services, binary), values),
    [snid.SNID_HOSTS]: file(snid.renderSnidHosts(services), values),
    [snid.SNID_NSSWITCH]: { content: snid.renderSnidNsswitch() },
  };
  // Go's resolver reads its hosts' file again only after some seconds, and an address that is gone must not be reached
  // meanwhile.
  const units = { [snid.SNID_UNIT]: { restartOn: [unit, snid.SNID_HOSTS, snid.SNID_NSSWITCH] } };
  const probes = guestPorts(services).map((port) => ({ tcp: { address: "127.0.0.1", port } }));
  if ("path" in binary)
    return {
      files,
      units,
      probes,
      checks: [{ command: ["test", "-f", binary.path, "-a", "-x", binary.path], description: "snid is a program" }],
    };
  const got = `/etc/systemd/system/${snid.SNID_BINARY_UNIT}`;
  return {
    packages: ["curl", "ca-certificates"],
    state: [snid.SNID_STATE],
    probes,
    files: {
      ...files,
      [got]: { content: snid.renderSnidBinaryUnit(binary) },
      [snid.SNID_FETCH]: { content: snid.renderSnidFetch(), mode: "0755" },
    },
    units: {
      [snid.SNID_BINARY_UNIT]: { restartOn: [got, snid.SNID_FETCH] },
      [snid.SNID_UNIT]: { restartOn: [...units[snid.SNID_UNIT]!.restartOn, got] },
    },
  };
}
