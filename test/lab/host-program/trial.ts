/** What a test and the program say to each other. */
import type { ConnectionArgs, HostRoleArgs } from "pulumi-intranet/host";

/** A role; on the lab's `home` unless it has a `connection`. In files, `secret: true` puts a key in the place of {{key}}. */
export type TrialRole = Omit<HostRoleArgs, "connection" | "role" | "files"> & {
  connection?: ConnectionArgs;
  files?: Record<string, { content: string; secret?: boolean; mode?: string }>;
};

/** What the program makes. */
export interface Trial {
  /** Another one makes another key. Default 1. */
  keyVersion?: number;
  /** The pinned keys of `home`; absent: its own. */
  hostKeys?: string[];
  /** By name; on the host a role is called `trial-NAME`. */
  roles: Record<string, TrialRole>;
}
