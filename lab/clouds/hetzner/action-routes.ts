import type { FastifyInstance } from "fastify";
import { presentAction } from "./actions";
import { IMAGES } from "./catalog";
import { ApiError } from "./errors";
import { listed, valuesOf, type Listing, type Query } from "./list";
import type { ActionRecord, ResourceReference } from "./model";
import { find, type Project } from "./project";

interface Params {
  Params: { id: string; action: string };
}

/** Where listing all actions of a project was announced to end; it did on 30 January 2025. */
const ANNOUNCEMENT = "https://docs.hetzner.cloud/changelog#2023-07-20-actions-list-endpoint-is-deprecated";

const ACTIONS: Listing<ActionRecord> = {
  key: "actions",
  present: presentAction,
  filters: { status: { of: (action) => action.status, values: ["running", "success", "error"] } },
  sort: {
    id: (action) => action.id,
    command: (action) => action.command,
    status: (action) => action.status,
    started: (action) => action.started,
    finished: (action) => action.finished ?? "",
  },
};

/** Lists over all resources of a kind can also be filtered by the actions' ids. */
const WITH_ID: Listing<ActionRecord> = {
  ...ACTIONS,
  filters: { ...ACTIONS.filters, id: { of: (action) => String(action.id) } },
};

/**
 * Routes of `/actions`, `/{kind}/actions[/{id}]` and `/{kind}/{id}/actions[/{id}]` of every kind that has actions here.
 */
export function actionRoutes(app: FastifyInstance, project: Project): void {
  app.get("/actions", ({ query }) => {
    if (valuesOf(query as Query, "id").length === 0) {
      const details = { announcement: ANNOUNCEMENT };
      throw new ApiError("deprecated_api_endpoint", "actions are listed by their ids only: give id", details);
    }
    return listed(project.state.actions, query as Query, WITH_ID);
  });
  app.get<Params>("/actions/:action", ({ params }) => ({
    action: presentAction(project.actions.get(params.action)),
  }));
  actionsOf(app, project, "servers", "server", (id) => project.server(id));
  actionsOf(app, project, "primary_ips", "primary_ip", (id) => project.primaryIp(id));
  actionsOf(app, project, "firewalls", "firewall", (id) => project.firewall(id));
  actionsOf(app, project, "images", "image", (id) => find([...IMAGES], "image", id));
}

function actionsOf(
  app: FastifyInstance,
  project: Project,
  collection: string,
  type: ResourceReference["type"],
  get: (id: string) => { id: number },
): void {
  const all = (id?: number): ActionRecord[] =>
    project.state.actions.filter((action) =>
      action.resources.some((resource) => resource.type === type && (id === undefined || resource.id === id)),
    );
  const one = (actions: ActionRecord[], id: string): object => ({ action: presentAction(find(actions, "action", id)) });
  app.get(`/${collection}/actions`, ({ query }) => listed(all(), query as Query, WITH_ID));
  app.get<Params>(`/${collection}/actions/:action`, ({ params }) => one(all(), params.action));
  app.get<Params>(`/${collection}/:id/actions`, ({ params, query }) =>
    listed(all(get(params.id).id), query as Query, ACTIONS),
  );
  app.get<Params>(`/${collection}/:id/actions/:action`, ({ params }) => one(all(get(params.id).id), params.action));
}
