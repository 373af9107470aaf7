import type { FirewallRule } from "../../machines";

/** Labels of a resource: key to value, as Hetzner allows them. */
export type Labels = Record<string, string>;

/** An SSH key of the project. */
export interface SshKeyRecord {
  id: number;
  name: string;
  /** MD5 fingerprint, `aa:bb:…`, as the API shows it. */
  fingerprint: string;
  /** OpenSSH form, as it was given. */
  publicKey: string;
  labels: Labels;
  /** ISO 8601 time. */
  created: string;
}

/** A primary IP: one IPv4 address or one IPv6 /64. */
export interface PrimaryIpRecord {
  id: number;
  name: string;
  type: "ipv4" | "ipv6";
  /** `198.51.100.10`, or `2001:db8:100:5::/64` for an IPv6 network. */
  ip: string;
  /** Location's name. */
  location: string;
  /** Server it is assigned to; undefined: unassigned. */
  serverId?: number;
  /** Deleted together with its server. */
  autoDelete: boolean;
  protected: boolean;
  /** Address to PTR name. */
  dnsPtr: Record<string, string>;
  labels: Labels;
  created: string;
}

/** A rule with its comment, as the API stores it. */
export interface FirewallRuleRecord extends FirewallRule {
  description?: string;
}

/** What a firewall is applied to. */
export type FirewallTarget = { server: number } | { selector: string };

/** A firewall of the project. */
export interface FirewallRecord {
  id: number;
  name: string;
  rules: FirewallRuleRecord[];
  appliedTo: FirewallTarget[];
  labels: Labels;
  created: string;
}

/** Power states of the API that occur here. */
export type ServerStatus = "initializing" | "starting" | "running" | "stopping" | "off" | "deleting" | "rebuilding";

/** A server of the project. */
export interface ServerRecord {
  id: number;
  name: string;
  status: ServerStatus;
  /** Ids of the catalogue. */
  serverTypeId: number;
  imageId: number;
  location: string;
  userData: string;
  /** Public keys at creation: a later deletion of the key resource changes nothing on the server. */
  authorizedKeys: string[];
  /** The machine exists: false until its creation has succeeded. */
  made: boolean;
  /** Size of the disk in GB: it may be smaller than a changed type's. */
  diskSize: number;
  protection: { delete: boolean; rebuild: boolean };
  labels: Labels;
  created: string;
}

/** Reference from an action to what it works on. */
export interface ResourceReference {
  id: number;
  type: "server" | "firewall" | "primary_ip" | "image" | "ssh_key";
}

/** An action: asynchronous work that clients poll. */
export interface ActionRecord {
  id: number;
  command: string;
  status: "running" | "success" | "error";
  started: string;
  finished?: string;
  error?: { code: string; message: string };
  resources: ResourceReference[];
  /** What its job needs to run again after a restart of the service; not shown. */
  parameters: Record<string, unknown>;
}

/** The whole project as it lies on disk. */
export interface ProjectState {
  version: 1;
  /** The next id of any resource. */
  nextId: number;
  /** Last host number given out of the IPv4 pool, and last subnet of the IPv6 pool. */
  lastIpv4: number;
  lastIpv6: number;
  sshKeys: SshKeyRecord[];
  primaryIps: PrimaryIpRecord[];
  firewalls: FirewallRecord[];
  servers: ServerRecord[];
  actions: ActionRecord[];
}

/** A project with nothing in it. */
export function emptyProject(): ProjectState {
  return {
    version: 1,
    nextId: 100001,
    lastIpv4: 0,
    lastIpv6: 0,
    sshKeys: [],
    primaryIps: [],
    firewalls: [],
    servers: [],
    actions: [],
  };
}
