import type { FastifyInstance } from "fastify";
import { ApiError, notFound } from "./errors";
import { listed, type Query } from "./list";

/** Kinds of the published API that the lab's cloud has none of: the list's name, and one of them in words. */
const ABSENT: Record<string, string> = {
  certificates: "certificate",
  floating_ips: "floating IP",
  isos: "ISO",
  load_balancer_types: "load balancer type",
  load_balancers: "load balancer",
  networks: "network",
  placement_groups: "placement group",
  volumes: "volume",
  zones: "zone",
};

/** Server actions of the published API that the lab's machines have no counterpart of. */
const ABSENT_ACTIONS = [
  "add_to_placement_group",
  "attach_iso",
  "attach_to_network",
  "change_alias_ips",
  "create_image",
  "detach_from_network",
  "detach_iso",
  "disable_backup",
  "disable_rescue",
  "enable_backup",
  "enable_rescue",
  "remove_from_placement_group",
  "request_console",
  "reset_password",
];

/** Where the end of `/datacenters` was announced; it came after 1 October 2026. */
const ANNOUNCEMENT = "https://docs.hetzner.cloud/changelog#2026-06-02-datacenters-deprecated";

interface Params {
  Params: { id: string };
}

/**
 * Routes of what is published and not here. There are none of a kind, so its lists are empty, whatever is filtered for,
 * and no id of it exists; making one is `unsupported_error`. What Hetzner has removed is `deprecated_api_endpoint`,
 * with 410.
 */
export function absentRoutes(app: FastifyInstance): void {
  for (const [collection, kind] of Object.entries(ABSENT)) {
    const empty = (key: string) => (request: { query: unknown }) => {
      const { page, per_page } = request.query as Query;
      return listed([], { page, per_page }, { key, present: () => ({}) });
    };
    app.get(`/${collection}`, empty(collection));
    app.get(`/${collection}/actions`, empty("actions"));
    app.post(`/${collection}`, () => unsupported(collection.replaceAll("_", " ")));
    const none = ({ params }: { params: unknown }): never => {
      throw notFound(kind, (params as Params["Params"]).id);
    };
    app.all(`/${collection}/:id`, none);
    app.all(`/${collection}/:id/*`, none);
  }
  for (const name of ABSENT_ACTIONS) {
    app.post(`/servers/:id/actions/${name}`, () => unsupported(`server action ${name}`));
  }
  app.get("/servers/:id/metrics", () => unsupported("metrics"));
  for (const path of ["/datacenters", "/datacenters/:id"]) {
    app.get(path, () => {
      const details = { announcement: ANNOUNCEMENT };
      throw new ApiError("deprecated_api_endpoint", "data centers were removed from the API; use locations", details);
    });
  }
}

function unsupported(what: string): never {
  throw new ApiError("unsupported_error", `the lab's cloud has no ${what}`);
}
