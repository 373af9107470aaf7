/**
 * The supervisor's interface: JSON over HTTP on the instance's unix socket, for the command line and for the clouds.
 */
import { readdirSync } from "node:fs";
import fastify, { type FastifyInstance } from "fastify";
import { ACME, CLOUDFLARE_API_TOKEN, CLOUDFLARE_BASE_URL, HCLOUD_ENDPOINT, HCLOUD_TOKEN, OPERATOR } from "./constants";
import { freeze, removeCgroups } from "./fabric/cgroup";
import { type Fabric, type HostStatus, UnknownHostError } from "./fabric/fabric";
import { RefusedError } from "./fabric/refused";
import { UnknownServerError } from "./fabric/servers";
import type { Slowness } from "./fabric/slow";
import type { FabricServices } from "./fabric/services";
import { requireSnapshot, restore, save, snapshots } from "./fabric/snapshot";
import { instanceName, instancePaths, type InstancePaths } from "./paths";

/** What `GET /status` answers, and `status --json` prints. */
export interface LabStatus {
  name: string;
  /** Whether networks, services and hosts have been started; hosts may still boot. */
  running: boolean;
  hosts: HostStatus[];
  clouds: { name: string; endpoint: string; token: string }[];
  /** URL of the public certificate authority's directory. */
  acme: string;
  operator: { ipv4: string; ipv6: string; key: string; agent: string };
  /** Pairs of attachments whose path is cut. */
  cuts: (readonly [string, string])[];
  /** Servers whose IPv6 network is delivered on-link. */
  onLink: string[];
  /** Namespaces that are no host's; `exec` takes them too. */
  routers: string[];
  snapshots: string[];
  /** Which services run. */
  services: Record<string, boolean>;
}

/** Methods that the clouds may call, by name. */
const MACHINE_METHODS = [
  "createServer",
  "startServer",
  "stopServer",
  "resetServer",
  "rebuildServer",
  "deleteServer",
  "setAddresses",
  "setFirewall",
  "powerState",
] as const;
const NAME_METHODS = ["publishZone", "setReverse"] as const;

/** The interface as a fastify instance that is not listening yet. `started()` says that everything has been started. */
export type SupervisorApi = FastifyInstance & { started(): void };

function isOneOf<T extends string>(names: readonly T[], name: string): name is T {
  return (names as readonly string[]).includes(name);
}

/** Makes the interface of a lab. */
export function supervisorApi(paths: InstancePaths, fabric: Fabric, services: FabricServices): SupervisorApi {
  const app = fastify({ bodyLimit: 16 << 20, forceCloseConnections: true });
  let running = false;
  app.setErrorHandler((error: Error, _request, reply) => {
    const code =
      error instanceof UnknownHostError || error instanceof UnknownServerError
        ? 404
        : error instanceof RefusedError
          ? 409
          : 500;
    if (code === 500) console.error(error);
    return reply.code(code).send({ error: error.message });
  });
  app.get("/status", () => status(paths, fabric, services, running));
  addMachines(app, fabric, services);
  addHosts(app, fabric);
  addSnapshots(app, paths, fabric, services);
  app.post("/clouds/restart", async () => {
    await services.stopClouds();
    await services.startClouds();
    return {};
  });
  app.post("/shutdown", async (_request, reply) => {
    await Promise.all([services.stopClouds(), services.stopNames()]);
    await fabric.stopHosts();
    await removeCgroups(paths.cgroup);
    reply.raw.once("close", () => process.exit(0));
    return {};
  });
  return Object.assign(app, { started: () => void (running = true) }) as unknown as SupervisorApi;
}

function status(paths: InstancePaths, fabric: Fabric, services: FabricServices, running: boolean): LabStatus {
  return {
    name: paths.name,
    running,
    hosts: fabric.hosts(),
    clouds: [
      { name: "hetzner", endpoint: HCLOUD_ENDPOINT, token: HCLOUD_TOKEN },
      { name: "cloudflare", endpoint: CLOUDFLARE_BASE_URL, token: CLOUDFLARE_API_TOKEN },
    ],
    acme: ACME.directory,
    operator: { ipv4: OPERATOR.ipv4, ipv6: OPERATOR.ipv6, key: paths.operatorKey, agent: paths.agentSocket },
    cuts: [...fabric.currentCuts()],
    onLink: fabric.servers.list().flatMap(({ record }) => (record.onLink ? [record.spec.name] : [])),
    routers: fabric.routers(),
    snapshots: snapshots(paths),
    services: services.status(),
  };
}

