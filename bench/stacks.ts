import { z } from 'zod';
import { type ConsumerHeartbeat, consumersCollection } from '#orders/consumer/consumers.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { rejectOnAbort, waitUntil } from '../dev/waits.js';
import { consumerDefinition } from '../dev/supervisor/app-definitions.js';
import type { App } from '../dev/supervisor/apps.js';
import { DEFAULT_PARTITIONS } from '../dev/supervisor/stack-options.js';
import { TemporaryStack } from '../dev/supervisor/temporary-stack.js';

// The system of `npm start` as benchmarks use it: on free ports and temporary data.

/** Where a benchmark reports its progress, and what ends it. */
export interface Progress {
  /** Receives progress lines. */
  readonly print: (line: string) => void;
  /** Ends running work. */
  readonly signal: AbortSignal;
}

interface StackOptions {
  readonly tool?: string;
  readonly flags: readonly string[];
  /** Environment variables of all apps. */
  readonly env?: NodeJS.ProcessEnv;
  readonly neededMiB: number;
}

/** Gives work a system with these flags of `npm start`. Leaves nothing behind. */
export async function withStack<T>(
  { print, signal }: Progress,
  { tool = 'orders-bench', ...options }: StackOptions,
  work: (stack: TemporaryStack) => Promise<T>,
): Promise<T> {
  const stack = await TemporaryStack.start({ tool, ...options, print, signal });
  try {
    return await work(stack);
  } finally {
    await stack.stop();
  }
}

/** Gives work a client of a database, and closes it. */
export async function withMongo<T>(uri: string, work: (mongo: Mongo) => Promise<T>): Promise<T> {
  const mongo = new Mongo(uri, 'bench');
  try {
    return await work(mongo);
  } finally {
    await mongo.client.close();
  }
}

/** Returns the pid of a process of a stack, such as of `consumer-1`. */
export function pidOf(stack: TemporaryStack, name: string): number {
  return stack.processes().find((process) => process.name === name)?.pid ?? 0;
}

const count = z.int().min(0);
const time = z.iso.datetime().transform((written) => new Date(written));

const OperationSchema = z.object({
  id: z.uuid(),
  status: z.enum(['running', 'paused', 'succeeded', 'cancelled', 'failed']),
  acked: count,
  saved: count.nullable(),
  deadLettered: count.nullable(),
  startedAt: time.nullable(),
  finishedAt: time.nullable(),
  seed: z.int(),
  count,
  firstNumber: z.int(),
  accounts: z.int(),
  from: time,
  to: time,
});

/** A populate, as far as benchmarks need it. */
export type FollowedOperation = z.infer<typeof OperationSchema>;

/** Generous, because on a fully loaded machine an answer may take seconds. */
const TIMEOUT_MS = 30_000;

/** Client of the producer's HTTP API. */
export class ProducerClient {
  constructor(
    private readonly url: string,
    private readonly signal: AbortSignal,
    /** Of a stack that requires one. */
    private readonly token?: string,
  ) {}

  /** Starts a populate with defaults except for what is given. */
  async populate(request: {
    readonly count: number;
    readonly ratePerSecond?: number;
    readonly seed?: number;
    readonly accounts?: number;
  }): Promise<FollowedOperation> {
    const headers = { 'content-type': 'application/json' };
    return this.request('/v1/populate', { method: 'POST', headers, body: JSON.stringify(request) });
  }

  async operation(id: string): Promise<FollowedOperation> {
    return this.request(`/v1/operations/${id}`);
  }

  private async request(path: string, init: RequestInit = {}): Promise<FollowedOperation> {
    const signal = AbortSignal.any([this.signal, AbortSignal.timeout(TIMEOUT_MS)]);
    const headers = new Headers(init.headers);
    if (this.token !== undefined) headers.set('authorization', `Bearer ${this.token}`);
    const response = await fetch(`${this.url}${path}`, { ...init, headers, signal });
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
    return OperationSchema.parse(await response.json());
  }
}

