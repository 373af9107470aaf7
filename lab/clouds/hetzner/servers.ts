import type { FastifyInstance } from "fastify";
import { presentAction } from "./actions";
import { byIdOrName, IMAGES, LOCATIONS, presentImage, presentServerType, SERVER_TYPES } from "./catalog";
import { enforce } from "./firewalls";
import { checkLabels } from "./labels";
import { listed, type Query } from "./list";
import type { PrimaryIpRecord, ServerRecord } from "./model";
import { requireUniqueName, requireUnprotected, type Project } from "./project";
import { checkServerName, CREATE_SERVER, createServer, type CreateServerBody } from "./server-create";

interface IdParams {
  Params: { id: string };
}

/** States that a list can be filtered by; the lab's servers take only some of them. */
const STATUSES = [
  "running",
  "initializing",
  "starting",
  "stopping",
  "off",
  "deleting",
  "migrating",
  "rebuilding",
  "unknown",
];

/** Routes of `/servers` except its actions. */
export function serverRoutes(app: FastifyInstance, project: Project): void {
  const present = (server: ServerRecord): object => presentServer(project, server);
  app.get("/servers", async (request) => {
    await Promise.all(project.state.servers.map((server) => observe(project, server)));
    return listed(project.state.servers, request.query as Query, {
      key: "servers",
      present,
      filters: { name: { of: ({ name }) => name }, status: { of: ({ status }) => status, values: STATUSES } },
      labels: ({ labels }) => labels,
      sort: { id: ({ id }) => id, name: ({ name }) => name, created: ({ created }) => created },
    });
  });
  app.get<IdParams>("/servers/:id", async ({ params }) => {
    const server = project.server(params.id);
    await observe(project, server);
    return { server: present(server) };
  });
  app.post("/servers", { schema: { body: CREATE_SERVER } }, (request, reply) => {
    const { server, action, nextActions } = createServer(project, request.body as CreateServerBody);
    void reply.code(201);
    return {
      server: present(server),
      action: presentAction(action),
      next_actions: nextActions.map(presentAction),
      root_password: null,
    };
  });
  const update = { type: "object", properties: { name: { type: "string" } } };
  app.put<IdParams>("/servers/:id", { schema: { body: update } }, ({ params, body }) => {
    const server = project.server(params.id);
    rename(project, server, body as { name?: string; labels?: unknown });
    return { server: present(server) };
  });
  app.delete<IdParams>("/servers/:id", ({ params }) => {
    const server = project.server(params.id);
    requireUnprotected(server.protection.delete, "server");
    project.actions.requireIdle(server.id);
    server.status = "deleting";
    const action = project.actions.start("delete_server", [{ id: server.id, type: "server" }]);
    project.save();
    return { action: presentAction(action) };
  });
}

/** API form of a server. */
export function presentServer(project: Project, server: ServerRecord): object {
  const type = byIdOrName(SERVER_TYPES, server.serverTypeId);
  const image = byIdOrName(IMAGES, server.imageId);
  const ipv4 = project.primaryIpOf(server.id, "ipv4");
  const ipv6 = project.primaryIpOf(server.id, "ipv6");
  return {
    id: server.id,
    name: server.name,
    status: server.status,
    created: server.created,
    public_net: {
      ipv4: ipv4 ? { id: ipv4.id, ip: ipv4.ip, blocked: false, dns_ptr: ipv4.dnsPtr[ipv4.ip] ?? "" } : null,
      ipv6: ipv6 ? { id: ipv6.id, ip: ipv6.ip, blocked: false, dns_ptr: pointers(ipv6) } : null,
      floating_ips: [],
      firewalls: project.firewallsOf(server).map(({ id }) => ({ id, status: server.made ? "applied" : "pending" })),
    },
    private_net: [],
    server_type: type ? presentServerType(type) : null,
    location: byIdOrName(LOCATIONS, server.location),
    image: image ? presentImage(image) : null,
    iso: null,
    rescue_enabled: false,
    locked: project.actions.isBusy(server.id),
    backup_window: null,
    outgoing_traffic: 0,
    ingoing_traffic: 0,
    included_traffic: 21990232555520,
    primary_disk_size: server.diskSize,
    protection: server.protection,
    labels: server.labels,
    volumes: [],
    load_balancers: [],
    placement_group: null,
  };
}

/** Takes over what the machine does by itself: a server that was switched off from within is `off`. */
async function observe(project: Project, server: ServerRecord): Promise<void> {
  if (!server.made || project.actions.isBusy(server.id)) return;
  const state = await project.machines.powerState(server.id).catch(() => undefined);
  if (state === undefined || project.actions.isBusy(server.id)) return;
  server.status = state === "starting" ? "running" : state;
}

function pointers(ip: PrimaryIpRecord): object[] {
  return Object.entries(ip.dnsPtr).map(([address, name]) => ({ ip: address, dns_ptr: name }));
}

function rename(project: Project, server: ServerRecord, body: { name?: string; labels?: unknown }): void {
  const name = body.name === undefined ? server.name : checkServerName(body.name);
  requireUniqueName(project.state.servers, "server", name, server.id);
  const labels = body.labels === undefined ? server.labels : checkLabels(body.labels);
  const before = project.firewallsOf(server);
  Object.assign(server, { name, labels });
  const after = project.firewallsOf(server);
  if (before.length !== after.length || before.some((firewall) => !after.includes(firewall))) {
    enforce(project, "apply_firewall", [server]);
  }
  project.save();
}
