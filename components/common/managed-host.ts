/** A host whose roles a component manages: the way to it, and what its roles live and die with. */
import * as pulumi from "@pulumi/pulumi";
import type { ConnectionArgs, HostRoleArgs } from "../../host";

/** The way to a managed host. */
export interface ManagedHost {
  /** How the host is reached over SSH. */
  connection: pulumi.Input<ConnectionArgs>;
  /**
   * What identifies the machine behind the address, such as a cloud server's id: when it changes the roles are made
   * anew there.
   */
  machine?: pulumi.Input<string | undefined>;
  /** The cloud server that the host is: when it is deleted its roles go with it and are not taken back one by one. */
  deletedWith?: pulumi.Resource;
  /**
   * What its roles wait for, and are deleted before: the host's first boot and its identity, or the other end of a
   * tunnel.
   */
  after?: pulumi.Resource[];
  /**
   * For a host that may not be there yet, since somebody has to run a script on it first: calls `make` once it is, with
   * what its roles wait for beside `after`. Absent: the host is there, and roles are made at once.
   */
  whenReady?: (make: (after: pulumi.Resource[]) => void) => void;
  /** Whether such a host is there, as far as this run knows. Absent: it is. */
  there?: Promise<boolean>;
  /**
   * What its roles wait for without depending on it, such as roles on other hosts: who forgets such a host, with all
   * that depends on it, forgets nothing of this one. Default: nothing.
   */
  order?: Promise<unknown>;
  /**
   * The host is reached through its own tunnel: the roles that hold the way to it go last, and by themselves (see
   * HostRoleArgs.lastWay).
   */
  lastWay?: boolean;
}

/** Makes roles on a host, now or as soon as it is there; `make` gets all that they wait for. */
export function whenReady(host: ManagedHost, make: (after: pulumi.Resource[]) => void): void {
  const before = host.after ?? [];
  if (host.whenReady) host.whenReady((after) => make([...before, ...after]));
  else make(before);
}

/** The same host, but there only once another one is there too. */
export function behind(first: ManagedHost, host: ManagedHost): ManagedHost {
  if (!first.whenReady || first === host) return host;
  const whenBoth: ManagedHost["whenReady"] = (make) => whenReady(first, () => whenReady({ ...host, after: [] }, make));
  return { ...host, whenReady: whenBoth, there: areThere(first, host) };
}

/**
 * Whether all of them are there, as far as this run knows: in a preview, one that is seen for the first time is not.
 */
export async function areThere(...hosts: readonly ManagedHost[]): Promise<boolean> {
  return (await Promise.all(hosts.map(({ there }) => there ?? true))).every(Boolean);
}

/**
 * The same host a step further on: `make` is called once, when the host is there, and what is made on the returned one
 * waits for what `make` returns.
 */
export function step(host: ManagedHost, make: (host: ManagedHost) => readonly pulumi.Resource[]): ManagedHost {
  const { whenReady: later, after = [], ...rest } = host;
  if (!later) return { ...rest, after: [...after, ...make({ ...rest, after })] };
  let made: readonly pulumi.Resource[] | undefined;
  const whenReady: NonNullable<ManagedHost["whenReady"]> = (use) =>
    later((more) => {
      made ??= make({ ...rest, after: [...after, ...more] });
      use([...more, ...made]);
    });
  whenReady(() => undefined); // made even if nothing follows
  return { ...rest, after, whenReady };
}

/** The options of a role on a host: child of a component, after what it needs, gone with its server. */
export function roleOptions(
  parent: pulumi.Resource,
  host: ManagedHost,
  dependsOn: pulumi.Resource[] = [],
): pulumi.CustomResourceOptions {
  const all = [...(host.after ?? []), ...dependsOn];
  return {
    parent,
    dependsOn: host.order ? host.order.then<pulumi.Resource[]>(() => all) : all,
    ...(host.deletedWith ? { deletedWith: host.deletedWith } : {}),
  };
}

/** The arguments of a role that say where it is. */
export function roleHost(host: ManagedHost): {
  connection: pulumi.Input<ConnectionArgs>;
  machine?: pulumi.Input<string | undefined>;
} {
  return { connection: host.connection, ...(host.machine === undefined ? {} : { machine: host.machine }) };
}

/**
 * The same for a role that holds the way to the host: its identity, its tunnels, its SSH service. A tunnel has an
 * `interface`, and maybe the one of another tunnel that takes its place.
 */
export function wayHost(
  host: ManagedHost,
  tunnel: { interface?: string; other?: string } = {},
): {
  connection: pulumi.Input<ConnectionArgs>;
  machine?: pulumi.Input<string | undefined>;
  lastWay?: NonNullable<HostRoleArgs["lastWay"]>;
} {
  const { interface: own, other } = tunnel;
  const lastWay = own === undefined || other === undefined ? true : { interface: own, unless: other };
  return { ...roleHost(host), ...(host.lastWay ? { lastWay } : {}) };
}
