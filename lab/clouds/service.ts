import type { Machines, Names } from "../machines";
import { cloudflare, type Cloudflare } from "./cloudflare/app";
import { SEED } from "./cloudflare/seed";
import { Faults, type CloudName } from "./faults";
import { hetzner, type Hetzner } from "./hetzner/app";
import { listen, type Endpoint, type Listeners } from "./listen";
import { join } from "node:path";

/** What both cloud services are made from. */
export interface CloudsOptions {
  /** Directory of their state: `<instance>/clouds`. */
  directory: string;
  machines: Machines;
  names: Names;
  /** API tokens: 64 characters for Hetzner, 40 for Cloudflare. */
  hetznerToken: string;
  cloudflareToken: string;
  /** Where each listens. */
  hetznerEndpoints: Endpoint[];
  cloudflareEndpoints: Endpoint[];
  /** Receives one line for each request and each finished action; no line holds a token. */
  log: (line: string) => void;
}

/** The running services. */
export interface Clouds {
  /** Base URLs of the APIs, one for each endpoint: `http://192.0.2.10:80/v1`. */
  hetznerUrls: string[];
  cloudflareUrls: string[];
  hetzner: Hetzner;
  cloudflare: Cloudflare;
  /** What goes wrong with them, as tests order it. */
  faults: Faults;
  /** Stops listening and waits a moment for what runs; what does not end in time goes on after the next start. */
  close(): Promise<void>;
}

/** How long `close` waits for running actions, in milliseconds. */
const GRACE = 3000;
/** Pause between two attempts to publish the zones at the start, in milliseconds. */
const RETRY = 500;

/**
 * Starts both services. The zones are handed to the name servers in the background, until that succeeds.
 * @throws Error when a state file cannot be read, or an address cannot be listened on
 */
export async function startClouds(options: CloudsOptions): Promise<Clouds> {
  const { directory, machines, names, log } = options;
  const faults = new Faults();
  const hetznerService = hetzner({
    stateFile: join(directory, "hetzner.json"),
    token: options.hetznerToken,
    machines,
    names,
    log,
    beforeAction: (command) => faults.action(command),
  });
  const cloudflareService = cloudflare({
    stateFile: join(directory, "cloudflare.json"),
    token: options.cloudflareToken,
    names,
    seed: SEED,
    log,
  });
  const listeners: Listeners[] = [];
  const closeListeners = (): Promise<void[]> => Promise.all(listeners.map((listener) => listener.close()));
  let closed = false;
  try {
    const serve = (cloud: CloudName, { app }: Hetzner | Cloudflare, endpoints: Endpoint[]): Promise<Listeners> =>
      listen(app, endpoints, (request, response) =>
        faults.serve(cloud, request, response, () => app.routing(request, response)),
      );
    listeners.push(await serve("hetzner", hetznerService, options.hetznerEndpoints));
    listeners.push(await serve("cloudflare", cloudflareService, options.cloudflareEndpoints));
  } catch (error) {
    await closeListeners();
    throw error;
  }
  hetznerService.project.actions.resume();
  void publishUntilServed(cloudflareService, log, () => closed);
  const [hetznerListener, cloudflareListener] = listeners as [Listeners, Listeners];
  return {
    hetznerUrls: hetznerListener.urls.map((url) => `${url}/v1`),
    cloudflareUrls: cloudflareListener.urls.map((url) => `${url}/client/v4`),
    hetzner: hetznerService,
    cloudflare: cloudflareService,
    faults,
    close: async () => {
      closed = true;
      faults.clear();
      await closeListeners();
      await Promise.race([hetznerService.project.actions.idle(), pause(GRACE)]);
    },
  };
}

async function publishUntilServed(
  service: Cloudflare,
  log: (line: string) => void,
  isClosed: () => boolean,
): Promise<void> {
  let reported = "";
  while (!isClosed()) {
    try {
      await service.account.publishAll();
      return;
    } catch (error) {
      const { message } = error as Error;
      if (message !== reported) log(`zones are not served yet: ${message}`);
      reported = message;
      await pause(RETRY);
    }
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds).unref());
}
