/** A thief of the intermediate's key: what he signs beyond the domain is refused by every client, at a server that really shows it. */
import { createPrivateKey } from "node:crypto";
import type { JsonGeneralName } from "@peculiar/x509";
import { CLIENTS, TlsClients } from "../pki/clients";
import { signLeaf } from "../pki/leaf";
import { curl, ensureUp, outputs, plan, until } from "./intranet";
import { exec, execOk, run } from "./support";

const { domain, sites } = plan();
const at = { address: sites["home"]!.hostAddress, port: 8443 };
const UNIT = "stolen-key";
const FOLDER = `/run/${UNIT}`;

let clients: TlsClients;
/** What the thief has: the CA's host was his for a moment. */
let stolen: { certificate: string; privateKey: string };
beforeAll(async () => {
  await ensureUp();
  clients = new TlsClients((await outputs())["certificateAuthority"].rootCertificate);
  await clients.build();
  const key = await execOk("home", ["cat", "/etc/step-ca/intermediate.key"]);
  stolen = {
    certificate: await execOk("home", ["cat", "/etc/step-ca/intermediate.crt"]),
    privateKey: createPrivateKey(key).export({ type: "pkcs8", format: "pem" }) as string,
  };
}, 600_000);
afterAll(async () => {
  clients.remove();
  await exec("home", ["rm", "-rf", FOLDER]);
});

/** Runs `during` while a server on `home` shows a leaf with those names. */
async function served(names: JsonGeneralName[], during: () => Promise<void>): Promise<void> {
  const { chain, privateKey } = await signLeaf(stolen, names);
  const write = `umask 077; mkdir -p ${FOLDER} && cat > "${FOLDER}/$1"`;
  await exec("home", ["sh", "-c", write, "sh", "chain.pem"], { stdin: chain });
  await exec("home", ["sh", "-c", write, "sh", "key.pem"], { stdin: privateKey });
  const files = ["-cert", `${FOLDER}/chain.pem`, "-cert_chain", `${FOLDER}/chain.pem`, "-key", `${FOLDER}/key.pem`];
  const server = ["openssl", "s_server", "-accept", `${at.address}:${at.port}`, "-www", "-quiet", ...files];
  await execOk("home", ["systemd-run", "--quiet", "--collect", `--unit=${UNIT}`, ...server]);
  try {
    const url = `https://${at.address}:${at.port}/`;
    await until("the server answers", async () => (await curl("tv", ["--insecure", url])).status === 200, 15);
    await during();
  } finally {
    await exec("home", ["systemctl", "stop", `${UNIT}.service`]);
  }
}

const ask = async (client: string, name: string) => {
  const { code, stdout, stderr } = await run(clients.command(client, name, at));
  return { client, accepted: code === 0, said: stdout + stderr };
};

test.each([`wiki.${domain}`, `a.b.${domain}`])(
  "a leaf for %s is taken by every client",
  async (name) => {
    await served([{ type: "dns", value: name }], async () => {
      for (const client of CLIENTS) expect(await ask(client, name)).toMatchObject({ client, accepted: true });
    });
  },
  60_000,
);

test.each([
  ["a foreign name", "www.bank.example", [{ type: "dns", value: "www.bank.example" }]],
  ["a name that only ends alike", `evil${domain}`, [{ type: "dns", value: `evil${domain}` }]],
  ["an IP address", at.address, [{ type: "ip", value: at.address }]],
  [
    "a good name beside a foreign one",
    `wiki.${domain}`,
    [
      { type: "dns", value: `wiki.${domain}` },
      { type: "dns", value: "www.bank.example" },
    ],
  ],
] as [string, string, JsonGeneralName[]][])(
  "a leaf for %s is refused by every client",
  async (_what, name, names) => {
    await served(names, async () => {
      for (const client of CLIENTS) {
        const { accepted, said } = await ask(client, name);
        expect({ client, accepted }).toEqual({ client, accepted: false });
        expect(said).toMatch(/constraint|permitted|excluded/i);
      }
    });
  },
  60_000,
);
