/** BIRD's role, as desired state. */
import * as pulumi from "@pulumi/pulumi";
import type { RoleContent } from "../host-identity/roles";
import { addressRule, IPV6_PREFIX, known } from "../common/input";
import { networkValues } from "../common/public-network";
import type { OspfArgs, OspfOwner, PublicOspf } from "./args";
import { checkedSecret } from "./check";
import { KEEP_WAYS, RELEASE_WAYS } from "./local-delay";
import { ASK_NEIGHBOURS, LIVE_STATE, NOTE_NEIGHBOURS } from "./probes";
import { ownerPrefix, type Owner, type Owners } from "./owners";
import { addressName, sourceName, type PublicBird } from "./public";
import { OWNERS_FILE, OWNERS_SCRIPT, renderOwners, renderOwnersScript } from "./watch";
import { BIRD_CONFIG, BIRD_DROP_IN, renderBirdConfig, renderBirdDropIn, secretName } from "./render";

/** See {@link OspfArgs.bfd}. */
const BFD_DEFAULT = { intervalMs: 1000, multiplier: 5 };
/**
 * How long neighbours may take after a change: both ends change in the same `up`, one maybe after other roles of its
 * host.
 */
const NEIGHBOUR_SECONDS = 120;

/** OSPF on a host; a change is a reload, which keeps the neighbours. BIRD's own parser reads the staged file. */
export function ospfRole(args: OspfArgs): RoleContent {
  const owners = args.owners && ownersIn(args.owners, args.public);
  const content = renderBirdConfig({
    routerId: args.routerId,
    identity: args.identity,
    space: args.space,
    announce: args.announce,
    interfaces: args.interfaces.map(({ spare, ...entry }) => ({
      ...entry,
      ...(spare ? { spare: spare.interface } : {}),
    })),
    ...(args.public ? { public: publicBird(args.public) } : {}),
    ...(owners ? { owners } : {}),
    ...(args.bfd === false ? {} : { bfd: { ...BFD_DEFAULT, ...(typeof args.bfd === "object" ? args.bfd : {}) } }),
  });
  const spoken = args.interfaces.flatMap(({ neighbour, spare, ...entry }) =>
    [entry, ...(spare ? [spare] : [])].map(
      (one) => [secretName(one.interface), readable(one.secret, neighbour)] as const,
    ),
  );
  const secrets = Object.fromEntries(spoken);
  const required = args.interfaces.filter((entry) => entry.required ?? true).map((entry) => entry.interface);
  const pairs = args.interfaces
    .flatMap((entry) => (entry.spare ? [`${entry.interface}=${entry.spare.interface}`] : []))
    .join(" ");
  return {
    role: "ospf",
    packages: ["bird2"],
    files: {
      [BIRD_CONFIG]: {
        content,
        secrets,
        ...(args.public ? { values: { ...publicValues(content, args.public), ...ownerValues(args.owners) } } : {}),
        group: "bird",
        mode: "0640",
      },
      [BIRD_DROP_IN]: { content: renderBirdDropIn() },
      ...(owners ? watchFiles(args, owners) : {}),
    },
    units: { "bird.service": { reloadOn: [BIRD_CONFIG] } },
    checks: [
      { command: ["bird", "-p", "-c", { staged: BIRD_CONFIG }], description: "bird reads its configuration" },
      {
        command: ["sh", "-c", NOTE_NEIGHBOURS, "note", { staged: BIRD_CONFIG }, pairs, ...required],
        description: "who is a neighbour before the change",
      },
      {
        command: ["sh", "-c", KEEP_WAYS, "keep", { staged: BIRD_CONFIG }],
        description: "what goes through a tunnel that is to be used less stays there for the moment",
      },
    ],
    probes: [
      {
        command: ["sh", "-c", ASK_NEIGHBOURS, "neighbours", pairs],
        description: "the OSPF neighbours are there",
        timeoutSeconds: NEIGHBOUR_SECONDS,
      },
      { command: ["sh", "-c", RELEASE_WAYS], description: "everybody knows the new ways" },
    ],
    confirm: true,
    live: { "protocols of BIRD": { command: ["sh", "-c", LIVE_STATE] } },
  };
}

function publicBird({ side, addresses = {}, pinned = [] }: PublicOspf): PublicBird {
  return { side, addresses: Object.keys(addresses).map(addressName), pinned: pinned.map(({ table }) => table) };
}

/** The owners as BIRD's configuration says them. The Internet is behind the hub, which alone announces it. */
function ownersIn(owners: Record<string, OspfOwner>, given: PublicOspf | undefined): Owners {
  const entries = Object.entries(owners).map(([host, { routerId, prefixes, ways, services }]): [string, Owner] => [
    host,
    {
      routerId,
      prefixes,
      ways,
      services: services !== undefined && given !== undefined,
      outside: given?.side === "site" && host === given.hub,
    },
  ]);
  const borders = Object.values(owners).flatMap(({ routerId, border }) => (border ? [routerId] : []));
  return { hosts: Object.fromEntries(entries), borders };
}

/** What says who announces another's. */
function watchFiles(args: OspfArgs, owners: Owners): NonNullable<RoleContent["files"]> {
  const { routerId, identity, announce } = args;
  const prefixes = [`${identity.v4}/32`, `${identity.v6}/128`, ...announce];
  const outside = args.public?.side === "hub" ? ["::/0"] : [];
  const own = { host: "this host", routerId, prefixes: [...prefixes, ...outside] };
  const values = args.public ? ownerValues(args.owners) : {};
  return {
    [OWNERS_FILE]: {
      content: renderOwners(own, owners),
      ...(Object.keys(values).length > 0 ? { values } : {}),
    },
    [OWNERS_SCRIPT]: { content: renderOwnersScript(), mode: "0755" },
  };
}

function ownerValues(owners: Record<string, OspfOwner> = {}): Record<string, pulumi.Output<string>> {
  return Object.fromEntries(
    Object.entries(owners).flatMap(([host, { services }]) =>
      services === undefined
        ? []
        : [[ownerPrefix(host), known(services, `owners.${host}.services`, IPV6_PREFIX)] as const],
    ),
  );
}

function publicValues(content: string, given: PublicOspf): Record<string, pulumi.Output<string>> {
  const addresses = Object.entries(given.addresses ?? {}).map(
    ([name, address]) => [addressName(name), known(address, `public.addresses.${name}`, addressRule(6))] as const,
  );
  const sources = (given.pinned ?? []).map(
    ({ table, address }, index) =>
      [sourceName(table), known(address, `public.pinned[${index}].address`, addressRule(6))] as const,
  );
  return {
    ...networkValues(content, given.network, "public.network"),
    ...Object.fromEntries([...addresses, ...sources]),
  };
}

function readable(secret: pulumi.Input<string>, neighbour: string): pulumi.Output<string> {
  return pulumi.secret(pulumi.output(secret).apply((text) => checkedSecret(text, neighbour)));
}
