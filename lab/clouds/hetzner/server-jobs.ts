import type { ServerSpec } from "../../machines";
import { byIdOrName, IMAGES, SERVER_TYPES } from "./catalog";
import type { ActionRecord, ServerRecord } from "./model";
import { addressesOf, releasePrimaryIp } from "./primary-ips";
import { remove, type Project } from "./project";

type ServerJob = (server: ServerRecord, action: ActionRecord, resumed: boolean) => Promise<void>;

/** The background work of servers: the only place that drives the machines' life. */
export function defineServerJobs(project: Project): void {
  const { machines } = project;
  const define = (command: string, job: ServerJob): void =>
    project.actions.define(command, (action, resumed) => {
      const id = action.resources.find((resource) => resource.type === "server")?.id ?? 0;
      return job(project.server(id), action, resumed);
    });
  define("create_server", (server, _action, resumed) => make(project, server, resumed));
  define("start_server", async (server, _action, resumed) => {
    requireMade(server);
    if (resumed) await machines.stopServer(server.id).catch(() => undefined);
    server.status = "starting";
    await powerOn(project, server);
  });
  for (const command of ["stop_server", "shutdown_server"]) {
    define(command, async (server) => {
      requireMade(server);
      server.status = "stopping";
      await machines.stopServer(server.id);
      server.status = "off";
    });
  }
  for (const command of ["reset_server", "reboot_server"]) {
    define(command, async (server) => {
      requireMade(server);
      await machines.resetServer(server.id);
      server.status = "running";
    });
  }
  define("change_server_type", async (server, action) => {
    const { serverTypeId, diskSize } = action.parameters as { serverTypeId: number; diskSize: number };
    Object.assign(server, { serverTypeId, diskSize });
  });
  define("rebuild_server", (server, action) => rebuild(project, server, action));
  define("delete_server", (server) => destroy(project, server));
}

async function make(project: Project, server: ServerRecord, resumed: boolean): Promise<void> {
  try {
    if (resumed) await project.machines.deleteServer(server.id);
    await project.machines.createServer(specOf(project, server));
    // The rules stand before the machine can answer its first packet.
    await project.machines.setFirewall(server.id, project.rulesOf(server));
    server.made = true;
  } finally {
    server.status = "off";
    project.save();
  }
}

async function powerOn(project: Project, server: ServerRecord): Promise<void> {
  try {
    await project.machines.startServer(server.id);
    server.status = "running";
  } catch (error) {
    server.status = "off";
    throw error;
  }
}

async function rebuild(project: Project, server: ServerRecord, action: ActionRecord): Promise<void> {
  const { machines } = project;
  const { imageId, userData } = action.parameters as { imageId: number; userData?: string };
  Object.assign(server, { imageId, userData: userData ?? server.userData, status: "rebuilding" });
  if (server.made) await machines.stopServer(server.id);
  if (server.made && userData === undefined) {
    await machines.rebuildServer(server.id, specOf(project, server).image);
  } else {
    await machines.deleteServer(server.id);
    await machines.createServer(specOf(project, server));
  }
  server.made = true;
  await machines.setFirewall(server.id, project.rulesOf(server));
  await powerOn(project, server);
}

async function destroy(project: Project, server: ServerRecord): Promise<void> {
  await project.machines.deleteServer(server.id);
  for (const ip of project.state.primaryIps.filter((entry) => entry.serverId === server.id)) {
    if (ip.autoDelete) releasePrimaryIp(project, ip);
    else delete ip.serverId;
  }
  for (const firewall of project.state.firewalls) {
    firewall.appliedTo = firewall.appliedTo.filter((target) => !("server" in target && target.server === server.id));
  }
  remove(project.state.servers, server);
}

function requireMade(server: ServerRecord): void {
  if (!server.made) throw new Error(`server ${server.name} has no machine, because its creation failed; delete it`);
}

function specOf(project: Project, server: ServerRecord): ServerSpec {
  const [ipv4, ipv6] = addressesOf(project, server.id);
  return {
    id: server.id,
    name: server.name,
    image: byIdOrName(IMAGES, server.imageId)?.name ?? String(server.imageId),
    userData: server.userData,
    authorizedKeys: server.authorizedKeys,
    ...(ipv4 === undefined ? {} : { ipv4 }),
    ...(ipv6 === undefined ? {} : { ipv6 }),
    serverType: byIdOrName(SERVER_TYPES, server.serverTypeId)?.name ?? String(server.serverTypeId),
  };
}
