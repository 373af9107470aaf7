/** The benchmark's hosts as roles: one for each service, or (`BENCH_WHOLE`) one for all services of a host. */
import { readFileSync } from "node:fs";
import { HostRole } from "pulumi-intranet/host";
import { type Desired, PACKAGES, servicesOf } from "../workload";

const { hosts, versions } = JSON.parse(readFileSync(process.env["BENCH_DESIRED"]!, "utf8")) as Desired;
for (const { name, ipv4, hostKey } of hosts) {
  const services = servicesOf(name, versions[name]!);
  const roles = process.env["BENCH_WHOLE"]
    ? [{ role: "services", services }]
    : services.map((service) => ({ role: service.name, services: [service] }));
  for (const [number, { role, services }] of roles.entries())
    new HostRole(`${name}-${role}`, {
      connection: { name, address: ipv4, hostKeys: [hostKey] },
      role,
      ...(number === 0 ? { packages: [...PACKAGES] } : {}),
      files: Object.fromEntries(services.flatMap(({ files }) => files.map(({ path, content }) => [path, { content }]))),
      units: Object.fromEntries(services.map(({ unit, restartOn }) => [unit, { restartOn }])),
    });
}
