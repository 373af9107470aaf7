/**
 * The interfaces between the cloud services and the fabric. The cloud services decide what a customer may do and what
 * it means (quotas, actions, ids); the fabric only knows machines, addresses, packet filters and names.
 */
import type { ChildProcess } from "node:child_process";

/** A server as the cloud orders it from the fabric. */
export interface ServerSpec {
  /** The cloud's id of the server; the fabric finds the machine by it for ever. */
  id: number;
  /** Host name; also the name of the host in the lab, so it must not be that of another host. */
  name: string;
  /** Name of the image, for example `debian-13`. */
  image: string;
  /** cloud-init user data, handed over as it is; "" for none. */
  userData: string;
  /** Public keys in OpenSSH form for root's authorized_keys. */
  authorizedKeys: string[];
  /** Primary IPv4 address; absent: no IPv4. */
  ipv4?: string;
  /** Primary IPv6 network, for example `2001:db8:100:5::/64`, routed to the server; absent: no IPv6. */
  ipv6?: string;
  /** Name of the server type; the fabric gives all of them the same machine. */
  serverType: string;
}

/** One rule of a packet filter in front of a server. What no rule names is dropped in that direction. */
export interface FirewallRule {
  direction: "in" | "out";
  protocol: "tcp" | "udp" | "icmp" | "gre" | "esp";
  /** `80`, `80-85` or `any`; only for tcp and udp. Absent means any. */
  port?: string;
  /** Prefixes the packet may come from; used by direction `in`. */
  sourceIps: string[];
  /** Prefixes the packet may go to; used by direction `out`. */
  destinationIps: string[];
}

/** What a machine is doing, as its console would show it. */
export type PowerState = "off" | "starting" | "running";

/** The machines behind a cloud's servers. Every method rejects with an `Error` whose message names the server. */
export interface Machines {
  /** Makes disk, port and routes of a server; it is not started. */
  createServer(spec: ServerSpec): Promise<void>;
  /** Powers it on; done when the machine has begun to boot. A running server stays as it is. */
  startServer(id: number): Promise<void>;
  /** Powers it off at once. A stopped server stays as it is. */
  stopServer(id: number): Promise<void>;
  /** Cuts the power and boots again on the same disk, with a new network namespace. */
  resetServer(id: number): Promise<void>;
  /** Gives the server a new disk made from `image`; with the same seed. A running server is started again. */
  rebuildServer(id: number, image: string): Promise<void>;
  /** Deletes machine, disk, port, routes and packet filter. Unknown ids are not an error. */
  deleteServer(id: number): Promise<void>;
  /** Changes the addresses of a stopped server; undefined takes that family away. */
  setAddresses(id: number, ipv4: string | undefined, ipv6: string | undefined): Promise<void>;
  /** Replaces the packet filter in front of the server at once; undefined: none, everything passes. */
  setFirewall(id: number, rules: FirewallRule[] | undefined): Promise<void>;
  /** The power state of the server, also when the machine was switched off from within. */
  powerState(id: number): Promise<PowerState>;
}

/** One record as a zone file would have it. */
export interface ZoneRecord {
  /** Fully qualified name without the dot at the end. */
  name: string;
  /** Type in upper case, for example `AAAA`. */
  type: string;
  /** Seconds. */
  ttl: number;
  /** Presentation format, as after the type in a zone file. */
  data: string;
}

/** The public name service of the lab. */
export interface Names {
  /** Replaces the whole content of a zone; served, signed, within a second. */
  publishZone(zone: string, records: ZoneRecord[]): Promise<void>;
  /** Sets or, with undefined, deletes the PTR record of an address. */
  setReverse(ip: string, name: string | undefined): Promise<void>;
}

/** Starts a program in a network namespace of the lab; output is appended to `log`. It ends when the lab ends. */
export type SpawnIn = (namespace: string, argv: readonly string[], log: string) => ChildProcess;

/** A running name service. */
export interface NamesService extends Names {
  /** Ends its programs; done when they have ended. Its state stays on disk, and `startNames` takes it up again. */
  stop(): Promise<void>;
}

/** What `startNames` (lab/names/index.ts) gets from the supervisor. */
export interface NamesOptions {
  /** Directory of the name service's state and configuration: `<instance>/dns`. */
  directory: string;
  /** Directory for the logs of its programs. */
  logs: string;
  /** Namespace that has the addresses of the resolver and the authoritative server. */
  namespace: string;
  spawn: SpawnIn;
}
