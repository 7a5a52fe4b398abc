import type { Ordering } from '@orders-pipeline/parallel-consumer';
import { type SaveBounds, saveDelayMs, saveDrawsOf } from '#orders/consumer/simulated-save.js';
import { type PopulateInput, orderGenerator } from '#orders/generator/generator.js';
import { countSaved, numbersOf } from '#orders/operation/saved-count.js';
import { fromDocument, isSameOrder, type OrderDocument, ordersCollection } from '#orders/order/order-document.js';
import { javaCompatiblePartitioner } from '#orders/topics/topics.js';
import { isSelected } from '../dev/flags.js';
import type { Machine } from '../dev/machine/machine.js';
import { StackError } from '../dev/stack-error.js';
import { DEFAULT_PARTITIONS } from '../dev/supervisor/stack-options.js';
import { alignedRows } from '../dev/terminal/aligned-rows.js';
import { waitUntil } from '../dev/waits.js';
import type { Benchmark } from './bench.js';
import { atMost } from './result.js';
import type { ConsumingStack, Progress } from './stacks.js';

// The same orders, saved one after another, one at a time per partition, and in flight, compared with the theoretical minimum.

/** One way to save the orders. */
export interface Way {
  /** The name for `--only` and in the reports. */
  readonly name: string;
  /** The displayed name; the same for all numbers of consumers. */
  readonly label: string;
  readonly ordering: Ordering;
  /** The number of processes. */
  readonly consumers: number;
  /** The maximum number of orders saved at once: per consumer, and by all consumers together. */
  readonly inFlight: number;
}

/** The order that a way promises. */
type Promised = Pick<Way, 'ordering' | 'inFlight'>;

/** The baseline of the comparison. */
const ONE_AFTER_ANOTHER = 'one-after-another';
const CONSUMERS = [1, 2, 4];

/** Returns all ways for this many orders, in the order of measurement: grouped by settings, by ascending number of consumers. */
function waysFor(orders: number): Way[] {
  return [
    { name: ONE_AFTER_ANOTHER, label: 'one after another', ordering: 'key', consumers: 1, inFlight: 1 },
    ...several('per-partition', 'one at a time per partition', 'partition', DEFAULT_PARTITIONS),
    ...several('by-key', 'in flight, in order per account', 'key', orders),
    ...several('unordered', 'in flight, without order', 'unordered', orders),
  ];
}

function several(name: string, label: string, ordering: Ordering, inFlight: number): Way[] {
  return CONSUMERS.map((consumers) => ({ name: `${name}-${consumers}`, label, ordering, consumers, inFlight }));
}

/** The names that `--only` accepts. It also accepts the part before the last dash, for several ways. */
export const WAY_NAMES: readonly string[] = waysFor(1).map(({ name }) => name);

/** The default of a populate. With this many accounts, nearly every order is the only one of its account. */
const ACCOUNTS = 100_000;

/** The properties of an order that are known before it is sent. */
export interface PlannedOrder {
  readonly accountId: string;
  readonly partition: number;
  /** How long its save waits, in milliseconds. */
  readonly waitMs: number;
}

/** Returns the orders of a populate with this seed, by index, and the waits of consumers with the same `SAVE_DELAY_SEED`. */
export function planOrders(count: number, seed: number, saveMs: SaveBounds): PlannedOrder[] {
  // Neither the operation nor the dates influence the accounts.
  const operation = { operationId: '', firstNumber: 1, from: new Date(0), to: new Date(0) };
  const orderAt = orderGenerator({ ...operation, seed, count, accounts: ACCOUNTS });
  const partitionOf = javaCompatiblePartitioner(DEFAULT_PARTITIONS);
  const drawOf = saveDrawsOf(seed);
  return Array.from({ length: count }, (_, index) => {
    const { accountId } = orderAt(index);
    return { accountId, partition: partitionOf(accountId), waitMs: saveDelayMs(saveMs, drawOf(index)) };
  });
}

