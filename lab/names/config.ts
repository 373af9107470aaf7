import { join } from "node:path";
import { SERVICES } from "../constants";
import { zoneKey } from "./keys";
import { ROOT_SERVER } from "./zones";

/** One of the two name servers. */
export interface ServerLayout {
  name: "authoritative" | "resolver";
  /** Its working directory. */
  directory: string;
  /** Port of its control channel on 127.0.0.1 of its namespace. */
  controlPort: number;
}

/** File of a signed zone. */
export function signedFile(directory: string, zone: string): string {
  return join(directory, `${zone === "" ? "root" : zone}.signed`);
}

/** named.conf of the authoritative server. */
export function authoritativeConfig(layout: ServerLayout, secret: string, zones: string[]): string {
  const stanzas = zones.map(
    (zone) => `zone "${zone}." { type primary; file "${signedFile(layout.directory, zone)}"; };`,
  );
  return config(layout, secret, SERVICES.authoritative, ["recursion no;", "dnssec-validation no;"], stanzas);
}

/**
 * named.conf of the resolver. It validates from the lab's own root key, remembers a failure or an absence for no time
 * worth mentioning, and treats no reverse zone of documentation space as empty (RFC 6303), since the lab serves them.
 */
export function resolverConfig(layout: ServerLayout, secret: string): string {
  const options = [
    "recursion yes;",
    "allow-recursion { any; };",
    "dnssec-validation yes;",
    "empty-zones-enable no;",
    "max-ncache-ttl 1;",
    "servfail-ttl 0;",
    "synth-from-dnssec no;",
    "prefetch 0;",
    `query-source address ${SERVICES.resolver.ipv4};`,
    `query-source-v6 address ${SERVICES.resolver.ipv6};`,
  ];
  const [tag, algorithm, digestType, digest] = zoneKey("").ds.split(" ");
  return config(layout, secret, SERVICES.resolver, options, [
    `trust-anchors { "." static-ds ${tag} ${algorithm} ${digestType} "${digest}"; };`,
    `zone "." { type hint; file "${join(layout.directory, "root.hints")}"; };`,
  ]);
}

/** The root hints: where the lab's root is served. */
export function rootHints(): string {
  const { ipv4, ipv6 } = SERVICES.authoritative;
  return `. 3600000 NS ${ROOT_SERVER}.\n${ROOT_SERVER}. 3600000 A ${ipv4}\n${ROOT_SERVER}. 3600000 AAAA ${ipv6}\n`;
}

/** The key file of rndc. */
export function controlKey(secret: string): string {
  return `key "lab" { algorithm hmac-sha256; secret "${secret}"; };\n`;
}

function config(
  layout: ServerLayout,
  secret: string,
  address: { ipv4: string; ipv6: string },
  options: string[],
  stanzas: string[],
): string {
  const common = [
    `directory "${layout.directory}";`,
    "pid-file none;",
    "session-keyfile none;",
    `listen-on { ${address.ipv4}; };`,
    `listen-on-v6 { ${address.ipv6}; };`,
    "allow-query { any; };",
    "allow-transfer { none; };",
    "notify no;",
    'version "none";',
  ];
  const indented = [...common, ...options].map((line) => `  ${line}`).join("\n");
  return [
    `options {\n${indented}\n};`,
    controlKey(secret).trim(),
    `controls { inet 127.0.0.1 port ${layout.controlPort} allow { 127.0.0.1; } keys { "lab"; }; };`,
    ...stanzas,
    "",
  ].join("\n");
}
