import type { FastifyInstance } from "fastify";
import { presentAction } from "./actions";
import { belongsTo } from "./addresses";
import { byIdOrName, IMAGES, SERVER_TYPES } from "./catalog";
import { ApiError, invalidField, notFound } from "./errors";
import type { ActionRecord, ServerRecord } from "./model";
import { changeDnsPtr } from "./primary-ips";
import type { Project } from "./project";

interface IdParams {
  Params: { id: string };
}

type Handler = (server: ServerRecord, body: never) => ActionRecord;

const ID_OR_NAME = { type: ["string", "integer"] };

/** Routes of the actions that servers can be told to do, `POST /servers/{id}/actions/{name}`. */
export function serverActionRoutes(app: FastifyInstance, project: Project): void {
  powerRoutes(app, project);
  changeRoutes(app, project);
}

/** Server actions that do not wait for the machine. */
const WITHOUT_LOCK = ["change_protection", "change_dns_ptr"];

/** Registers `POST /servers/{id}/actions/{name}`; refused with `locked` while another action works on the machine. */
function route(app: FastifyInstance, project: Project, name: string, body: object, handler: Handler): void {
  app.post<IdParams>(
    `/servers/:id/actions/${name}`,
    { schema: { body: { type: "object", ...body } } },
    (request, reply) => {
      const server = project.server(request.params.id);
      if (!WITHOUT_LOCK.includes(name)) project.actions.requireIdle(server.id);
      const action = handler(server, request.body as never);
      project.save();
      void reply.code(201);
      return { action: presentAction(action) };
    },
  );
}

function powerRoutes(app: FastifyInstance, project: Project): void {
  const start = (server: ServerRecord, command: string): ActionRecord =>
    project.actions.start(command, [{ id: server.id, type: "server" }]);
  const done = (server: ServerRecord, command: string): ActionRecord =>
    project.actions.done(command, [{ id: server.id, type: "server" }]);
  const requireRunning = (server: ServerRecord): void => {
    if (server.status !== "running") throw new ApiError("conflict", "server is not running; use poweron");
  };
  route(app, project, "poweron", {}, (server) => (server.status === "running" ? done : start)(server, "start_server"));
  route(app, project, "poweroff", {}, (server) => (server.status === "off" ? done : start)(server, "stop_server"));
  route(app, project, "shutdown", {}, (server) => (server.status === "off" ? done : start)(server, "shutdown_server"));
  for (const name of ["reboot", "reset"]) {
    route(app, project, name, {}, (server) => {
      requireRunning(server);
      return start(server, `${name}_server`);
    });
  }
}

function changeRoutes(app: FastifyInstance, project: Project): void {
  const own = (server: ServerRecord) => [{ id: server.id, type: "server" as const }];
  const type = {
    required: ["server_type"],
    properties: { server_type: ID_OR_NAME, upgrade_disk: { type: "boolean" } },
  };
  route(app, project, "change_type", type, (server, body: { server_type: string | number; upgrade_disk?: boolean }) => {
    const parameters = checkChangeType(server, body);
    return project.actions.start("change_server_type", own(server), parameters);
  });
  const image = {
    required: ["image"],
    properties: { image: ID_OR_NAME, user_data: { type: "string", maxLength: 32768 } },
  };
  route(app, project, "rebuild", image, (server, body: { image: string | number; user_data?: string }) => {
    if (server.protection.rebuild) throw new ApiError("protected", "server is protected against rebuilding");
    const found = byIdOrName(IMAGES, body.image);
    if (!found) throw notFound("image", body.image);
    return project.actions.start("rebuild_server", own(server), { imageId: found.id, userData: body.user_data });
  });
  const protection = { properties: { delete: { type: "boolean" }, rebuild: { type: "boolean" } } };
  route(app, project, "change_protection", protection, (server, body: { delete?: boolean; rebuild?: boolean }) => {
    const next = { ...server.protection, ...body };
    if (next.delete !== next.rebuild) {
      throw invalidField("rebuild", "delete and rebuild protection of a server must have the same value");
    }
    server.protection = { delete: next.delete, rebuild: next.rebuild };
    return project.actions.done("change_protection", own(server));
  });
  const pointer = {
    required: ["ip", "dns_ptr"],
    properties: { ip: { type: "string" }, dns_ptr: { type: ["string", "null"] } },
  };
  route(app, project, "change_dns_ptr", pointer, (server, body: { ip: string; dns_ptr: string | null }) => {
    const primaryIp = project.state.primaryIps.find((ip) => ip.serverId === server.id && belongsTo(ip, body.ip));
    if (!primaryIp) throw invalidField("ip", `'${body.ip}' is not an address of the server`);
    return changeDnsPtr(project, primaryIp, body.ip, body.dns_ptr, own(server));
  });
}

function checkChangeType(server: ServerRecord, body: { server_type: string | number; upgrade_disk?: boolean }) {
  const type = byIdOrName(SERVER_TYPES, body.server_type);
  if (!type) throw notFound("server type", body.server_type);
  if (server.status !== "off") throw new ApiError("server_not_stopped", "the server must be powered off");
  if (type.id === server.serverTypeId)
    throw new ApiError("invalid_server_type", `the server has type ${type.name} already`);
  if (type.disk < server.diskSize) {
    throw new ApiError(
      "invalid_server_type",
      `the disk of ${type.name} is smaller than the server's ${server.diskSize} GB`,
    );
  }
  return { serverTypeId: type.id, diskSize: body.upgrade_disk ? type.disk : server.diskSize };
}
