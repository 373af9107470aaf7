import type { FastifyInstance } from "fastify";
import { presentAction } from "./actions";
import { ApiError } from "./errors";
import { FIREWALL_RULES, parseRules, presentRule, type RuleBody } from "./firewall-rules";
import { checkLabels, parseSelector } from "./labels";
import { listed, type Query } from "./list";
import type { ActionRecord, FirewallRecord, FirewallTarget, ServerRecord } from "./model";
import { remove, requireUniqueName, type Project } from "./project";

interface TargetBody {
  type: "server" | "label_selector";
  server?: { id: number };
  label_selector?: { selector: string };
}

interface FirewallBody {
  name: string;
  labels?: unknown;
  rules?: RuleBody[];
  apply_to?: TargetBody[];
}

interface IdParams {
  Params: { id: string };
}

const NAME = { type: "string", minLength: 1, maxLength: 128 };
const TARGETS = {
  type: "array",
  items: {
    type: "object",
    required: ["type"],
    properties: {
      type: { type: "string", enum: ["server", "label_selector"] },
      server: { type: "object", required: ["id"], properties: { id: { type: "integer" } } },
      label_selector: {
        type: "object",
        required: ["selector"],
        properties: { selector: { type: "string", minLength: 1 } },
      },
    },
  },
};

/** Routes of `/firewalls` and their actions. */
export function firewallRoutes(app: FastifyInstance, project: Project): void {
  const firewalls = project.state.firewalls;
  const present = (firewall: FirewallRecord): object => presentFirewall(project, firewall);
  app.get("/firewalls", ({ query }) =>
    listed(firewalls, query as Query, {
      key: "firewalls",
      present,
      filters: { name: { of: ({ name }) => name } },
      labels: ({ labels }) => labels,
      sort: { id: ({ id }) => id, name: ({ name }) => name, created: ({ created }) => created },
    }),
  );
  app.get<IdParams>("/firewalls/:id", ({ params }) => ({ firewall: present(project.firewall(params.id)) }));
  const properties = { name: NAME, rules: FIREWALL_RULES, apply_to: TARGETS };
  app.post(
    "/firewalls",
    { schema: { body: { type: "object", required: ["name"], properties } } },
    ({ body }, reply) => {
      const { firewall, actions } = create(project, body as FirewallBody);
      void reply.code(201);
      return { firewall: present(firewall), actions: actions.map(presentAction) };
    },
  );
  app.put<IdParams>(
    "/firewalls/:id",
    { schema: { body: { type: "object", properties: { name: NAME } } } },
    ({ params, body }) => {
      const firewall = project.firewall(params.id);
      const { name, labels } = body as Partial<FirewallBody>;
      if (name !== undefined) requireUniqueName(firewalls, "firewall", name, firewall.id);
      const checked = labels === undefined ? firewall.labels : checkLabels(labels);
      Object.assign(firewall, { name: name ?? firewall.name, labels: checked });
      project.save();
      return { firewall: present(firewall) };
    },
  );
  app.delete<IdParams>("/firewalls/:id", async ({ params }, reply) => {
    const firewall = project.firewall(params.id);
    if (firewall.appliedTo.length > 0) {
      throw new ApiError("resource_in_use", `firewall with ID '${firewall.id}' is still in use`);
    }
    remove(firewalls, firewall);
    project.save();
    return reply.code(204).send();
  });
  actionRoutes(app, project);
}

function actionRoutes(app: FastifyInstance, project: Project): void {
  const post = (
    name: string,
    field: string,
    schema: object,
    change: (firewall: FirewallRecord, value: never) => ActionRecord[],
  ) =>
    app.post<IdParams>(
      `/firewalls/:id/actions/${name}`,
      { schema: { body: { type: "object", required: [field], properties: { [field]: schema } } } },
      ({ params, body }, reply) => {
        const actions = change(project.firewall(params.id), (body as Record<string, never>)[field] as never);
        project.save();
        void reply.code(201);
        return { actions: actions.map(presentAction) };
      },
    );
  post("set_rules", "rules", FIREWALL_RULES, (firewall, rules: RuleBody[]) => {
    firewall.rules = parseRules(rules);
    const own = project.actions.done("set_firewall_rules", [{ id: firewall.id, type: "firewall" }]);
    return [own, ...enforce(project, "apply_firewall", project.serversOf(firewall), firewall.id)];
  });
  post("apply_to_resources", "apply_to", TARGETS, (firewall, bodies: TargetBody[]) => apply(project, firewall, bodies));
  post("remove_from_resources", "remove_from", TARGETS, (firewall, bodies: TargetBody[]) =>
    withdraw(project, firewall, bodies),
  );
}

