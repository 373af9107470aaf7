/** The root that the lab's public certificate authority signs with. */
import { readFileSync } from "node:fs";
import { ACME, SERVICES } from "./constants";
import { execArgv } from "./lab-process";
import { labFile, type InstancePaths } from "./paths";
import { run } from "./process";
import type { LabStatus } from "./supervisor-api";

/** Fetches a URL by https, trusting the certificates on stdin alone. */
const FETCH =
  "import ssl, sys, urllib.request as u; c = ssl.create_default_context(cadata=sys.stdin.read()); " +
  "print(u.urlopen(sys.argv[1], timeout=20, context=c).read().decode(), end='')";

/**
 * The root in PEM, as the authority itself gives it; another one after each start of the lab. Throws `CommandError`
 * when it does not answer.
 */
export function issuingRoot(paths: InstancePaths, status: LabStatus): Promise<string> {
  const url = new URL(ACME.issuingRoot);
  url.hostname = SERVICES.acme.ipv4; // where this runs, the machine's own resolver is asked
  const argv = execArgv(paths, status, "services", ["python3", "-c", FETCH, url.href]);
  return run(argv, { input: readFileSync(labFile("files/acme/root.pem"), "utf8") });
}
