/** What a test and the program say to each other. */
import type { ConnectionArgs, HostRoleArgs } from "pulumi-intranet/host";

/**
 * A role; on the lab's `home` unless it has a `connection`. In files, `secret: true` puts a key in the place of
 * {{key}}.
 */
export type TrialRole = Omit<HostRoleArgs, "connection" | "role" | "files"> & {
  connection?: ConnectionArgs;
  files?: Record<string, { content: string; secret?: boolean; mode?: string }>;
};

/** Addresses of the tunnel's two ends: `near` is home, `far` the server. */
export const TUNNEL = {
  space: { v4: "10.16.0.0/12", v6: "fd12:3456:789a::/48" },
  near: { v4: "10.31.255.9", v6: "fd12:3456:789a:ffff::9" },
  far: { v4: "10.31.255.8", v6: "fd12:3456:789a:ffff::8" },
};

/** A tunnel between home and a server, made of the real components. */
export interface TrialTunnel {
  /** The server at its public address. It listens; home dials. */
  server: ConnectionArgs;
  /** Whether the server is reached through the tunnel, by home, rather than directly. */
  through: boolean;
  /** Whether the server is given another peer's key than home's. */
  wrongPeer?: boolean;
  /** The MTU of both ends. */
  mtu: number;
}

/** A site's ways, addresses and rules for public services, made of the real components. */
export interface TrialPublic {
  /** The sinkhole's network. */
  network: string;
  /** Accounts that speak by a service's address. */
  pinned: { user: string; table: number }[];
  /** None: no addresses and no rules for visitors. */
  services: { name: string; address: string; ports: number[] }[];
}

/** What the program makes. */
export interface Trial {
  /** Another one makes another key. Default 1. */
  keyVersion?: number;
  /** The pinned keys of `home`; absent: its own. */
  hostKeys?: string[];
  /** Absent: none. */
  tunnel?: TrialTunnel;
  /** Absent: nothing of it. */
  public?: TrialPublic;
  /** By name; on the host a role is called `trial-NAME`. */
  roles: Record<string, TrialRole>;
}