/**
 * Returns the theoretical minimum in seconds: the time of these orders' waits if nothing else took any time. It is a bound, not an
 * estimate. The waits of orders that must wait for each other are summed, and the longest sum counts:
 * - one after another: the sum of all waits;
 * - per partition or per account: the longest sum of a partition or an account;
 * - without order: the longest wait.
 *
 * The number of consumers has no influence.
 */
export function theorySeconds(way: Promised, orders: readonly PlannedOrder[]): number {
  const sums = new Map<string, number>();
  let longest = 0;
  for (const [index, order] of orders.entries()) {
    const queue = getQueue(way, order, index);
    const sum = (sums.get(queue) ?? 0) + order.waitMs;
    sums.set(queue, sum);
    longest = Math.max(longest, sum);
  }
  return longest / 1_000;
}

/** Ways that take longer than this in theory are measured with a sample only, except with `full`. */
const SAMPLED_FROM_SECONDS = 6;

/** Returns how many orders are measured, from the first one on: all of them, or as many as take 6 s in theory. */
export function measuredOrders(way: Promised, orders: readonly PlannedOrder[], full: boolean): number {
  if (full || theorySeconds(way, orders) <= SAMPLED_FROM_SECONDS) return orders.length;
  let [few, many] = [1, orders.length];
  // Binary search: the theoretical minimum never decreases with more orders.
  while (many - few > 1) {
    const middle = Math.floor((few + many) / 2);
    if (theorySeconds(way, orders.slice(0, middle)) <= SAMPLED_FROM_SECONDS) few = middle;
    else many = middle;
  }
  return few;
}

/** Returns the queue of an order: orders of the same queue must wait for each other. */
function getQueue({ ordering, inFlight }: Promised, order: Omit<PlannedOrder, 'waitMs'>, index: number): string {
  if (inFlight === 1) return 'all';
  switch (ordering) {
    case 'partition':
      return `partition ${order.partition}`;
    case 'key':
      return order.accountId;
    case 'unordered':
      return `order ${index}`;
  }
}

/** The durations of one measurement. */
export interface MeasuredWay {
  /** From sending the populate request until a majority of the MongoDB members has the orders. */
  readonly measuredSeconds: number;
  /** The part of it before the first save began: publishing and fetching. */
  readonly firstSaveSeconds: number;
  /** The duration of the round before, which warms up new processes; it runs only where all orders are in flight at once. Else `null`. */
  readonly warmUpSeconds: number | null;
}

/** A way and its results. */
export interface ComparedWay extends Way, MeasuredWay {
  /** The theoretical minimum for all orders, in seconds. */
  readonly theorySeconds: number;
  /** True if only the first orders are measured and `seconds` is calculated from them. */
  readonly sampled: boolean;
  readonly measuredOrders: number;
  /**
   * The time for all orders: measured, or calculated from a sample. For a sample, the time before the first save stays as it is, and
   * the rest is multiplied by the theoretical minimum of all orders divided by that of the sample.
   */
  readonly seconds: number;
  readonly ordersPerSecond: number;
  /** The reached fraction of the theoretical speed: theory / measured, at most 1. */
  readonly ratio: number;
  /** The speed-up over one after another; `null` if that wasn't measured. */
  readonly timesFaster: number | null;
  /** The upper limit in seconds; `null`: no limit. */
  readonly wantedSeconds: number | null;
}

/** A thousand saves of up to 1 s, all at once: the theoretical minimum is the longest of them. */
const TARGET = { orders: 1_000, longestMs: 1_000, seconds: 1.5 };