function addMachines(app: FastifyInstance, fabric: Fabric, services: FabricServices): void {
  app.post<{ Params: { method: string }; Body: { args: unknown[] } }>(
    "/machines/:method",
    async ({ params, body }, reply) => {
      if (!isOneOf(MACHINE_METHODS, params.method))
        return reply.code(404).send({ error: `no method ${params.method}` });
      // JSON has no undefined: an absent argument travels as null.
      const args = body.args.map((value) => value ?? undefined);
      const method = fabric.servers[params.method] as (...values: unknown[]) => Promise<unknown>;
      return { result: await method.apply(fabric.servers, args) };
    },
  );
  app.post<{ Params: { method: string }; Body: { args: unknown[] } }>(
    "/names/:method",
    async ({ params, body }, reply) => {
      if (!isOneOf(NAME_METHODS, params.method)) return reply.code(404).send({ error: `no method ${params.method}` });
      const args = body.args.map((value) => value ?? undefined);
      const method = services.names[params.method] as (...values: unknown[]) => Promise<unknown>;
      return { result: await method.apply(services.names, args) };
    },
  );
}

function addHosts(app: FastifyInstance, fabric: Fabric): void {
  app.post<{ Params: { name: string } }>("/hosts/:name/reset", async ({ params }) => {
    await fabric.reset(params.name);
    return {};
  });
  app.post<{ Params: { name: string } }>("/hosts/:name/off", async ({ params }) => {
    await fabric.host(params.name).powerOff();
    return {};
  });
  app.post<{ Params: { name: string } }>("/hosts/:name/on", async ({ params }) => {
    await fabric.host(params.name).boot();
    await fabric.host(params.name).ready();
    return {};
  });
  app.post<{ Params: { name: string }; Body: Partial<Slowness> }>("/hosts/:name/slow", async ({ params, body }) => {
    const { delayMs, loss } = body;
    await fabric.slow(params.name, delayMs === undefined || loss === undefined ? undefined : { delayMs, loss });
    return {};
  });
  app.post<{ Params: { name: string }; Body: { onLink: boolean } }>(
    "/hosts/:name/deliver",
    async ({ params, body }) => {
      await fabric.servers.deliver(params.name, body.onLink);
      return {};
    },
  );
  for (const [route, dropped] of [
    ["/cut", true],
    ["/mend", false],
  ] as const) {
    app.post<{ Body: { a: string; b: string } }>(route, async ({ body }) => {
      await fabric.cut(body.a, body.b, dropped);
      return {};
    });
  }
}

function addSnapshots(app: FastifyInstance, paths: InstancePaths, fabric: Fabric, services: FabricServices): void {
  app.post<{ Params: { name: string } }>("/snapshots/:name", async ({ params }) => {
    await services.stopClouds();
    const frozen = readdirSync(paths.hosts);
    try {
      await Promise.all(frozen.map((host) => freeze(paths.cgroup, host, true)));
      await save(paths, params.name);
    } finally {
      await Promise.all(frozen.map((host) => freeze(paths.cgroup, host, false)));
      await services.startClouds();
    }
    return {};
  });
  app.post<{ Params: { name: string }; Body: { of?: string } }>(
    "/snapshots/:name/restore",
    async ({ params, body }) => {
      // Before anything is switched off. All labs have the same addresses and keys, so that the moments of one are good
      // for another.
      const source = requireSnapshot(body.of === undefined ? paths : instancePaths(instanceName(body.of)), params.name);
      await Promise.all([services.stopClouds(), services.stopNames()]);
      await fabric.stopHosts();
      await restore(paths, source);
      await services.startNames();
      await Promise.all([services.startClouds(), fabric.startHosts()]);
      await Promise.all(
        fabric
          .hosts()
          .filter(({ state }) => state !== "off")
          .map(({ name }) => fabric.host(name).ready()),
      );
      return {};
    },
  );
}
