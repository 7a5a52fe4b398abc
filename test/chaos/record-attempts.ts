// Preloaded into a consumer (`node --import`). Writes each attempt, insert and commit of orders to a file ATTEMPTS_FILE-PID, without a change
// of the app: it wraps the handler that the app's own provider makes, the method that inserts a batch, and the broker's methods.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import { ORDERS_TOPIC } from '#orders/topics/topics.js';
import type {
  BatchItem,
  BatchResult,
  Broker,
  OpenRecord,
  ReportingHandler,
  TopicPartition,
} from '@orders-pipeline/parallel-consumer';
import { monotonicMs, TraceWriter, type Ending } from './attempts.js';

type Engine = typeof import('@orders-pipeline/parallel-consumer');
type Kafkajs = typeof import('@orders-pipeline/parallel-consumer/kafkajs');

/** What the recorder knows of the app's `OrderSaver`. */
interface Saver {
  handler: ReportingHandler;
  saveTogether?: (this: Saver, items: readonly BatchItem[]) => Promise<readonly BatchResult[]>;
}

interface Provider {
  readonly provide: unknown;
  useFactory: (...given: readonly unknown[]) => Saver;
}

const { ATTEMPTS_FILE = '', PRODUCT_DIRECTORY = '' } = process.env;
const consumer = join(PRODUCT_DIRECTORY, 'apps/consumer/src');
const productRequire = createRequire(join(consumer, 'main.js'));

/** An attempt as the handler gets it. */
class TracedAttempt implements OpenRecord {
  readonly record;
  readonly attempt;
  readonly id: number;

  constructor(
    private readonly item: OpenRecord,
    private readonly trace: TraceWriter,
  ) {
    this.record = item.record;
    this.attempt = item.attempt;
    const { partition, offset } = item.record;
    this.id = trace.started(partition, offset, item.attempt.fence, item.attempt.number);
  }

  report(error?: Error): void {
    this.trace.write(['ended', monotonicMs(), endingOf(error), [this.id]]);
    this.item.report(error);
  }
}

function endingOf(error: Error | undefined): Ending {
  if (error === undefined) return 'done';
  return 'code' in error && error.code === 'attempt-withdrawn' ? 'untried' : 'failed';
}

/** Wraps the handler that the app's provider of `OrderSaver` makes. */
async function traceHandler(trace: TraceWriter): Promise<void> {
  const { reportingHandler } = (await import(urlOf('@orders-pipeline/parallel-consumer'))) as Engine;
  const { OrderSaver } = (await importOf('order-saver.js')) as { OrderSaver: { prototype: Saver } };
  const { ConsumerModule } = (await importOf('consumer.module.js')) as { ConsumerModule: object };
  const provider = providersOf(ConsumerModule).find(({ provide }) => provide === OrderSaver);
  if (provider === undefined) throw new Error('the consumer has no provider of OrderSaver: update record-attempts.ts');
  const { useFactory } = provider;
  provider.useFactory = (...given) => {
    const saver = useFactory(...given);
    const { start } = saver.handler;
    const handler = reportingHandler((item) => start(new TracedAttempt(item, trace)));
    return Object.assign(saver, { handler });
  };
  traceInserts(OrderSaver.prototype, trace);
}

/** The providers of a module and of those that it imports. */
function providersOf(module: object): Provider[] {
  const imported = (Reflect.getMetadata('imports', module) ?? []) as object[];
  const own = (Reflect.getMetadata('providers', module) ?? []) as Provider[];
  return [...own, ...imported.filter((each) => typeof each === 'function').flatMap(providersOf)];
}

/** A batch counts as a start of its own: its records have waited since their attempts began. */
function traceInserts(saver: Saver, trace: TraceWriter): void {
  // oxlint-disable-next-line typescript/unbound-method -- called with `this` below
  const { saveTogether } = saver;
  if (saveTogether === undefined) throw new Error('OrderSaver has no method saveTogether: update record-attempts.ts');
  saver.saveTogether = async function traced(items) {
    const ids = items.map((item) => (item as TracedAttempt).id);
    trace.write(['insert-begins', monotonicMs(), ids]);
    trace.flush();
    try {
      const results = await saveTogether.call(this, items);
      trace.insertEnded(ids, results.map(endingOf));
      return results;
    } catch (error) {
      trace.write(['insert-ended', monotonicMs(), 'failed', ids]);
      throw error;
    }
  };
}

/** Wraps the methods that all brokers of the engine inherit. */
async function traceBroker(trace: TraceWriter): Promise<void> {
  const { KafkajsBroker } = (await import(urlOf('@orders-pipeline/parallel-consumer/kafkajs'))) as Kafkajs;
  const broker = Object.getPrototypeOf(KafkajsBroker.prototype) as Broker;
  // oxlint-disable-next-line typescript/unbound-method -- called with `this` below
  const { committed, commit, start } = broker;
  broker.committed = async function traced(this: Broker, partitions) {
    const requestedAt = monotonicMs();
    const positions = await committed.call(this, partitions);
    for (const { topic, partition, from: offset, metadata } of positions) {
      const owned = partitions.find((each) => each.partition === partition && each.topic === topic);
      if (topic !== ORDERS_TOPIC || !isOwnership(owned)) continue;
      const beginning = { fence: owned.fence, requestedAt, offset, metadata };
      trace.write(['began', monotonicMs(), partition, beginning]);
    }
    return positions;
  };
  broker.commit = async function traced(this: Broker, positions) {
    trace.flush();
    await commit.call(this, positions);
    for (const { topic, partition, offset } of positions)
      if (topic === ORDERS_TOPIC) trace.write(['committed', monotonicMs(), partition, offset]);
  };
  broker.start = async function traced(this: Broker, listener) {
    if (!this.topics.includes(ORDERS_TOPIC)) return start.call(this, listener);
    return start.call(this, {
      assigned: (partitions, kept, generation) => listener.assigned(partitions, kept, generation),
      rebalancing: async () => listener.rebalancing(),
      surrendering: async (partitions) => listener.surrendering(partitions),
      lost: (error) => {
        trace.write(['lost', monotonicMs(), codeOf(error)]);
        listener.lost(error);
      },
    });
  };
}

/** The engine asks for the positions of its own assignments, which have their fences. */
function isOwnership(owned: TopicPartition | undefined): owned is TopicPartition & { readonly fence: number } {
  return owned !== undefined && 'fence' in owned;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
}

/** URL of a package, as the tested product resolves it. */
function urlOf(name: string): string {
  return pathToFileURL(productRequire.resolve(name)).href;
}

/** Imports a module of the tested consumer. */
async function importOf(path: string): Promise<unknown> {
  return import(pathToFileURL(join(consumer, path)).href);
}

if (isMainThread) {
  const trace = new TraceWriter(`${ATTEMPTS_FILE}-${process.pid}`);
  await traceBroker(trace);
  await traceHandler(trace);
}
