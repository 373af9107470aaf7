import { byIdOrName, IMAGES, LOCATIONS, SERVER_TYPES } from "./catalog";
import { ApiError, invalidField, notFound } from "./errors";
import { checkLabels } from "./labels";
import type { ActionRecord, PrimaryIpRecord, ServerRecord } from "./model";
import { addPrimaryIp } from "./primary-ips";
import { requireUniqueName, type Project } from "./project";

/** Body of `POST /servers`. */
export interface CreateServerBody {
  name: string;
  server_type: string | number;
  image: string | number;
  location?: string;
  datacenter?: string;
  ssh_keys?: (string | number)[];
  user_data?: string;
  start_after_create?: boolean;
  labels?: unknown;
  firewalls?: { firewall: number }[];
  public_net?: { enable_ipv4?: boolean; enable_ipv6?: boolean; ipv4?: number | null; ipv6?: number | null };
  networks?: number[];
  volumes?: number[];
  placement_group?: number;
}

/** Longest user data in bytes: 32 KiB, as published. */
const USER_DATA_LIMIT = 32 * 1024;
const ID_OR_NAME = { type: ["string", "integer"] };

/** JSON schema of `POST /servers`. */
export const CREATE_SERVER = {
  type: "object",
  required: ["name", "server_type", "image"],
  properties: {
    name: { type: "string", minLength: 1 },
    server_type: ID_OR_NAME,
    image: ID_OR_NAME,
    location: { type: "string" },
    datacenter: { type: "string" },
    ssh_keys: { type: "array", items: ID_OR_NAME },
    user_data: { type: "string" },
    start_after_create: { type: "boolean" },
    firewalls: {
      type: "array",
      items: { type: "object", required: ["firewall"], properties: { firewall: { type: "integer" } } },
    },
    public_net: {
      type: "object",
      properties: {
        enable_ipv4: { type: "boolean" },
        enable_ipv6: { type: "boolean" },
        ipv4: { type: ["integer", "null"] },
        ipv6: { type: ["integer", "null"] },
      },
    },
    networks: { type: "array", items: { type: "integer" } },
    volumes: { type: "array", items: { type: "integer" } },
    placement_group: { type: "integer" },
  },
};

/** A new server with the actions that make and start it. */
export interface CreatedServer {
  server: ServerRecord;
  action: ActionRecord;
  nextActions: ActionRecord[];
}

/**
 * Makes a server: all is checked first, then addresses are assigned, the firewalls applied, and the machine is made and
 * (unless start_after_create is false) started in the background.
 * @throws ApiError for whatever the published API refuses
 */
export function createServer(project: Project, body: CreateServerBody): CreatedServer {
  const checked = check(project, body);
  const id = project.newId();
  const server: ServerRecord = { ...checked.server, id };
  project.state.servers.push(server);
  for (const type of ["ipv4", "ipv6"] as const) {
    const wanted = checked[type];
    if (wanted === "automatic")
      addPrimaryIp(project, { type, location: server.location, autoDelete: true, serverId: id });
    else if (wanted) wanted.serverId = id;
  }
  for (const firewall of checked.firewalls) firewall.appliedTo.push({ server: id });
  const start = body.start_after_create ?? true;
  const image = { id: server.imageId, type: "image" as const };
  const action = project.actions.start("create_server", [{ id, type: "server" }, image]);
  const nextActions = start ? [project.actions.start("start_server", [{ id, type: "server" }])] : [];
  project.save();
  return { server, action, nextActions };
}

/**
 * Checks a server's name: a host name (RFC 1123 section 2.1), which becomes the machine's.
 * @throws ApiError invalid_input
 */
export function checkServerName(name: string): string {
  const label = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i;
  if (name.length > 253 || !name.split(".").every((part) => label.test(part))) {
    throw invalidField("name", `'${name}' is not a host name`);
  }
  return name;
}

function check(project: Project, body: CreateServerBody) {
  const name = checkServerName(body.name);
  requireUniqueName(project.state.servers, "server", name);
  for (const field of ["networks", "volumes", "placement_group"] as const) {
    const value = body[field];
    if (value !== undefined && value !== 0 && !(Array.isArray(value) && value.length === 0)) {
      throw new ApiError("unsupported_error", `the lab's cloud has no ${field}`);
    }
  }
  if (body.datacenter) throw invalidField("datacenter", "was removed from the API; use location, for example fsn1");
  const userData = body.user_data ?? "";
  if (Buffer.byteLength(userData) > USER_DATA_LIMIT) throw invalidField("user_data", "is longer than 32 KiB");
  const serverType = byIdOrName(SERVER_TYPES, body.server_type);
  if (!serverType) throw notFound("server type", body.server_type);
  const image = byIdOrName(IMAGES, body.image);
  if (!image) throw notFound("image", body.image);
  const { ipv4, ipv6 } = checkAddresses(project, body);
  const location =
    body.location || (ipv4 !== "automatic" && ipv4?.location) || (ipv6 !== "automatic" && ipv6?.location) || "fsn1";
  const place = byIdOrName(LOCATIONS, location);
  if (!place) throw invalidField("location", `'${location}' is not a location`);
  for (const ip of [ipv4, ipv6]) {
    if (ip && ip !== "automatic" && ip.location !== place.name) {
      throw new ApiError(
        "primary_ip_datacenter_mismatch",
        `primary IP ${ip.id} is in ${ip.location}, not ${place.name}`,
      );
    }
  }
  const firewalls = [...new Set((body.firewalls ?? []).map(({ firewall }) => project.firewall(firewall)))];
  const server: Omit<ServerRecord, "id"> = {
    name,
    status: "initializing",
    made: false,
    serverTypeId: serverType.id,
    imageId: image.id,
    location: place.name,
    userData,
    authorizedKeys: (body.ssh_keys ?? []).map((key) => publicKeyOf(project, key)),
    diskSize: serverType.disk,
    protection: { delete: false, rebuild: false },
    labels: checkLabels(body.labels),
    created: new Date().toISOString(),
  };
  return { server, ipv4, ipv6, firewalls };
}

type WantedAddress = PrimaryIpRecord | "automatic" | undefined;

function checkAddresses(project: Project, body: CreateServerBody): { ipv4: WantedAddress; ipv6: WantedAddress } {
  const net = body.public_net ?? {};
  const ipv4 = checkAddress(project, "ipv4", net.enable_ipv4 ?? true, net.ipv4);
  const ipv6 = checkAddress(project, "ipv6", net.enable_ipv6 ?? true, net.ipv6);
  if (!ipv4 && !ipv6) throw invalidField("public_net", "a server without a private network needs IPv4 or IPv6");
  return { ipv4, ipv6 };
}

function checkAddress(project: Project, type: "ipv4" | "ipv6", enabled: boolean, id?: number | null): WantedAddress {
  if (!enabled) {
    if (id) throw invalidField(`public_net.${type}`, `must not be set while enable_${type} is false`);
    return undefined;
  }
  if (!id) return "automatic";
  const ip = project.primaryIp(id);
  if (ip.type !== type)
    throw new ApiError("primary_ip_version_mismatch", `primary IP ${id} is ${ip.type}, not ${type}`);
  if (ip.serverId !== undefined) throw new ApiError("primary_ip_assigned", `primary IP ${id} is assigned to a server`);
  return ip;
}

function publicKeyOf(project: Project, key: string | number): string {
  const found = project.state.sshKeys.find((entry) => entry.name === key || String(entry.id) === String(key));
  if (!found) throw notFound("SSH key", key);
  return found.publicKey;
}
