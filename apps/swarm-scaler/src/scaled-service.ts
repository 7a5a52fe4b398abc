import { HttpStatus } from '@nestjs/common';
import { Agent, fetch, type Response } from 'undici';
import { z } from 'zod';
import { systemClock, type Clock } from '@orders-pipeline/clock';
import { Problem } from '#service/http/problem.js';
import { timeLimit } from '#orders/time-limit.js';

/** Docker 20.10, the first that has jobs and the number of running tasks. */
const API = 'http://docker/v1.41';
const WITHIN_MS = timeLimit(10_000);

/** The API of a Docker engine, by its socket. */
export class DockerEngine {
  private readonly dispatcher: Agent;

  /** @param socket the path of the engine's socket */
  constructor(private readonly socket: string) {
    this.dispatcher = new Agent({ connect: { socketPath: socket } });
  }

  /** Returns the parsed response. @throws Problem 503 `docker-away`, or 502 `docker-refuses` with the engine's reason */
  async get(path: string): Promise<unknown> {
    return this.parse(await this.send(path, { method: 'GET' }));
  }

  /** Sends a JSON body. @returns the parsed response. @throws as `get` */
  async post(path: string, body: unknown): Promise<unknown> {
    const headers = { 'content-type': 'application/json' };
    return this.parse(await this.send(path, { method: 'POST', headers, body: JSON.stringify(body) }));
  }

  async close(): Promise<void> {
    await this.dispatcher.close();
  }

  private async send(
    path: string,
    init: { method: string; headers?: Record<string, string>; body?: string },
  ): Promise<Response> {
    try {
      return await fetch(`${API}${path}`, {
        ...init,
        dispatcher: this.dispatcher,
        signal: AbortSignal.timeout(WITHIN_MS),
      });
    } catch (cause) {
      const problem = new Problem(
        HttpStatus.SERVICE_UNAVAILABLE,
        'docker-away',
        `The Docker engine does not answer at ${this.socket}.`,
        {},
        { 'Retry-After': '5' },
      );
      problem.cause = cause;
      throw problem;
    }
  }

  private async parse(response: Response): Promise<unknown> {
    const text = await response.text();
    if (response.ok) return text === '' ? undefined : JSON.parse(text);
    throw new Problem(
      HttpStatus.BAD_GATEWAY,
      'docker-refuses',
      `The Docker engine answers ${response.status}: ${text.slice(0, 300).trim()}`,
    );
  }
}

/** The used part of a service, as the engine describes it. The rest of `Spec` is sent back unchanged. */
const ServiceSchema = z.object({
  ID: z.string(),
  Version: z.object({ Index: z.number() }),
  Spec: z.looseObject({
    Mode: z.looseObject({ Replicated: z.looseObject({ Replicas: z.int() }).optional() }),
  }),
  UpdateStatus: z.object({ State: z.string() }).optional(),
});
const TasksSchema = z.array(z.object({ Status: z.object({ State: z.string() }) }));

type Service = z.infer<typeof ServiceSchema>;

/** States of an update that changes tasks now. */
const UPDATING = new Set(['updating', 'rollback_started']);
const ATTEMPTS = 3;
/** How long the result of a check is used. */
const CHECK_VALID_MS = 5_000;

/** How many consumers are wanted, and how many run. */
export interface Replicas {
  readonly replicas: number;
  /** Tasks in the state `running`: their health check passes. */
  readonly running: number;
}

/** The only service that is scaled. Changes its number of replicas, and nothing else. */
export class ScaledService {
  private checked: { readonly result: Promise<Replicas>; until: number } | undefined;

  constructor(
    private readonly engine: Pick<DockerEngine, 'get' | 'post'>,
    private readonly options: { readonly name: string; readonly min: number; readonly max: number },
    private readonly clock: Pick<Clock, 'now'> = systemClock,
  ) {}

  /**
   * Checks that the engine answers for the service. Needs no token, so its result is used for 5 s: clients can't make this process load
   * the engine of a manager.
   * @throws Problem as `read`
   */
  async check(): Promise<void> {
    if (this.checked === undefined || this.clock.now() >= this.checked.until) {
      // One that is under way is used until it ends.
      const checked = { result: this.read(), until: Number.POSITIVE_INFINITY };
      const end = (): void => void (checked.until = this.clock.now() + CHECK_VALID_MS);
      checked.result.then(end, end);
      this.checked = checked;
    }
    await this.checked.result;
  }

  async read(): Promise<Replicas> {
    return this.describe(await this.service());
  }

  /**
   * Sets the number of replicas. Resolves when Swarm has accepted it, not when the tasks run.
   * @throws Problem 409 `beyond-bounds`, or `update-in-progress`: scaling would make the version that is being rolled out the one that
   * a failed update is rolled back to
   */
  async scale(wanted: number): Promise<Replicas> {
    const { min, max } = this.options;
    if (wanted < min || wanted > max)
      throw new Problem(
        HttpStatus.CONFLICT,
        'beyond-bounds',
        `replicas must be an integer from ${min} to ${max} (settings SCALER_MIN and SCALER_MAX), got ${wanted}.`,
      );
    for (let attempt = 1; ; attempt += 1) {
      const service = await this.service();
      if (replicasOf(service) === wanted) return this.describe(service);
      this.requireNoUpdate(service);
      try {
        await this.update(service, wanted);
        return await this.read();
      } catch (error) {
        if (attempt === ATTEMPTS || !isOutdated(error)) throw error;
      }
    }
  }

  private async update({ ID, Version, Spec }: Service, wanted: number): Promise<void> {
    const Mode = { ...Spec.Mode, Replicated: { ...Spec.Mode.Replicated, Replicas: wanted } };
    await this.engine.post(`/services/${ID}/update?version=${Version.Index}&registryAuthFrom=spec`, { ...Spec, Mode });
  }

  private requireNoUpdate({ UpdateStatus }: Service): void {
    if (!UPDATING.has(UpdateStatus?.State ?? '')) return;
    throw new Problem(
      HttpStatus.CONFLICT,
      'update-in-progress',
      `${this.options.name} is being updated: its replicas can be set when the update has ended.`,
      {},
      { 'Retry-After': '30' },
    );
  }

  private async service(): Promise<Service> {
    const service = ServiceSchema.parse(
      await this.engine.get(`/services/${encodeURIComponent(this.options.name)}?insertDefaults=false`),
    );
    replicasOf(service);
    return service;
  }

  private async describe(service: Service): Promise<Replicas> {
    const filters = encodeURIComponent(JSON.stringify({ service: [service.ID], 'desired-state': ['running'] }));
    const tasks = TasksSchema.parse(await this.engine.get(`/tasks?filters=${filters}`));
    return {
      replicas: replicasOf(service),
      running: tasks.filter(({ Status }) => Status.State === 'running').length,
    };
  }
}

function replicasOf({ Spec }: Service): number {
  const replicas = Spec.Mode.Replicated?.Replicas;
  if (replicas !== undefined) return replicas;
  throw new Problem(HttpStatus.CONFLICT, 'not-replicated', 'The service is not in the mode `replicated`.');
}

/** Swarm refuses an update of a version that another client has changed meanwhile. */
function isOutdated(error: unknown): boolean {
  return error instanceof Problem && /update out of sequence/.test(error.detail);
}
