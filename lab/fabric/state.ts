/**
 * What the fabric has to know again after a restart: the servers that clouds have ordered, and the paths that are cut.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import type { FirewallRule, ServerSpec } from "../machines";
import type { Cut } from "./firewall";

/** One server as ordered and changed since. */
export interface ServerRecord {
  spec: ServerSpec;
  /** Absent: no firewall in front of it. */
  firewall?: FirewallRule[];
  /** Whether its IPv6 network is delivered on-link; absent: routed to it. */
  onLink?: true;
  /** Whether it was on. */
  powered: boolean;
  /** Number of its disk: 1, and one more for each rebuild. */
  generation: number;
}

/** The fabric's own state. */
export interface FabricState {
  servers: ServerRecord[];
  cuts: Cut[];
}

/** Reads the state; an absent file is an empty one. */
export function readState(file: string): FabricState {
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as FabricState) : { servers: [], cuts: [] };
}

/** Writes the state; a reader sees the old one or the new one. It holds user data, hence the mode. */
export function writeState(file: string, state: FabricState): void {
  writeFileSync(`${file}.new`, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}
