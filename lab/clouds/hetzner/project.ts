import type { FirewallRule, Machines, Names } from "../../machines";
import { StateFile } from "../state-file";
import { Actions } from "./actions";
import { ApiError, notFound, notUnique } from "./errors";
import { parseSelector } from "./labels";
import { emptyProject, type FirewallRecord, type PrimaryIpRecord, type ProjectState, type ServerRecord } from "./model";

/** What a project is made from. */
export interface ProjectOptions {
  /** File of its state. */
  stateFile: string;
  machines: Machines;
  names: Names;
  /** Receives one line for each thing worth knowing; default: nothing. */
  log?: (line: string) => void;
  /** Waited for before an action of that command begins its work; default: nothing. The action fails when it does. */
  beforeAction?: (command: string) => Promise<void>;
}

/** A resource that has an id and, within its kind, a unique name. */
interface Named {
  id: number;
  name: string;
}

/** One project of the cloud: its resources, and the machines behind them. */
export class Project {
  readonly file: StateFile<ProjectState>;
  readonly actions: Actions;
  readonly machines: Machines;
  readonly names: Names;

  constructor(options: ProjectOptions) {
    this.file = new StateFile(options.stateFile, emptyProject);
    this.machines = options.machines;
    this.names = options.names;
    this.actions = new Actions(this.file, options.log ?? (() => undefined), options.beforeAction);
  }

  /** The resources; call save after a change. */
  get state(): ProjectState {
    return this.file.data;
  }

  /** A new id, unique over all kinds. */
  newId(): number {
    return this.state.nextId++;
  }

  /** Writes the state to disk; to be called before a change is answered. */
  save(): void {
    this.file.save();
  }

  /** @throws ApiError not_found */
  server(id: string | number): ServerRecord {
    return find(this.state.servers, "server", id);
  }

  /** @throws ApiError not_found */
  primaryIp(id: string | number): PrimaryIpRecord {
    return find(this.state.primaryIps, "primary IP", id);
  }

  /** @throws ApiError not_found */
  firewall(id: string | number): FirewallRecord {
    return find(this.state.firewalls, "firewall", id);
  }

  /** The server's primary IP of that type, if it has one. */
  primaryIpOf(serverId: number, type: "ipv4" | "ipv6"): PrimaryIpRecord | undefined {
    return this.state.primaryIps.find((ip) => ip.serverId === serverId && ip.type === type);
  }

  /** Firewalls in front of a server, by its id or by its labels, in the order of their ids. */
  firewallsOf(server: ServerRecord): FirewallRecord[] {
    return this.state.firewalls.filter((firewall) => this.serversOf(firewall).includes(server));
  }

  /** Servers behind a firewall. */
  serversOf(firewall: FirewallRecord): ServerRecord[] {
    return this.state.servers.filter((server) =>
      firewall.appliedTo.some((target) =>
        "server" in target ? target.server === server.id : parseSelector(target.selector)(server.labels),
      ),
    );
  }

  /** The union of the rules in front of a server; undefined when it has no firewall at all. */
  rulesOf(server: ServerRecord): FirewallRule[] | undefined {
    const firewalls = this.firewallsOf(server);
    if (firewalls.length === 0) return undefined;
    return firewalls.flatMap(({ rules }) =>
      rules.map(({ direction, protocol, port, sourceIps, destinationIps }) => ({
        direction,
        protocol,
        ...(port === undefined ? {} : { port }),
        sourceIps: [...sourceIps],
        destinationIps: [...destinationIps],
      })),
    );
  }
}

/**
 * Finds a resource by its id.
 * @throws ApiError not_found, which names kind and id
 */
export function find<T extends { id: number }>(items: T[], kind: string, id: string | number): T {
  const item = items.find((entry) => String(entry.id) === String(id));
  if (!item) throw notFound(kind, id);
  return item;
}

/**
 * Refuses a name that another resource of the kind has.
 * @param self id of the resource that is renamed, which may keep its name
 * @throws ApiError uniqueness_error on the field `name`
 */
export function requireUniqueName(items: Named[], kind: string, name: string, self?: number): void {
  if (items.some((item) => item.name === name && item.id !== self)) throw notUnique("name", `${kind} name '${name}'`);
}

/** Removes an item from a list in place. */
export function remove<T>(items: T[], item: T): void {
  const index = items.indexOf(item);
  if (index >= 0) items.splice(index, 1);
}

/** @throws ApiError protected when deletion of the resource is switched off */
export function requireUnprotected(isProtected: boolean, what: string): void {
  if (isProtected) {
    throw new ApiError("protected", `${what} is protected; switch its protection off with change_protection first`);
  }
}
