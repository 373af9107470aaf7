import type { FastifyInstance } from "fastify";
import { presentAction } from "./actions";
import { addressWithin, allocate, checkPtrName, defaultPtr } from "./addresses";
import { byIdOrName, LOCATIONS } from "./catalog";
import { ApiError, invalidField } from "./errors";
import { checkLabels } from "./labels";
import { listed, type Query } from "./list";
import type { ActionRecord, Labels, PrimaryIpRecord, ResourceReference } from "./model";
import { remove, requireUniqueName, requireUnprotected, type Project } from "./project";

interface CreateBody {
  name: string;
  type: "ipv4" | "ipv6";
  assignee_type?: string;
  assignee_id?: number | null;
  auto_delete?: boolean;
  location?: string;
  datacenter?: string;
  labels?: unknown;
}

interface IdParams {
  Params: { id: string };
}

const NAME = { type: "string", minLength: 1, maxLength: 255 };
const CREATE = {
  type: "object",
  required: ["name", "type"],
  properties: {
    name: NAME,
    type: { type: "string", enum: ["ipv4", "ipv6"] },
    assignee_type: { type: "string", enum: ["server", "unassigned"] },
    assignee_id: { type: ["integer", "null"] },
    auto_delete: { type: "boolean" },
    location: { type: "string" },
    datacenter: { type: "string" },
  },
};
const UPDATE = { type: "object", properties: { name: NAME, auto_delete: { type: "boolean" } } };

/** Routes of `/primary_ips` except its actions. */
export function primaryIpRoutes(app: FastifyInstance, project: Project): void {
  const ips = project.state.primaryIps;
  app.get("/primary_ips", ({ query }) =>
    listed(ips, query as Query, {
      key: "primary_ips",
      present: presentPrimaryIp,
      filters: { name: { of: ({ name }) => name }, ip: { of: ({ ip }) => ip.replace(/\/64$/, "") } },
      labels: ({ labels }) => labels,
      sort: { id: ({ id }) => id, created: ({ created }) => created },
    }),
  );
  app.get<IdParams>("/primary_ips/:id", ({ params }) => ({
    primary_ip: presentPrimaryIp(project.primaryIp(params.id)),
  }));
  app.post("/primary_ips", { schema: { body: CREATE } }, (request, reply) => {
    const { ip, action } = create(project, request.body as CreateBody);
    void reply.code(201);
    return { primary_ip: presentPrimaryIp(ip), action: action ? presentAction(action) : null };
  });
  app.put<IdParams>("/primary_ips/:id", { schema: { body: UPDATE } }, ({ params, body }) => {
    const ip = project.primaryIp(params.id);
    const { name, auto_delete, labels } = body as Partial<CreateBody>;
    if (name !== undefined) requireUniqueName(ips, "primary IP", name, ip.id);
    const checked = labels === undefined ? ip.labels : checkLabels(labels);
    Object.assign(ip, { name: name ?? ip.name, autoDelete: auto_delete ?? ip.autoDelete, labels: checked });
    project.save();
    return { primary_ip: presentPrimaryIp(ip) };
  });
  app.delete<IdParams>("/primary_ips/:id", async ({ params }, reply) => {
    const ip = project.primaryIp(params.id);
    requireUnprotected(ip.protected, "primary IP");
    // Since 1 May 2026 Hetzner unassigns nothing by itself; before, it did so where the server was off.
    if (ip.serverId !== undefined) {
      throw new ApiError("must_be_unassigned", `primary IP with ID '${ip.id}' is still assigned to a resource`);
    }
    releasePrimaryIp(project, ip);
    project.save();
    return reply.code(204).send();
  });
}

