import { Mongo } from '#service/mongodb/mongo.js';
import { rejectOnAbort } from '../machine/abortion.js';
import { consumerDefinition } from '../supervisor/app-definitions.js';
import type { App } from '../supervisor/app.js';
import { TemporaryStack } from '../supervisor/temporary-stack.js';

/** The environment variables of the consumers. */
export type ConsumerSettings = Readonly<
  Record<'IN_FLIGHT_LIMIT' | 'ORDERING' | 'SAVE_DELAY_MS' | 'SAVE_DELAY_SEED', string>
>;

export interface ComparisonStackOptions {
  readonly print: (line: string) => void;
  /** Aborts the start. */
  readonly signal: AbortSignal;
}

const DRAIN_BUDGET_MS = 15_000;

/** The servers and the producer of `npm start`. The consumers change from way to way. After stop() no process and no file is left. */
export class ComparisonStack {
  readonly mongo: Mongo;
  private consumers: App[] = [];
  private settings: ConsumerSettings | undefined;

  private constructor(
    private readonly stack: TemporaryStack,
    private readonly signal: AbortSignal,
  ) {
    this.mongo = new Mongo(stack.addresses.MONGODB_URI, 'compare');
  }

  /** Resolves when servers and producer are ready. @throws StackError, or the abort reason; everything is cleaned up first */
  static async start({ print, signal }: ComparisonStackOptions): Promise<ComparisonStack> {
    const apps = { producer: 1, 'query-api': 0, console: 0, consumer: 0 };
    const env = { LOG_LEVEL: 'warn' };
    return new ComparisonStack(
      await TemporaryStack.start({ tool: 'orders-compare', apps, env, print, signal }),
      signal,
    );
  }

  get producerUrl(): string {
    return this.stack.url('PRODUCER_PORT');
  }

  /** Returns the apps and servers that are running. */
  processes(): ReturnType<TemporaryStack['processes']> {
    return this.stack.processes();
  }

  /** Ensures that `count` consumers with these settings run; keeps those with the same settings. Resolves when all are ready. */
  async consume(count: number, settings: ConsumerSettings): Promise<void> {
    const isSame = JSON.stringify(settings) === JSON.stringify(this.settings);
    if (!isSame || this.consumers.length > count) await this.drain();
    this.settings = settings;
    const { context, apps } = this.stack;
    const added: App[] = [];
    while (this.consumers.length < count) {
      const n = this.consumers.length + 1;
      const app = apps.make(consumerDefinition({ ...context, env: { ...context.env, ...settings } }, n));
      this.consumers.push(app);
      added.push(app);
    }
    await this.unlessAborted(Promise.all(added.map(async (app) => app.start())));
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