/** The environment variables of the consumers. */
export type ConsumerSettings = Readonly<
  Record<'IN_FLIGHT_LIMIT' | 'ORDERING' | 'SAVE_DELAY_MS' | 'SAVE_DELAY_SEED', string>
>;

const DRAIN_BUDGET_MS = 15_000;
const SETTLED_WITHIN_MS = 60_000;
const SETTLED_POLL_MS = 50;

/** The servers and the producer of `npm start`. The consumers change from run to run. After stop() no process and no file is left. */
export class ConsumingStack {
  readonly mongo: Mongo;
  readonly producer: ProducerClient;
  private consumers: App[] = [];
  private settings: ConsumerSettings | undefined;

  private constructor(
    private readonly stack: TemporaryStack,
    private readonly signal: AbortSignal,
  ) {
    this.mongo = new Mongo(stack.addresses.MONGODB_URI, 'bench');
    this.producer = new ProducerClient(stack.url('PRODUCER_PORT'), signal);
  }

  /** Resolves when servers and producer are ready. @throws StackError, or the abort reason; everything is cleaned up first */
  static async start({ print, signal }: Progress): Promise<ConsumingStack> {
    const apps = { producer: 1, 'query-api': 0, console: 0, consumer: 0 };
    const plan = { tool: 'orders-compare', apps, env: { LOG_LEVEL: 'warn' }, print, signal };
    return new ConsumingStack(await TemporaryStack.start(plan), signal);
  }

  /** Returns the apps and servers that are running. */
  processes(): ReturnType<TemporaryStack['processes']> {
    return this.stack.processes();
  }

  async heartbeats(): Promise<ConsumerHeartbeat[]> {
    return consumersCollection(this.mongo.db).find().toArray();
  }

  /**
   * Ensures that `count` consumers with these settings run, and waits until they share the partitions. Keeps those with the same settings.
   * @throws Error if they don't within a minute
   */
  async consume(consumers: number, settings: ConsumerSettings): Promise<void> {
    const isSame = JSON.stringify(settings) === JSON.stringify(this.settings);
    if (!isSame || this.consumers.length > consumers) await this.drain();
    this.settings = settings;
    const { context, apps } = this.stack;
    const added: App[] = [];
    while (this.consumers.length < consumers) {
      const n = this.consumers.length + 1;
      const app = apps.make(consumerDefinition({ ...context, env: { ...context.env, ...settings } }, n));
      this.consumers.push(app);
      added.push(app);
    }
    await this.unlessAborted(Promise.all(added.map(async (app) => app.start())));
    const settled = async () => areSettled(await this.heartbeats(), consumers, DEFAULT_PARTITIONS) || undefined;
    await waitUntil('consumers that share the partitions', SETTLED_WITHIN_MS, this.signal, settled, SETTLED_POLL_MS);
  }

  /** Ends everything and removes the data, in any state. */
  async stop(): Promise<void> {
    await this.mongo.client.close();
    await this.stack.stop();
  }

  /** Kills everything at once, and leaves the data. */
  kill(): void {
    this.stack.kill();
  }

  /** Drains the consumers: a killed member would keep its partitions until its session times out. */
  private async drain(): Promise<void> {
    // `consumers` is reset only afterwards: after an abort, stop() must still find them.
    await this.unlessAborted(this.stack.apps.stop(this.consumers, DRAIN_BUDGET_MS));
    this.consumers = [];
  }

  private async unlessAborted<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, rejectOnAbort(this.signal)]);
  }
}

/** Returns whether, by the heartbeats, exactly `consumers` consumers are ready and share all partitions evenly, without overlap. */
export function areSettled(
  heartbeats: readonly Pick<ConsumerHeartbeat, 'notReadyBecause' | 'partitions'>[],
  consumers: number,
  partitions: number,
): boolean {
  const owned = heartbeats.flatMap((each) => each.partitions.map(({ partition }) => partition));
  const fewest = Math.floor(partitions / consumers);
  return (
    heartbeats.length === consumers &&
    heartbeats.every((each) => each.notReadyBecause === null && each.partitions.length >= fewest) &&
    owned.length === partitions &&
    new Set(owned).size === partitions
  );
}