/** Returns the results of a way, before it is compared with the others. @param longestMs the upper bound of the waits */
export function resultOfWay(
  way: Way,
  orders: readonly PlannedOrder[],
  found: MeasuredWay & { readonly measuredOrders: number },
  longestMs: number,
): Omit<ComparedWay, 'timesFaster'> {
  const { measuredSeconds, firstSaveSeconds, measuredOrders: count } = found;
  const theory = theorySeconds(way, orders);
  const sampled = count < orders.length;
  const part = sampled ? theorySeconds(way, orders.slice(0, count)) / theory : 1;
  const seconds = firstSaveSeconds + (measuredSeconds - firstSaveSeconds) / part;
  const hasTarget = way.ordering === 'unordered' && orders.length === TARGET.orders && longestMs === TARGET.longestMs;
  return {
    ...way,
    ...found,
    theorySeconds: theory,
    sampled,
    seconds,
    ordersPerSecond: orders.length / seconds,
    ratio: theory / seconds,
    wantedSeconds: hasTarget ? TARGET.seconds : null,
  };
}

export interface ComparisonOptions {
  readonly orders: number;
  /** The seed of the orders and of the simulated waits of their saves. */
  readonly seed: number;
  readonly saveMs: SaveBounds;
  /** Measures every order in every way, however long that takes. */
  readonly full: boolean;
  /** The ways to measure, by full name or by the part before a dash; empty: all. */
  readonly only: readonly string[];
}

/** The defaults of `npm run compare`, which `npm run bench` measures. */
export const COMPARED: ComparisonOptions = {
  orders: 1_000,
  seed: 2_026,
  saveMs: { minimum: 0, maximum: 1_000 },
  full: false,
  only: [],
};

/** The JSON report. */
export interface ComparisonReport extends Omit<ComparisonOptions, 'only'> {
  readonly commit: string;
  readonly machine: Machine;
  /** True if other programs loaded the machine at the start. */
  readonly noisy: boolean;
  readonly results: readonly ComparedWay[];
}

/** Measures ways, one after the other. @throws StackError, or the abort reason of the signal */
export async function compareWays(
  { orders, seed, saveMs, full, only }: ComparisonOptions,
  stack: ConsumingStack,
  { print, signal }: Progress,
): Promise<ComparedWay[]> {
  const planned = planOrders(orders, seed, saveMs);
  const results: Omit<ComparedWay, 'timesFaster'>[] = [];
  for (const way of waysFor(orders).filter(({ name }) => isSelected(name, only))) {
    signal.throwIfAborted();
    const count = measuredOrders(way, planned, full);
    const found = await measureWay(way, count, { stack, planned, seed, saveMs, signal });
    print(
      `${way.name}: ${count} orders in ${found.measuredSeconds.toFixed(2)} s, the first save after ${found.firstSaveSeconds.toFixed(2)} s`,
    );
    results.push(resultOfWay(way, planned, { ...found, measuredOrders: count }, saveMs.maximum));
  }
  const slowest = results.find(({ name }) => name === ONE_AFTER_ANOTHER)?.seconds;
  const timesFaster = (seconds: number): number | null => (slowest === undefined ? null : slowest / seconds);
  return results.map((way) => Object.assign(way, { timesFaster: timesFaster(way.seconds) }));
}

/** The part of `npm run compare` that has a required figure, as a benchmark. */
export const compare: Benchmark = {
  name: 'compare',
  about: `${COMPARED.orders} slow orders in flight without order, beside one after another (calculated from a sample); at most ${TARGET.seconds} s`,
  measure: async (bench) => {
    const options = { ...COMPARED, only: [ONE_AFTER_ANOTHER, 'unordered-1'] };
    const ways = await compareWays(options, await bench.consumingStack(), bench);
    const runs = ways.map(({ name, seconds }) => ({ contender: name, value: seconds, peakRssMiB: 0, cpuSeconds: 0 }));
    const notes = ways.map(({ label, seconds, timesFaster }) => {
      return `${label}: ${figure(seconds)} s, ${figure(timesFaster ?? 1)} times as fast as one after another`;
    });
    return atMost(TARGET.seconds, { unit: 's', subject: runs.slice(-1), runs, notes });
  },
};

