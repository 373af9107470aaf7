/**
 * The supervisor of a lab: runs inside the lab's namespaces, starts everything in it, and answers on a unix socket.
 * Ending it ends the lab. Arguments: the instance's name, the image directories are found in the cache.
 */
import { mkdirSync } from "node:fs";
import { Fabric } from "./fabric/fabric";
import { FabricServices } from "./fabric/services";
import { instancePaths } from "./paths";
import { supervisorApi } from "./supervisor-api";

async function main(): Promise<void> {
  const paths = instancePaths(process.argv[2] ?? "");
  for (const dir of [paths.logs, paths.hosts, paths.clouds, paths.dns, paths.pulumi, paths.operator])
    mkdirSync(dir, { recursive: true, mode: 0o700 });
  const fabric = new Fabric(paths);
  const services = new FabricServices(paths);
  const api = supervisorApi(paths, fabric, services);
  // The interface first: the clouds need it, and whoever waits sees what is going on.
  await api.listen({ path: paths.socket });
  await fabric.makeNetworks();
  await Promise.all([services.start(), fabric.startHosts()]);
  api.started();
}

main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
