import { createWriteStream, type WriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import type { FailedRequest, WrongAnswer } from '../../dev/migration-journey/request-log.js';
import { monotonicMs } from './attempts.js';
import { createDraws } from '#orders/generator/seeded-random.js';
import type { Draw } from '../../dev/migration-journey/stored-orders.js';
import { setTimeout as delay } from 'node:timers/promises';

/** A fault, identified by its place in the schedule. */
interface FaultMark {
  readonly place: number;
  readonly kind: string;
  readonly subject: string;
}

/** An event of a run. `at` is in milliseconds since the run began. */
export type HistoryEvent = { readonly at: number } & (
  | ({ readonly type: 'fault-begins' } & FaultMark)
  /** The undoing of the fault begins. */
  | ({ readonly type: 'fault-ends' } & FaultMark)
  /** The fault is over and had no effect: for example, no byte arrived on a link that was cut. */
  | { readonly type: 'fault-without-effect'; readonly place: number }
  | { readonly type: 'recovered'; readonly place: number; readonly afterMs: number }
  | {
      readonly type: 'not-recovered';
      readonly place: number;
      readonly withinMs: number;
      readonly missing: readonly string[];
    }
  /** The fault was drawn but not injected, since another fault has the same subject. */
  | ({ readonly type: 'fault-skipped' } & FaultMark)
  /** An app exited without being stopped, or did not exit cleanly when it was stopped (`wasRequested`). */
  | { readonly type: 'app-ended'; readonly name: string; readonly how: string; readonly wasRequested: boolean }
  /** A server exited by itself, for example because its disk is full. */
  | { readonly type: 'server-ended'; readonly how: string }
  | { readonly type: 'fault-failed'; readonly place: number; readonly kind: string; readonly reason: string }
  | PopulateEvent
  | ReadEvent
  | ({ readonly type: 'facade-failure' } & FailedRequest)
  | ({ readonly type: 'wrong-answer' } & WrongAnswer)
  /** The pipeline at one moment; `null` is unknown. */
  | { readonly type: 'sample'; readonly acked: number | null; readonly saved: number }
  /** Saves of a consumer that found their order already stored, since its previous reading, `sinceMs` ago. */
  | { readonly type: 'repeats'; readonly saves: number; readonly sinceMs: number }
  /** An attempt broke a promise of the engine; `events` are those of its record's key. */
  | { readonly type: 'anomaly'; readonly text: string; readonly events: readonly string[] }
);

/**
 * The outcome of a populate as the client knows it: `ok`: accepted; `refused`: rejected; `unknown`: the client retries with the same key.
 */
interface PopulateEvent {
  readonly type: 'populate';
  readonly key: string;
  readonly count: number;
  readonly outcome: 'ok' | 'refused' | 'unknown';
  readonly operationId: string | null;
  readonly reason: string | null;
  readonly tookMs: number;
}

/** The outcome of a read: `right`; `absent`: correctly not found; `error`: a declared error; `wrong`: a wrong answer. */
export interface ReadEvent {
  readonly type: 'read';
  readonly what: 'order' | 'page' | 'range';
  readonly path: string;
  readonly outcome: 'right' | 'absent' | 'error' | 'wrong';
  readonly reason: string | null;
  readonly tookMs: number;
}

/** An event without its time. */
type NewEvent = HistoryEvent extends infer E ? (E extends HistoryEvent ? Omit<E, 'at'> : never) : never;

/**
 * Records every event of a run in a file, one JSON object per line, and in memory. Memory keeps only the failed reads, to bound its size.
 */
export class History {
  readonly events: HistoryEvent[] = [];
  readonly reads = { right: 0, absent: 0, error: 0, wrong: 0 };
  /** Correct reads that found something, by kind. */
  readonly rightReads: Record<ReadEvent['what'], number> = { order: 0, page: 0, range: 0 };
  private readonly file: WriteStream;
  private readonly startedAt = performance.now();

  constructor(path: string) {
    this.file = createWriteStream(path);
  }

  /** Milliseconds since the run began. */
  now(): number {
    return Math.round(performance.now() - this.startedAt);
  }

  /** Converts a time of the machine's monotonic clock (`monotonicMs`) to the time of the run. */
  timeOf(monotonic: number): number {
    return this.now() - Math.round(monotonicMs() - monotonic);
  }

  add(event: NewEvent): void {
    const dated = { at: this.now(), ...event } as HistoryEvent;
    this.file.write(`${JSON.stringify(dated)}\n`);
    if (dated.type === 'read') this.count(dated);
    if (dated.type !== 'read' || dated.outcome === 'wrong' || dated.outcome === 'error') this.events.push(dated);
  }

  private count({ outcome, what }: ReadEvent): void {
    this.reads[outcome] += 1;
    if (outcome === 'right') this.rightReads[what] += 1;
  }

  of<T extends HistoryEvent['type']>(type: T): Extract<HistoryEvent, { type: T }>[] {
    return this.events.filter((event): event is Extract<HistoryEvent, { type: T }> => event.type === type);
  }

  async close(): Promise<void> {
    this.file.end();
    await finished(this.file);
  }
}

// Each number selects an independent sequence of draws; those of places begin here.
const OF_PLACE = 100;

/** Returns the sequence of draws of a place, such as that of a fault in its schedule. */
export function drawsAt(seed: number, place: number): Draw {
  const draws = createDraws(seed);
  let drawn = 0;
  return (below) => draws(OF_PLACE + drawn++, place, below);
}

/** Returns items in an order that the seed draws. @param order below 100; another order is independent of it @param first index of the first draw */
export function shuffled<T>(items: readonly T[], seed: number, order: number, first = 0): T[] {
  const draws = createDraws(seed);
  return items
    .map((item, at) => ({ item, key: draws(order, first + at, 2 ** 31) }))
    .toSorted((a, b) => a.key - b.key)
    .map(({ item }) => item);
}

const POLL_MS = 100;

/** Waits until a condition holds. @returns whether it did within the limit */
export async function holdsWithin(limitMs: number, condition: () => boolean | Promise<boolean>): Promise<boolean> {
  const deadline = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > deadline) return false;
    await delay(POLL_MS);
  }
  return true;
}

/** Repeats some work, with a pause after each time, until it is ended. */
export class Repetition {
  private readonly over = new AbortController();
  private running: Promise<void> = Promise.resolve();

  constructor(
    private readonly everyMs: number,
    private readonly work: () => void | Promise<void>,
  ) {}

  get isOver(): boolean {
    return this.over.signal.aborted;
  }

  begin(): void {
    this.running = this.run();
  }

  /** Resolves when the work that is being done has ended. */
  async end(): Promise<void> {
    this.over.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    while (!this.isOver) {
      await this.work();
      await Promise.allSettled([delay(this.everyMs, undefined, { signal: this.over.signal })]);
    }
  }
}
