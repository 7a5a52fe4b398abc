import { createWriteStream, type WriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import type { FailedRequest, WrongAnswer } from '../../dev/migration-journey/request-log.js';
import { monotonicMs } from './attempts/attempt-trace.js';

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
  /** An app exited without being stopped, or did not exit cleanly when it was stopped (`wasTold`). */
  | { readonly type: 'app-ended'; readonly name: string; readonly how: string; readonly wasTold: boolean }
  /** A server exited by itself, for example because its disk is full. */
  | { readonly type: 'server-ended'; readonly how: string }
  | { readonly type: 'fault-failed'; readonly place: number; readonly kind: string; readonly reason: string }
  | PopulateEvent
  | ReadEvent
  | ({ readonly type: 'facade-failure' } & FailedRequest)
  | ({ readonly type: 'wrong-answer' } & WrongAnswer)
  /** The pipeline at one moment; `null` is unknown. */
  | { readonly type: 'sample'; readonly acked: number | null; readonly saved: number }
  /** Saves that found their order already stored, since the previous reading, a second before. */
  | { readonly type: 'repeats'; readonly saves: number }
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

/** The outcome of a read: `right`; `absent`: correctly not found; `error`: a declared error; `lie`: a wrong answer. */
export interface ReadEvent {
  readonly type: 'read';
  readonly what: 'order' | 'page' | 'range';
  readonly path: string;
  readonly outcome: 'right' | 'absent' | 'error' | 'lie';
  readonly reason: string | null;
  readonly tookMs: number;
}

/** An event without its time. */
export type NewEvent = HistoryEvent extends infer E ? (E extends HistoryEvent ? Omit<E, 'at'> : never) : never;

/**
 * Records every event of a run in a file, one JSON object per line, and in memory. Memory keeps only the failed reads, to bound its size.
 */
export class History {
  readonly events: HistoryEvent[] = [];
  readonly reads = { right: 0, absent: 0, error: 0, lie: 0 };
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
    if (dated.type !== 'read' || dated.outcome === 'lie' || dated.outcome === 'error') this.events.push(dated);
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
