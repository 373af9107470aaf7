/**
 * Certificates as devices meet them: what a service shows, whether it is ever a bad one, and servers that show a
 * thief's.
 */
import { X509Certificate } from "node:crypto";
import type { JsonGeneralName } from "@peculiar/x509";
import type { CertificateWithKey } from "../../host/keys/x509";
import { signLeaf } from "../pki/leaf";
import { curl, pulumiOk, until } from "./intranet";
import { exec, execOk, type Result } from "./support";

/** Where devices keep the root. */
export const ROOT_FILE = "/root/intranet-root.pem";
/** How curl trusts it and nothing else. */
export const ROOT_ALONE = ["--cacert", ROOT_FILE, "--capath", "/nonexistent"];

/** Gives a device the root, for those programs that are told to use it. */
export const giveRoot = (device: string, root: string): Promise<Result> =>
  exec(device, ["sh", "-c", 'cat > "$1"', "sh", ROOT_FILE], { stdin: root });

const WATCH = `
import json, socket, ssl, sys, time
name, seconds = sys.argv[1], float(sys.argv[2])
context = ssl.create_default_context(cafile=sys.argv[3])
serials, failures, asked = [], [], 0
end = time.monotonic() + seconds
while time.monotonic() < end:
    asked += 1
    try:
        with socket.create_connection((name, 443), 5) as plain, context.wrap_socket(plain, server_hostname=name) as tls:
            serial = tls.getpeercert()["serialNumber"]
        if serial not in serials:
            serials.append(serial)
            if len(serials) == 2:
                end = min(end, time.monotonic() + 5)
    except OSError as error:
        failures.append(str(error))
    time.sleep(0.5)
print(json.dumps({"serials": serials, "failures": failures, "asked": asked}))
`;

/** What a client met that asked for a service again and again. */
export interface Watched {
  /** Serial numbers, in hexadecimal, in their order. */
  serials: string[];
  /** What went wrong, each time. */
  failures: string[];
  /** How often it asked. */
  asked: number;
}

/**
 * Asks for a service from a device that trusts the root alone, twice a second, until it has shown another certificate
 * for a while.
 */
export async function watchRenewal(device: string, name: string, seconds: number): Promise<Watched> {
  const argv = ["python3", "-c", WATCH, name, String(seconds), ROOT_FILE];
  return JSON.parse((await exec(device, argv, { timeoutSeconds: seconds + 60 })).stdout) as Watched;
}

/** The certificates that a service shows to a device which trusts the root alone, the leaf first. */
export async function shown(device: string, name: string): Promise<X509Certificate[]> {
  const options = ["-showcerts", "-CAfile", ROOT_FILE, "-no-CApath", "-no-CAstore", "-verify_return_error"];
  const asked = ["-connect", `${name}:443`, "-servername", name, "-verify_hostname", name];
  const result = await exec(device, ["openssl", "s_client", ...options, ...asked], { stdin: "" });
  if (result.code !== 0) throw new Error(`${device}: ${result.stderr}`);
  return result.stdout.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)!.map((pem) => {
    return new X509Certificate(pem);
  });
}

/** A resource's secrets in the state. */
export async function state(type: string): Promise<Record<string, string>> {
  const { deployment } = JSON.parse(await pulumiOk(["stack", "export", "--show-secrets"]));
  const found = deployment.resources.filter((resource: any) => resource.type.endsWith(`:${type}`));
  if (found.length !== 1) throw new Error(`${found.length} resources of type ${type}`);
  const plain = (value: any): any => (value?.plaintext === undefined ? value : JSON.parse(value.plaintext));
  return Object.fromEntries(Object.entries(found[0].outputs).map(([name, value]) => [name, plain(value)]));
}

/** A server of a thief's. */
const UNIT = "stolen-key";
const FOLDER = `/run/${UNIT}`;

/**
 * Runs `during` while a server on a host shows a leaf with those names that the issuer has signed, on an address of
 * its.
 */
export async function withServer(
  host: string,
  at: { address: string; port: number },
  issuer: Pick<CertificateWithKey, "certificate" | "privateKey">,
  names: JsonGeneralName[],
  during: () => Promise<void>,
): Promise<void> {
  const { chain, privateKey } = await signLeaf(issuer, names);
  const write = 'umask 077; mkdir -p "$1" && cat > "$1/$2"';
  await exec(host, ["sh", "-c", write, "sh", FOLDER, "chain.pem"], { stdin: chain });
  await exec(host, ["sh", "-c", write, "sh", FOLDER, "key.pem"], { stdin: privateKey });
  const files = ["-cert", `${FOLDER}/chain.pem`, "-cert_chain", `${FOLDER}/chain.pem`, "-key", `${FOLDER}/key.pem`];
  const server = ["openssl", "s_server", "-accept", `${at.address}:${at.port}`, "-www", "-quiet", ...files];
  await execOk(host, ["systemd-run", "--quiet", "--collect", `--unit=${UNIT}`, ...server]);
  try {
    const url = `https://${at.address}:${at.port}/`;
    await until("the server answers", async () => (await curl(host, ["--insecure", url])).status === 200, 15);
    await during();
  } finally {
    await exec(host, ["systemctl", "stop", `${UNIT}.service`]);
    await exec(host, ["rm", "-rf", FOLDER]);
  }
}
