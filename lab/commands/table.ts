/** Tables for people. */
import { OPERATOR } from "../constants";
import type { LabStatus } from "../supervisor-api";

/** Columns under a heading, aligned with spaces; no column wider than it has to be. */
export function table(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [heading, ...rows];
  const widths = heading.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** What `up` and `status` print: hosts with addresses and state, clouds with endpoint and token, the operator. */
export function statusText(status: LabStatus): string {
  const hosts = status.hosts.map((host) => [
    host.name,
    host.kind,
    host.site ?? "-",
    host.ipv4 ?? "-",
    host.ipv6 ?? "-",
    host.state,
  ]);
  const operator = ["operator", "operator", OPERATOR.site, status.operator.ipv4, status.operator.ipv6, "running"];
  const clouds = status.clouds.map((cloud) => [cloud.name, cloud.endpoint, cloud.token]);
  const cuts = status.cuts.map(([a, b]) => `cut: ${a} and ${b}`);
  const down = Object.entries(status.services)
    .filter(([, running]) => !running)
    .map(([name]) => `not running: ${name}`);
  const notes = [...cuts, ...status.onLink.map((name) => `on-link: ${name}`), ...down];
  const parts = [
    table(["HOST", "KIND", "SITE", "IPV4", "IPV6", "STATE"], [...hosts, operator]),
    table(["CLOUD", "ENDPOINT (inside the lab)", "TOKEN"], clouds),
    table(["ACME DIRECTORY (inside the lab)"], [[status.acme]]),
    ...(notes.length > 0 ? [notes.join("\n")] : []),
  ];
  return parts.join("\n\n");
}