/** Routes of `/primary_ips/{id}/actions`. */
export function primaryIpActionRoutes(app: FastifyInstance, project: Project): void {
  const post = (
    name: string,
    properties: object,
    required: string[],
    run: (ip: PrimaryIpRecord, body: never) => ActionRecord,
  ) =>
    app.post<IdParams>(
      `/primary_ips/:id/actions/${name}`,
      { schema: { body: { type: "object", properties, required } } },
      ({ params, body }, reply) => {
        const action = run(project.primaryIp(params.id), body as never);
        project.save();
        void reply.code(201);
        return { action: presentAction(action) };
      },
    );
  post(
    "assign",
    { assignee_id: { type: "integer" }, assignee_type: { const: "server" } },
    ["assignee_id"],
    (ip, body: { assignee_id: number }) => assign(project, ip, body.assignee_id),
  );
  post("unassign", {}, [], (ip) => unassign(project, ip));
  post("change_protection", { delete: { type: "boolean" } }, ["delete"], (ip, body: { delete: boolean }) => {
    ip.protected = body.delete;
    return project.actions.done("change_protection", references(ip));
  });
  const pointer = { ip: { type: "string" }, dns_ptr: { type: ["string", "null"] } };
  post("change_dns_ptr", pointer, ["ip", "dns_ptr"], (ip, body: { ip: string; dns_ptr: string | null }) =>
    changeDnsPtr(project, ip, body.ip, body.dns_ptr, references(ip)),
  );
}

/** Makes a primary IP with the next free address; its default PTR name is published in the background. */
export function addPrimaryIp(
  project: Project,
  options: {
    type: "ipv4" | "ipv6";
    name?: string;
    location: string;
    autoDelete: boolean;
    labels?: Labels;
    serverId?: number;
  },
): PrimaryIpRecord {
  const ip = allocate(project.state, options.type);
  const id = project.newId();
  const record: PrimaryIpRecord = {
    id,
    name: options.name ?? `primary_ip-${id}`,
    type: options.type,
    ip,
    location: options.location,
    autoDelete: options.autoDelete,
    protected: false,
    dnsPtr: options.type === "ipv4" ? { [ip]: defaultPtr(ip) } : {},
    labels: options.labels ?? {},
    created: new Date().toISOString(),
    ...(options.serverId === undefined ? {} : { serverId: options.serverId }),
  };
  project.state.primaryIps.push(record);
  if (options.type === "ipv4") publishPtr(project, ip, []);
  return record;
}

/** Gives a primary IP back to the pool; its PTR names go in the background. The caller saves. */
export function releasePrimaryIp(project: Project, ip: PrimaryIpRecord): void {
  remove(project.state.primaryIps, ip);
  for (const address of Object.keys(ip.dnsPtr)) publishPtr(project, address, []);
}

/**
 * Sets or resets (null) the PTR name of an address of a primary IP. The caller saves.
 * @throws ApiError invalid_input for a foreign address or a bad name
 */
export function changeDnsPtr(
  project: Project,
  primaryIp: PrimaryIpRecord,
  address: string,
  name: string | null,
  resources: ResourceReference[],
): ActionRecord {
  const canonical = addressWithin(primaryIp, address);
  const wanted = name === null ? (primaryIp.type === "ipv4" ? defaultPtr(canonical) : undefined) : checkPtrName(name);
  if (wanted === undefined) delete primaryIp.dnsPtr[canonical];
  else primaryIp.dnsPtr[canonical] = wanted;
  return publishPtr(project, canonical, resources);
}

/** API form of a primary IP. */
export function presentPrimaryIp(ip: PrimaryIpRecord): object {
  return {
    id: ip.id,
    name: ip.name,
    type: ip.type,
    ip: ip.ip,
    assignee_id: ip.serverId ?? null,
    assignee_type: ip.serverId === undefined ? "unassigned" : "server",
    auto_delete: ip.autoDelete,
    blocked: false,
    created: ip.created,
    location: byIdOrName(LOCATIONS, ip.location),
    dns_ptr: Object.entries(ip.dnsPtr).map(([address, name]) => ({ ip: address, dns_ptr: name })),
    labels: ip.labels,
    protection: { delete: ip.protected },
  };
}