/** Puts the rules that now hold in front of these servers, one action a server. */
export function enforce(
  project: Project,
  command: string,
  servers: ServerRecord[],
  firewallId?: number,
): ActionRecord[] {
  return servers.map((server) =>
    project.actions.start(command, [
      { id: server.id, type: "server" },
      ...(firewallId === undefined ? [] : [{ id: firewallId, type: "firewall" as const }]),
    ]),
  );
}

/** The background work of firewalls. */
export function defineFirewallJobs(project: Project): void {
  const job = async (action: ActionRecord): Promise<void> => {
    const id = action.resources.find((resource) => resource.type === "server")?.id;
    const server = project.state.servers.find((entry) => entry.id === id);
    if (server?.made) await project.machines.setFirewall(server.id, project.rulesOf(server));
  };
  project.actions.define("apply_firewall", job);
  project.actions.define("remove_firewall", job);
}

function create(project: Project, body: FirewallBody): { firewall: FirewallRecord; actions: ActionRecord[] } {
  requireUniqueName(project.state.firewalls, "firewall", body.name);
  const labels = checkLabels(body.labels);
  const rules = parseRules(body.rules ?? []);
  const appliedTo = (body.apply_to ?? []).map((target) => parseTarget(project, target));
  const created = new Date().toISOString();
  const firewall: FirewallRecord = { id: project.newId(), name: body.name, rules, appliedTo, labels, created };
  project.state.firewalls.push(firewall);
  const own = project.actions.done("set_firewall_rules", [{ id: firewall.id, type: "firewall" }]);
  const actions = [own, ...enforce(project, "apply_firewall", project.serversOf(firewall), firewall.id)];
  project.save();
  return { firewall, actions };
}

function apply(project: Project, firewall: FirewallRecord, bodies: TargetBody[]): ActionRecord[] {
  const targets = bodies.map((body) => parseTarget(project, body));
  if (targets.some((target) => firewall.appliedTo.some((entry) => isSame(entry, target)))) {
    throw new ApiError("firewall_already_applied", "firewall is already applied to that resource");
  }
  const before = project.serversOf(firewall);
  firewall.appliedTo.push(...targets);
  const added = project.serversOf(firewall).filter((server) => !before.includes(server));
  return enforce(project, "apply_firewall", added, firewall.id);
}

function withdraw(project: Project, firewall: FirewallRecord, bodies: TargetBody[]): ActionRecord[] {
  const targets = bodies.map((body) => parseTarget(project, body));
  const before = project.serversOf(firewall);
  for (const target of targets) {
    if (firewall.appliedTo.some((entry) => isSame(entry, target))) continue;
    if ("server" in target && before.some((server) => server.id === target.server)) {
      throw new ApiError(
        "firewall_managed_by_label_selector",
        "firewall is applied to that server by a label selector",
      );
    }
  }
  firewall.appliedTo = firewall.appliedTo.filter((entry) => !targets.some((target) => isSame(entry, target)));
  const after = project.serversOf(firewall);
  return enforce(
    project,
    "remove_firewall",
    before.filter((server) => !after.includes(server)),
    firewall.id,
  );
}

function parseTarget(project: Project, body: TargetBody): FirewallTarget {
  if (body.type === "label_selector" && body.label_selector) {
    parseSelector(body.label_selector.selector);
    return { selector: body.label_selector.selector };
  }
  const id = body.server?.id;
  if (body.type !== "server" || !project.state.servers.some((server) => server.id === id)) {
    throw new ApiError(
      "firewall_resource_not_found",
      `${body.type} ${id ?? ""} to apply the firewall to was not found`,
    );
  }
  return { server: id as number };
}

function isSame(a: FirewallTarget, b: FirewallTarget): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function presentFirewall(project: Project, firewall: FirewallRecord): object {
  const { id, name, labels, created, rules } = firewall;
  const applied_to = firewall.appliedTo.map((target) => {
    if ("server" in target) return { type: "server", server: { id: target.server } };
    const matches = parseSelector(target.selector);
    const servers = project.state.servers.filter((server) => matches(server.labels));
    return {
      type: "label_selector",
      label_selector: { selector: target.selector },
      applied_to_resources: servers.map((server) => ({ type: "server", server: { id: server.id } })),
    };
  });
  return { id, name, labels, created, rules: rules.map(presentRule), applied_to };
}
