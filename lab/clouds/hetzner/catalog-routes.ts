import type { FastifyInstance } from "fastify";
import { presentAction } from "./actions";
import {
  DATACENTERS,
  IMAGES,
  LOCATIONS,
  presentDatacenter,
  presentImage,
  presentServerType,
  SERVER_TYPES,
} from "./catalog";
import { filterBy, paginate, sorted, valuesOf, type Query } from "./list";
import type { ActionRecord } from "./model";
import { find, type Project } from "./project";

interface Entry {
  id: number;
  name: string;
}

/** Routes of what the cloud offers: server types, images, locations, data centers. */
export function catalogRoutes(app: FastifyInstance): void {
  register(app, "server_types", "server_type", SERVER_TYPES, presentServerType);
  register(app, "locations", "location", LOCATIONS, (location) => location);
  register(app, "datacenters", "datacenter", DATACENTERS, presentDatacenter);
  register(app, "images", "image", IMAGES, presentImage, (images, query) => {
    const architectures = valuesOf(query, "architecture");
    const types = valuesOf(query, "type");
    const matches =
      (architectures.length === 0 || architectures.includes("x86")) && (types.length === 0 || types.includes("system"));
    return matches ? images : [];
  });
}

/** Routes of `/actions`, over all resources. */
export function actionRoutes(app: FastifyInstance, project: Project): void {
  app.get("/actions", (request) => {
    const query = request.query as Query;
    const byId = filterBy(project.state.actions, query, "id", (action) => String(action.id));
    const matching = filterBy(byId, query, "status", (action) => action.status);
    const fields = {
      id: (action: ActionRecord) => action.id,
      command: (action: ActionRecord) => action.command,
      status: (action: ActionRecord) => action.status,
      started: (action: ActionRecord) => action.started,
      finished: (action: ActionRecord) => action.finished ?? "",
    };
    return paginate(sorted(matching, query, fields), query, "actions", presentAction);
  });
  app.get<{ Params: { id: string } }>("/actions/:id", ({ params }) => ({
    action: presentAction(project.actions.get(params.id)),
  }));
  for (const [collection, type] of [
    ["firewalls", "firewall"],
    ["primary_ips", "primary_ip"],
  ] as const) {
    app.get<{ Params: { id: string } }>(`/${collection}/:id/actions`, ({ params, query }) => {
      const actions = project.state.actions.filter((action) =>
        action.resources.some((resource) => resource.type === type && String(resource.id) === params.id),
      );
      return paginate(actions, query as Query, "actions", presentAction);
    });
  }
}

function register<T extends Entry>(
  app: FastifyInstance,
  collection: string,
  single: string,
  entries: readonly T[],
  present: (entry: T) => object,
  select: (entries: T[], query: Query) => T[] = (all) => all,
): void {
  app.get(`/${collection}`, (request) => {
    const query = request.query as Query;
    const named = filterBy(select([...entries], query), query, "name", (entry) => entry.name);
    const fields = { id: (entry: T) => entry.id, name: (entry: T) => entry.name };
    return paginate(sorted(named, query, fields), query, collection, present);
  });
  app.get<{ Params: { id: string } }>(`/${collection}/:id`, ({ params }) => ({
    [single]: present(find([...entries], single.replace("_", " "), params.id)),
  }));
}
