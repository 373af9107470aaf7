/** Positive controls: what a denied test needs lifted for a moment, and looks at hosts' sockets. */
import { CLOUDFLARE_API_TOKEN, CLOUDFLARE_BASE_URL, HCLOUD_ENDPOINT, HCLOUD_TOKEN } from "../../lab/constants";
import { exec, run } from "./support";

async function api(url: string, token: string, method = "GET", body?: unknown): Promise<any> {
  const data = body === undefined ? [] : ["--header", "Content-Type: application/json", "--data", JSON.stringify(body)];
  const result = await run([
    "curl",
    "--silent",
    "--show-error",
    "--max-time",
    "15",
    "--request",
    method,
    "--header",
    `Authorization: Bearer ${token}`,
    ...data,
    url,
  ]);
  if (result.code !== 0) throw new Error(`${method} ${url}: ${result.stderr}`);
  return result.stdout === "" ? {} : JSON.parse(result.stdout);
}

/** A call of the lab's Hetzner API. */
export const hetzner = (path: string, method?: string, body?: unknown) =>
  api(HCLOUD_ENDPOINT + path, HCLOUD_TOKEN, method, body);
/** A call of the lab's Cloudflare API. */
export const cloudflare = (path: string, method?: string, body?: unknown) =>
  api(CLOUDFLARE_BASE_URL + path, CLOUDFLARE_API_TOKEN, method, body);

/** Runs `during` while the cloud's firewall is not in front of the VPS. */
export async function liftedCloudFirewall(during: () => Promise<void>): Promise<void> {
  const server = (await hetzner("/servers?name=vps")).servers[0];
  const firewalls = server.public_net.firewalls.map((f: any) => f.id as number);
  if (firewalls.length === 0) throw new Error("the VPS has no firewall to lift");
  const resources = [{ type: "server", server: { id: server.id } }];
  const wait = async (answer: any) => {
    for (const action of answer.actions ?? []) {
      const end = Date.now() + 20_000;
      while ((await hetzner(`/actions/${action.id}`)).action.status === "running" && Date.now() < end)
        await new Promise((r) => setTimeout(r, 200));
    }
  };
  for (const id of firewalls)
    await wait(await hetzner(`/firewalls/${id}/actions/remove_from_resources`, "POST", { remove_from: resources }));
  try {
    await during();
  } finally {
    for (const id of firewalls) {
      await wait(await hetzner(`/firewalls/${id}/actions/apply_to_resources`, "POST", { apply_to: resources }));
    }
  }
}

/** The sockets on which a host listens. */
export async function listening(host: string): Promise<{ protocol: string; address: string; port: number }[]> {
  const result = await exec(host, ["ss", "-H", "-l", "-n", "-t", "-u"]);
  return result.stdout
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => {
      const [protocol = "", , , , local = ""] = line.trim().split(/\s+/);
      const at = local.lastIndexOf(":");
      return { protocol, address: local.slice(0, at), port: Number(local.slice(at + 1)) };
    });
}
