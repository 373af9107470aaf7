import { type Port, portName, portsMeet, portsOf } from "./ports";

/** What a role wants for itself on a host: plain names only, so it can be compared before anything is known. */
export interface Claim {
  role: string;
  /** Who asks, to tell two resources with the same role name apart. */
  owner: string;
  /** Exclusive things: files, links, absent paths, units. */
  exclusive: string[];
  /** Things that may be shared when equal: "sysctl net.ipv4.ip_forward" → "1". */
  shared: Record<string, string>;
  ports: Port[];
}

type Args = {
  role?: unknown;
  owner?: unknown;
  files?: unknown;
  links?: unknown;
  directories?: unknown;
  absent?: unknown;
  units?: unknown;
  sysctls?: unknown;
  ports?: unknown;
};

const names = (value: unknown): string[] =>
  Array.isArray(value)
    ? value.filter((item): item is string => typeof item === "string")
    : typeof value === "object" && value !== null
      ? Object.keys(value)
      : [];

/** The claims in a role's arguments, checked or not. */
export function claimOf(args: Args, owner: string): Claim {
  const exclusive = [
    ...[...names(args.files), ...names(args.links), ...names(args.absent)].map((path) => `path ${path}`),
    ...names(args.units).map((unit) => `unit ${unit}`),
  ];
  const sysctls = typeof args.sysctls === "object" && args.sysctls !== null ? Object.entries(args.sysctls) : [];
  return {
    role: String(args.role),
    owner,
    exclusive,
    ports: portsOf(args.ports),
    shared: Object.fromEntries(
      sysctls
        .filter(([, value]) => typeof value === "string")
        .map(([key, value]) => [`sysctl ${key}`, value as string]),
    ),
  };
}

/** The claims on one host within one program. */
export class ClaimRegistry {
  private readonly claims = new Map<string, Claim>();

  /** Takes a claim in, and says in words what it collides with; the same owner's earlier claim is replaced. */
  add(claim: Claim): string[] {
    const collisions: string[] = [];
    for (const [owner, other] of this.claims) {
      if (owner === claim.owner) continue;
      const theirs = `role ${other.role} (${other.owner})`;
      if (other.role === claim.role)
        collisions.push(
          `role ${claim.role} is declared twice on this host, by ${claim.owner} and ${other.owner}; give each its own name`,
        );
      for (const thing of claim.exclusive)
        if (other.exclusive.includes(thing))
          collisions.push(`${thing} is claimed by role ${claim.role} and by ${theirs}; let only one of them manage it`);
      for (const port of claim.ports)
        for (const taken of other.ports.filter((one) => portsMeet(one, port)))
          collisions.push(
            `port ${portName(port)} is claimed by role ${claim.role} and${
              portName(taken) === portName(port) ? "" : `, as ${portName(taken)},`
            } by ${theirs}; let only one of them listen there`,
          );
      for (const [thing, value] of Object.entries(claim.shared)) {
        const wanted = other.shared[thing];
        if (wanted !== undefined && wanted !== value)
          collisions.push(
            `${thing} is ${value} in role ${claim.role} and ${wanted} in ${theirs}; let only one of them set it`,
          );
      }
    }
    this.claims.set(claim.owner, claim);
    return collisions;
  }
}
