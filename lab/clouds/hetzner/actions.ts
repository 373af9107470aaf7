import type { StateFile } from "../state-file";
import { ApiError, notFound } from "./errors";
import type { ActionRecord, ProjectState, ResourceReference } from "./model";

/**
 * The work behind an action. It may run a second time when the service was stopped meanwhile: `resumed` is then true,
 * and whatever the first run left half-done is to be taken over.
 */
export type Job = (action: ActionRecord, resumed: boolean) => Promise<void>;

/** How long a job may take before its action fails, in milliseconds. */
const DEADLINE = 180_000;
/** Commands that lock their server: nothing else may change it meanwhile. */
const LOCKING = /^(create|start|stop|shutdown|reset|reboot|rebuild|delete|change)_server|^(un)?assign_primary_ip$/;
/** Finished actions that are kept. */
const KEPT = 500;

/** Runs actions: one after the other for each server, at the same time for different servers. */
export class Actions {
  private readonly jobs = new Map<string, Job>();
  private readonly queues = new Map<string, Promise<void>>();

  /**
   * @param log receives one line for each finished action
   * @param before is waited for before an action's work, however long that takes; the action fails when it does
   */
  constructor(
    private readonly file: StateFile<ProjectState>,
    private readonly log: (line: string) => void,
    private readonly before: (command: string) => Promise<void> = async () => undefined,
  ) {}

  /** Says what an action's command does. */
  define(command: string, job: Job): void {
    this.jobs.set(command, job);
  }

  /** Makes an action that runs in the background, after the earlier ones of its server. */
  start(command: string, resources: ResourceReference[], parameters: Record<string, unknown> = {}): ActionRecord {
    const action = this.add(command, resources, parameters);
    this.enqueue(action, false);
    return action;
  }

  /** Makes an action whose work is done already. */
  done(command: string, resources: ResourceReference[]): ActionRecord {
    const action = this.add(command, resources, {});
    this.finish(action);
    return action;
  }

  /** Runs again what was running when the service stopped, in the order of creation. */
  resume(): void {
    for (const action of this.file.data.actions) if (action.status === "running") this.enqueue(action, true);
  }

  /** True while an action runs or waits that locks that server. */
  isBusy(serverId: number): boolean {
    const locks = (action: ActionRecord): boolean =>
      action.status === "running" && LOCKING.test(action.command) && queueOf(action) === `server ${serverId}`;
    return this.file.data.actions.some(locks);
  }

  /** @throws ApiError locked while an action of that server runs: the client may try again later */
  requireIdle(serverId: number): void {
    if (this.isBusy(serverId)) throw new ApiError("locked", "server is locked by a running action");
  }

  /** @throws ApiError not_found */
  get(id: string | number): ActionRecord {
    const action = this.file.data.actions.find((entry) => String(entry.id) === String(id));
    if (!action) throw notFound("action", id);
    return action;
  }

  /** Resolves when nothing runs or waits any more. */
  async idle(): Promise<void> {
    while (this.queues.size > 0) await Promise.all(this.queues.values());
  }

  private add(command: string, resources: ResourceReference[], parameters: Record<string, unknown>): ActionRecord {
    const state = this.file.data;
    const started = new Date().toISOString();
    const action: ActionRecord = { id: state.nextId++, command, status: "running", started, resources, parameters };
    state.actions.push(action);
    const finished = state.actions.filter((entry) => entry.status !== "running");
    if (finished.length > KEPT) state.actions.splice(state.actions.indexOf(finished[0] as ActionRecord), 1);
    return action;
  }

  private enqueue(action: ActionRecord, resumed: boolean): void {
    const key = queueOf(action);
    const tail = (this.queues.get(key) ?? Promise.resolve()).then(() => this.run(action, resumed));
    this.queues.set(key, tail);
    void tail.then(() => {
      if (this.queues.get(key) === tail) this.queues.delete(key);
    });
  }

  private async run(action: ActionRecord, resumed: boolean): Promise<void> {
    try {
      const job = this.jobs.get(action.command);
      if (!job) throw new Error(`no job is defined for ${action.command}`);
      await this.before(action.command);
      await withDeadline(job(action, resumed), DEADLINE);
      this.finish(action);
    } catch (error) {
      this.finish(action, error as Error);
    }
    this.file.save();
  }

  private finish(action: ActionRecord, error?: Error): void {
    action.status = error ? "error" : "success";
    action.finished = new Date().toISOString();
    action.parameters = {};
    if (error) action.error = { code: "action_failed", message: error.message };
    const subjects = action.resources.map(({ type, id }) => `${type} ${id}`).join(", ");
    this.log(`action ${action.id} ${action.command} (${subjects}): ${error ? `error: ${error.message}` : "success"}`);
  }
}

/** API form of an action. */
export function presentAction(action: ActionRecord): object {
  return {
    id: action.id,
    command: action.command,
    status: action.status,
    progress: action.status === "running" ? 0 : 100,
    started: action.started,
    finished: action.finished ?? null,
    error: action.error ?? null,
    resources: action.resources,
  };
}

function queueOf(action: ActionRecord): string {
  const server = action.resources.find((resource) => resource.type === "server");
  return server ? `server ${server.id}` : `action ${action.id}`;
}

async function withDeadline(work: Promise<void>, milliseconds: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not finished after ${milliseconds / 1000} s`)), milliseconds);
    timer.unref();
  });
  try {
    await Promise.race([work, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
