/** The benchmark's hosts as roles, one for each service: what a person would write. */
import { readFileSync } from "node:fs";
import { HostRole } from "pulumi-intranet/host";
import { type Desired, PACKAGES, servicesOf } from "../workload";

const { hosts, versions } = JSON.parse(readFileSync(process.env["BENCH_DESIRED"]!, "utf8")) as Desired;
for (const { name, ipv4, hostKey } of hosts) {
  const connection = { name, address: ipv4, hostKeys: [hostKey] };
  for (const [number, service] of servicesOf(name, versions[name]!).entries())
    new HostRole(`${name}-${service.name}`, {
      connection,
      role: service.name,
      ...(number === 0 ? { packages: [...PACKAGES] } : {}),
      files: Object.fromEntries(service.files.map(({ path, content }) => [path, { content }])),
      units: { [service.unit]: { restartOn: service.restartOn } },
    });
}