interface MeasuringOptions extends Pick<ComparisonOptions, 'seed' | 'saveMs'> {
  readonly stack: ConsumingStack;
  readonly planned: readonly PlannedOrder[];
  readonly signal: AbortSignal;
}

/** The resolution of the measurement. */
const COUNT_EVERY_MS = 10;
/** The time limit, in addition to twice the theoretical minimum. */
const SAVED_WITHIN_MS = 60_000;

/**
 * Measures one way with consumers that own their partitions: from sending the populate request until a majority of the MongoDB members has
 * every order. That is all that a user waits for, including publishing and durable writes.
 * Where all orders are in flight at once, the second of two rounds counts. A new process needs about 0.3 s for its first orders;
 * beside waits of a second, that would measure the process rather than the way.
 * @throws StackError `comparison-failed` if an order is missing or altered, or the promised order was not kept
 */
async function measureWay(way: Way, count: number, options: MeasuringOptions): Promise<MeasuredWay> {
  const { stack, seed, saveMs } = options;
  await stack.consume(way.consumers, {
    IN_FLIGHT_LIMIT: String(way.inFlight),
    ORDERING: way.ordering,
    SAVE_DELAY_MS: `${saveMs.minimum}..${saveMs.maximum}`,
    SAVE_DELAY_SEED: String(seed),
  });
  const warmUp = way.inFlight >= count ? await saveOnce(way, count, options) : undefined;
  return { ...(await saveOnce(way, count, options)), warmUpSeconds: warmUp?.measuredSeconds ?? null };
}

/** Runs one round: sends, saves and verifies the orders. */
async function saveOnce(
  way: Way,
  count: number,
  { stack, planned, seed, signal }: MeasuringOptions,
): Promise<Omit<MeasuredWay, 'warmUpSeconds'>> {
  const sentAt = Date.now();
  const startedAt = performance.now();
  const { id, ...batch } = await stack.producer.populate({ count, seed, accounts: ACCOUNTS });
  const { db } = stack.mongo;
  const all = { from: 0, to: count };
  let saved = 0;
  await waitUntil(
    () => `${way.name}: ${saved} of ${count} orders`,
    SAVED_WITHIN_MS + 2_000 * theorySeconds(way, planned),
    signal,
    async () => {
      saved = await countSaved(db, batch, all);
      return saved < count ? undefined : saved;
    },
    COUNT_EVERY_MS,
  );
  const measuredSeconds = (performance.now() - startedAt) / 1_000;
  const documents = await ordersCollection(db)
    .find({ number: numbersOf(batch, all) })
    .sort({ number: 1 })
    .toArray();
  const orders = readSaved(documents, { operationId: id, ...batch });
  const problem = typeof orders === 'string' ? orders : findOverlap(way, orders, planned);
  if (typeof orders === 'string' || problem !== undefined)
    throw new StackError(
      'comparison-failed',
      `${way.name}: ${problem}.`,
      'The figures would be meaningless. Try again, on a less loaded machine if necessary.',
    );
  return { measuredSeconds, firstSaveSeconds: Math.max(0, firstBegunAt(orders, planned) - sentAt) / 1_000 };
}

/** An order as found in MongoDB. */
export interface SavedOrder extends Omit<PlannedOrder, 'waitMs'> {
  readonly index: number;
  readonly offset: number;
  readonly savedAt: Date;
}

/** The tolerance between `savedAt`, which is wall-clock time, and a wait, which is measured by timers. */
const CLOCKS_DIFFER_MS = 20;

/**
 * Compares the saved orders with those that the operation generated.
 * @param documents sorted by number. @returns the orders, or a description of what is missing or altered
 */
export function readSaved(documents: readonly OrderDocument[], batch: PopulateInput): SavedOrder[] | string {
  const orderAt = orderGenerator(batch);
  if (documents.length !== batch.count) return `${documents.length} orders are saved instead of ${batch.count}`;
  const altered = documents.findIndex((document, index) => !isSameOrder(fromDocument(document), orderAt(index)));
  if (altered !== -1) return `the order with index ${altered} differs from the one sent`;
  return documents.map(({ accountId, ingest: { partition, offset, savedAt } }, index) => {
    return { index, accountId, partition, offset: Number(offset), savedAt };
  });
}

