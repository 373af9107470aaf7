/** A host of another stack: what a stack says of its hosts, and how another one takes it. */
import * as pulumi from "@pulumi/pulumi";
import type { ConnectionArgs } from "../../host";
import type { ManagedHost } from "./managed-host";

/** What another stack needs to manage something on a host: plain data, and nothing secret. */
export interface HostReference {
  /** How the host is reached over SSH: its address, pinned public host keys, and the hosts on the way. */
  readonly connection: ConnectionArgs;
  /**
   * What identifies the machine, such as a cloud server's id. Absent: another address is taken for the same machine.
   */
  readonly machine?: string;
}

/** A host as another stack may take it. */
export function referenceTo({ connection, machine }: ManagedHost): pulumi.Output<HostReference> {
  return pulumi
    .all([pulumi.output(connection), machine])
    .apply(([known, id]) => ({ connection: known, ...(id === undefined ? {} : { machine: id }) }));
}

/**
 * A host of another stack, for the components' arguments: `{ ...hostFrom(reference.requireOutput("hosts"), "home"), …
 * }`, where `reference` is a `pulumi.StackReference` to a stack that exports an Intranet's `hosts`.
 *
 * It is data: this stack does not wait for the other one, and does not see what that one makes on the host. Two stacks
 * that want the same role, file, unit or port of a host are refused by the host's ledger, with both names. Destroy this
 * stack before the other one takes the host's way in away.
 *
 * @param hosts that stack's output: hosts by name
 * @param name the host
 * @throws RunError when the output is not one of hosts by name, or the host is not among them; known only when the
 * output is
 */
export function hostFrom(hosts: pulumi.Input<unknown>, name: string): ManagedHost {
  const reference = (pulumi.output(hosts) as pulumi.Output<unknown>).apply((all) => hostIn(all, name));
  return {
    connection: reference.apply(({ connection }) => connection),
    machine: reference.apply(({ machine }) => machine),
  };
}

/** The host of that name in an output. */
export function hostIn(all: unknown, name: string): HostReference {
  const isMap = typeof all === "object" && all !== null && !Array.isArray(all);
  const found = isMap && Object.hasOwn(all, name) ? (all as Record<string, unknown>)[name] : undefined;
  const { connection } = (found ?? {}) as Partial<HostReference>;
  if (typeof connection === "object" && connection !== null) return found as HostReference;
  const names = isMap ? Object.keys(all) : [];
  throw new pulumi.RunError(
    found === undefined && names.length > 0
      ? `hostFrom: there is no host ${JSON.stringify(name)} in that output; there are ${names.join(", ")}`
      : `hostFrom: that output does not hold hosts by name. Give what the other stack exports of an Intranet's \`hosts\`, such as ` +
          'reference.requireOutput("hosts")',
  );
}
