import type { Attempt, RecordHandler } from '../attempts/record-handler.js';
import type { BatcherOptions } from './batch-queue.js';
import { Batcher } from './batcher.js';
import { AttemptWithdrawnError } from '../attempts/running-attempt.js';
import { checkOptions } from '../checks/check-options.js';
import { display, ofType, timer, withFunctions, type Check } from '../checks/value-checks.js';
import type { ConsumedRecord, OutgoingRecord } from '../records/record.js';
import type { RecordTrace } from '../events/record-tracer.js';

/** A record to produce, and its topic. */
export interface ProducedRecord extends OutgoingRecord {
  readonly topic: string;
}

/** What sends the outputs: a `ReliableProducer`, or several, if a topic that is unavailable must not delay the others. */
export interface OutputProducer {
  /** Resolves once all in-sync replicas have the records. Called for a topic while it still sends to another one. */
  send(topic: string, records: readonly OutgoingRecord[]): Promise<unknown>;
}

/** What to produce for a record, and what sends it. */
export interface ProduceHandlerOptions extends Partial<Pick<BatcherOptions, 'maxBatchWaitMs' | 'clock'>> {
  /** The caller closes it after the consumer has stopped. */
  readonly producer: OutputProducer;
  /** Returns what to produce for a record; empty: nothing. Anything but a list fails the record: OutputsError, code `outputs`. */
  readonly handle: (record: ConsumedRecord, attempt: Attempt) => Promise<readonly ProducedRecord[]>;
}

/** `handle` returned no list of records. */
export class OutputsError extends Error {
  override readonly name = 'OutputsError';
  readonly code = 'outputs';

  constructor(outputs: unknown) {
    super(`handle must return a list of records to produce, or [] for none, got ${display(outputs)}`);
  }
}

/** Inputs whose outputs are sent together. */
const MAX_BATCH_SIZE = 1_000;
/** The default of `maxBatchWaitMs`. */
const MAX_BATCH_WAIT_MS = 20;

const OPTION_CHECKS = {
  producer: withFunctions('send'),
  handle: ofType('function'),
  maxBatchWaitMs: timer(0),
  clock: withFunctions('now', 'after'),
} satisfies Record<keyof ProduceHandlerOptions, Check>;

type Outputs = readonly ProducedRecord[];

/** The outputs of an input for one topic. */
interface Item {
  readonly attempt: Pick<Attempt, 'isCurrent'>;
  readonly records: Outputs;
}

/**
 * Creates a record handler that produces records: consume, process, produce.
 *
 * Guarantees: the outputs of a record are acknowledged by all in-sync replicas before its offset is committed, so none is lost. With
 * `ordering: 'key'`, the outputs for one partition have the order of the inputs of each key. A record whose outputs Kafka rejects for good
 * fails alone.
 *
 * Not guaranteed: that an output is produced once. It is repeated, with its neighbours, after a crash, a rebalance that aborts the attempt, or an
 * acknowledgement that was lost; so it needs an id that follows from its input, such as topic, partition and offset. Transactions (KIP-447)
 * are not used: with thousands of records in flight, each commit would wait for the slowest of them.
 * @throws TypeError or RangeError that names a wrong, missing or unknown option
 */
export function produceHandler(options: ProduceHandlerOptions): RecordHandler {
  checkOptions(options, { checks: OPTION_CHECKS, required: ['producer', 'handle'] });
  const { producer, handle, ...batching } = options;
  const batchers = new Map<string, Batcher<Item, Error | undefined>>();
  const batcherOf = (topic: string): Batcher<Item, Error | undefined> => {
    const limits = { maxBatchSize: MAX_BATCH_SIZE, maxBatchWaitMs: MAX_BATCH_WAIT_MS, ...batching };
    const batcher = batchers.get(topic) ?? new Batcher(async (items) => sendCurrent(producer, topic, items), limits);
    batchers.set(topic, batcher);
    return batcher;
  };
  return async (record, attempt) => {
    const outputs = await handle(record, attempt);
    if (!Array.isArray(outputs)) throw new OutputsError(outputs);
    const traced = traceOutputs(outputs as Outputs, attempt.trace);
    const byTopic = [...Map.groupBy(traced, ({ topic }) => topic)];
    const failures = await Promise.all(
      byTopic.map(async ([topic, records]) => batcherOf(topic).add({ attempt, records })),
    );
    const failure = failures.find((each) => each !== undefined);
    if (failure !== undefined) throw failure;
  };
}

function traceOutputs(outputs: Outputs, trace: RecordTrace | undefined): Outputs {
  return trace === undefined ? outputs : outputs.map((output) => trace.inject(output));
}

/** Sends the outputs of those inputs whose partition has not gone to another member while they waited. */
async function sendCurrent(
  producer: OutputProducer,
  topic: string,
  items: readonly Item[],
): Promise<(Error | undefined)[]> {
  const current = items.filter(({ attempt }) => attempt.isCurrent);
  const failures = await sendAll(producer, topic, current);
  const byItem = new Map(current.map((item, index) => [item, failures[index]]));
  return items.map((item) => (byItem.has(item) ? byItem.get(item) : new AttemptWithdrawnError()));
}

/** Sends the outputs of all inputs to a topic; if that fails, those of each input by itself. */
async function sendAll(
  producer: OutputProducer,
  topic: string,
  items: readonly Item[],
): Promise<(Error | undefined)[]> {
  const failure =
    items.length === 0
      ? undefined
      : await send(
          producer,
          topic,
          items.flatMap(({ records }) => records),
        );
  if (failure === undefined) return items.map(() => undefined);
  if (items.length === 1) return [failure];
  const failures: (Error | undefined)[] = [];
  for (const { attempt, records } of items)
    failures.push(attempt.isCurrent ? await send(producer, topic, records) : new AttemptWithdrawnError());
  return failures;
}

async function send(producer: OutputProducer, topic: string, outputs: Outputs): Promise<Error | undefined> {
  try {
    await producer.send(topic, outputs);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