/** Returns when a save began: the time of the save minus its wait. In milliseconds since 1970. */
function begunAt({ index, savedAt }: SavedOrder, planned: readonly PlannedOrder[]): number {
  return savedAt.getTime() - (planned[index]?.waitMs ?? 0);
}

/** Returns when the first save began, in milliseconds since 1970. */
export function firstBegunAt(saved: readonly SavedOrder[], planned: readonly PlannedOrder[]): number {
  return saved.reduce((first, order) => Math.min(first, begunAt(order, planned)), Infinity);
}

/**
 * Checks the order that the way promises: among orders that must wait for each other, no save begins before the previous order
 * was saved.
 * @returns a description of two that overlapped; `undefined`: none
 */
export function findOverlap(
  way: Promised,
  saved: readonly SavedOrder[],
  planned: readonly PlannedOrder[],
): string | undefined {
  for (const [queue, orders] of Map.groupBy(saved, (order) => getQueue(way, order, order.index))) {
    // One after another, the partitions take turns, and no order between them is promised.
    const inTurn = orders.toSorted(
      queue === 'all' ? (a, b) => a.savedAt.getTime() - b.savedAt.getTime() : (a, b) => a.offset - b.offset,
    );
    for (const [at, order] of inTurn.entries()) {
      const before = inTurn[at - 1];
      if (before !== undefined && begunAt(order, planned) < before.savedAt.getTime() - CLOCKS_DIFFER_MS)
        return `${queue}: the save of the order with index ${order.index} began before the order with index ${before.index} was saved`;
    }
  }
  return undefined;
}

const HEADINGS = ['way', 'consumers', 'in flight', 'seconds', 'orders/s', 'theory', 'ratio', 'faster'];
/** The left-aligned columns: labels. Figures are right-aligned. */
const LEFT = new Set([0]);

/** Formats the results as a table for the terminal, with explanations below it. */
export function comparisonTable(orders: number, ways: readonly ComparedWay[], noisy: boolean): string {
  const samples = ways
    .filter(({ sampled }) => sampled)
    .map(({ name, measuredOrders: count, measuredSeconds }) => `${name} ${count} in ${figure(measuredSeconds)} s`);
  const verdicts = ways.flatMap(({ name, seconds, wantedSeconds }) => {
    if (wantedSeconds === null) return [];
    const verdict = seconds <= wantedSeconds ? 'reached' : 'MISSED';
    return [`${name}: ${orders} orders in ${figure(seconds)} s, target ${wantedSeconds} s: ${verdict}.`];
  });
  return [
    ...alignedRows([HEADINGS, ...ways.map((way) => cellsOf(way))], LEFT),
    '',
    'theory: the waits of these orders alone, without any other time; ratio: theory / measured.',
    ...(samples.length === 0
      ? []
      : [
          `~ calculated for ${orders} orders from a sample of the first ones (all of them with --full): ${samples.join(', ')}.`,
        ]),
    ...verdicts,
    ...(noisy ? ['Other load was running on the machine.'] : []),
  ].join('\n');
}

function cellsOf({ label, consumers, inFlight, sampled, seconds, timesFaster, ...way }: ComparedWay): string[] {
  return [
    label,
    String(consumers),
    inFlight.toLocaleString('en-US'),
    `${sampled ? '~' : ''}${figure(seconds)}`,
    figure(way.ordersPerSecond),
    figure(way.theorySeconds),
    way.ratio.toFixed(2),
    timesFaster === null ? '' : `${figure(timesFaster)}x`,
  ];
}

/** Formats a number with three significant digits, without decimals from 100 on. */
export function figure(value: number): string {
  const digits = value < 10 ? 2 : value < 100 ? 1 : 0;
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
