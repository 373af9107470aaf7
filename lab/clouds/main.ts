/** The cloud services of a lab, run by its supervisor inside the namespace that has their addresses. */
import { join } from "node:path";
import { Command } from "commander";
import { CLOUDFLARE_API_TOKEN, HCLOUD_TOKEN, SERVICES } from "../constants";
import { FabricClient } from "../fabric-client";
import { listenForFaults } from "./fault-api";
import { parseEndpoint, type Endpoint } from "./listen";
import { startClouds, type Clouds, type CloudsOptions } from "./service";

/**
 * How long an address that is not there yet is waited for, in milliseconds: IPv6 ones come after duplicate detection.
 */
const PATIENCE = 10_000;

interface Options {
  listenHetzner: Endpoint[];
  listenCloudflare: Endpoint[];
}

async function main(): Promise<void> {
  const collect = (text: string, earlier: Endpoint[]): Endpoint[] => [...earlier, parseEndpoint(text)];
  const program = new Command("clouds")
    .description("Serves the Hetzner Cloud API v1 and the Cloudflare API v4 in front of a lab.")
    .argument("<instance>", "directory of the lab's instance; the state lies in its folder clouds")
    .argument("<supervisor>", "unix socket of the lab's supervisor")
    .option(
      "--listen-hetzner <address:port>",
      "may be repeated; default: the lab's own addresses, port 80",
      collect,
      [],
    )
    .option("--listen-cloudflare <address:port>", "may be repeated; default likewise", collect, [])
    .parse();
  const [instance, supervisor] = program.args as [string, string];
  const { listenHetzner, listenCloudflare } = program.opts<Options>();
  const fabric = new FabricClient(supervisor);
  const clouds = await whenAddressesAreThere({
    directory: join(instance, "clouds"),
    machines: fabric,
    names: fabric,
    hetznerToken: HCLOUD_TOKEN,
    cloudflareToken: CLOUDFLARE_API_TOKEN,
    hetznerEndpoints: orOwn(listenHetzner, SERVICES.hetzner),
    cloudflareEndpoints: orOwn(listenCloudflare, SERVICES.cloudflare),
    log: (line) => console.log(`${new Date().toISOString()} ${line}`),
  });
  for (const url of [...clouds.hetznerUrls, ...clouds.cloudflareUrls]) console.log(`listening on ${url}`);
  await listenForFaults(clouds.faults, join(instance, "faults.sock"));
  const stop = (): void => void clouds.close().then(() => process.exit(0));
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
}

async function whenAddressesAreThere(options: CloudsOptions): Promise<Clouds> {
  const deadline = Date.now() + PATIENCE;
  for (;;) {
    try {
      return await startClouds(options);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EADDRNOTAVAIL" || Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

function orOwn(given: Endpoint[], own: { ipv4: string; ipv6: string }): Endpoint[] {
  return given.length > 0 ? given : [own.ipv4, own.ipv6].map((address) => ({ address, port: 80 }));
}

main().catch((error: unknown) => {
  console.error(`clouds: ${(error as Error).message}`);
  process.exit(1);
});
