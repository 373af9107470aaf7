/**
 * The public certificate authority of the lab: Debian's pebble(1) as Let's Encrypt. It resolves names by the lab's
 * resolver, and validates at the ports 80 and 443. Its accounts and its root are in memory: both are new after a start.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { ACME, SERVICES } from "../constants";
import { derivePemKey } from "../keys";
import { labFile, type InstancePaths } from "../paths";
import { run, until } from "../process";
import { inNamespace } from "./net";
import { Program, spawnIn } from "./programs";

/** On a machine that is busy, a program takes a while to start. */
const START_MS = 60_000;
/** Lifetime of its certificates in seconds: 90 days, as Let's Encrypt's. */
const LIFETIME = 90 * 24 * 3600;
/**
 * Every challenge is validated at once, and for each order again; no nonce is refused by chance, as pebble does by
 * itself to test clients.
 */
const SWITCHES = ["PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=0", "PEBBLE_AUTHZREUSE=0"];

/** The port of a URL of its. */
function portOf(url: string): string {
  return new URL(url).port;
}

/** pebble's configuration. */
export function acmeConfig(certificate: string, privateKey: string): object {
  return {
    pebble: {
      listenAddress: `:${portOf(ACME.directory)}`,
      managementListenAddress: `:${portOf(ACME.issuingRoot)}`,
      certificate,
      privateKey,
      httpPort: 80,
      tlsPort: 443,
      ocspResponderURL: "",
      externalAccountBindingRequired: false,
      certificateValidityPeriod: LIFETIME,
    },
  };
}

/** The authority as a program that is kept running in namespace `namespace`. */
export function acmeProgram(paths: InstancePaths, namespace: string): Program {
  return new Program("acme", () => {
    mkdirSync(paths.acme, { recursive: true, mode: 0o700 });
    const [key, config] = [path.join(paths.acme, "key.pem"), path.join(paths.acme, "pebble.json")];
    writeFileSync(key, derivePemKey("acme directory"), { mode: 0o600 });
    writeFileSync(config, `${JSON.stringify(acmeConfig(labFile("files/acme/server.pem"), key), null, 2)}\n`);
    const resolver = `${SERVICES.resolver.ipv4}:53`;
    const argv = ["env", ...SWITCHES, "pebble", "-config", config, "-dnsserver", resolver];
    return spawnIn(namespace, argv, path.join(paths.logs, "acme.log"));
  });
}

/** Returns when the authority answers. Throws after a minute. */
export async function acmeListens(namespace: string): Promise<void> {
  const ports = [ACME.directory, ACME.issuingRoot].map(portOf);
  await until("the certificate authority", START_MS, async () => {
    const sockets = await run(inNamespace(namespace, ["ss", "-H", "-l", "-n", "-t"]));
    return ports.every((port) => sockets.includes(`:${port} `));
  });
}