/** The background work of primary IPs. */
export function definePrimaryIpJobs(project: Project): void {
  project.actions.define("change_dns_ptr", async (action) => {
    const { ip } = action.parameters as { ip: string };
    const name = project.state.primaryIps.map((entry) => entry.dnsPtr[ip]).find((entry) => entry !== undefined);
    await project.names.setReverse(ip, name);
  });
  const readdress = async (action: ActionRecord): Promise<void> => {
    const id = action.resources.find((resource) => resource.type === "server")?.id ?? 0;
    const server = project.server(id);
    if (server.made) await project.machines.setAddresses(id, ...addressesOf(project, id));
  };
  project.actions.define("assign_primary_ip", readdress);
  project.actions.define("unassign_primary_ip", readdress);
}

/** IPv4 address and IPv6 network of a server, as the fabric takes them. */
export function addressesOf(project: Project, serverId: number): [string | undefined, string | undefined] {
  return [project.primaryIpOf(serverId, "ipv4")?.ip, project.primaryIpOf(serverId, "ipv6")?.ip];
}

function publishPtr(project: Project, ip: string, resources: ResourceReference[]): ActionRecord {
  return project.actions.start("change_dns_ptr", resources, { ip });
}

function create(project: Project, body: CreateBody): { ip: PrimaryIpRecord; action?: ActionRecord } {
  if (body.datacenter !== undefined) {
    throw invalidField("datacenter", "was removed from the API; use location, for example fsn1");
  }
  requireUniqueName(project.state.primaryIps, "primary IP", body.name);
  const labels = checkLabels(body.labels);
  const server = typeof body.assignee_id === "number" ? project.server(body.assignee_id) : undefined;
  const location = server?.location ?? body.location;
  if (location === undefined) throw invalidField("location", "is required without an assignee_id");
  if (!byIdOrName(LOCATIONS, location)) throw invalidField("location", `'${location}' is not a location`);
  if (server) requireFree(project, server.id, body.type);
  const ip = addPrimaryIp(project, {
    type: body.type,
    name: body.name,
    location,
    autoDelete: body.auto_delete ?? false,
    labels,
  });
  const action = server ? assign(project, ip, server.id) : undefined;
  project.save();
  return action ? { ip, action } : { ip };
}

function assign(project: Project, ip: PrimaryIpRecord, serverId: number): ActionRecord {
  const server = project.server(serverId);
  if (ip.serverId !== undefined) throw new ApiError("primary_ip_already_assigned", "primary IP is already assigned");
  if (server.location !== ip.location) {
    throw new ApiError(
      "primary_ip_datacenter_mismatch",
      `primary IP is in ${ip.location}, server in ${server.location}`,
    );
  }
  requireFree(project, serverId, ip.type);
  ip.serverId = serverId;
  return project.actions.start("assign_primary_ip", references(ip, serverId));
}

function unassign(project: Project, ip: PrimaryIpRecord): ActionRecord {
  const serverId = ip.serverId;
  if (serverId === undefined) throw invalidField("id", "primary IP is not assigned");
  requireAssignable(project, serverId);
  delete ip.serverId;
  return project.actions.start("unassign_primary_ip", references(ip, serverId));
}

function requireFree(project: Project, serverId: number, type: "ipv4" | "ipv6"): void {
  requireAssignable(project, serverId);
  if (project.primaryIpOf(serverId, type)) {
    throw new ApiError(type === "ipv4" ? "server_has_ipv4" : "server_has_ipv6", `server has a primary ${type} already`);
  }
}

function requireAssignable(project: Project, serverId: number): void {
  project.actions.requireIdle(serverId);
  if (project.server(serverId).status !== "off") {
    throw new ApiError("server_not_stopped", "the server must be powered off");
  }
}

function references(ip: PrimaryIpRecord, serverId?: number): ResourceReference[] {
  const own: ResourceReference = { id: ip.id, type: "primary_ip" };
  return serverId === undefined ? [own] : [own, { id: serverId, type: "server" }];
}
