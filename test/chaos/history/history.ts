import { createWriteStream, type WriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';

/** A fault by its place in the schedule. */
interface FaultMark {
  readonly place: number;
  readonly kind: string;
  readonly subject: string;
}

/** What happened, in the order in which it did. `at` is in milliseconds since the run began. */
export type HistoryEvent = { readonly at: number } & (
  | ({ readonly type: 'fault-begins' } & FaultMark)
  /** Beginning it took until then: of a storm all of it. */
  | { readonly type: 'fault-stands'; readonly place: number }
  /** From here on it is undone. */
  | ({ readonly type: 'fault-ends' } & FaultMark)
  /** It is over, and whatever it was done to has not noticed: no byte came by a link that was cut. */
  | { readonly type: 'fault-without-effect'; readonly place: number }
  | { readonly type: 'recovered'; readonly place: number; readonly afterMs: number }
  | {
      readonly type: 'not-recovered';
      readonly place: number;
      readonly withinMs: number;
      readonly missing: readonly string[];
    }
  /** It was drawn, and not done, since it would have been done to what another one is done to. */
  | { readonly type: 'fault-skipped'; readonly place: number; readonly kind: string; readonly subject: string }
  /** An app ended that nobody had told to, or did not end well when it was told. */
  | { readonly type: 'app-ended'; readonly name: string; readonly how: string; readonly wasTold: boolean }
  /** A server ended by itself, as one does whose disk is full. */
  | { readonly type: 'server-ended'; readonly how: string }
  | { readonly type: 'fault-failed'; readonly place: number; readonly kind: string; readonly reason: string }
  | PopulateEvent
  | ReadEvent
  | { readonly type: 'sample'; readonly sample: Sample }
  /** Saves that found their order there already, since the look a second before. */
  | { readonly type: 'repeats'; readonly saves: number }
);

/**
 * How a populate ended, as whoever asked knows: `ok` it was taken, `refused` it was not, `unknown` nobody can say, and it is asked again under
 * the same key.
 */
export interface PopulateEvent {
  readonly type: 'populate';
  readonly key: string;
  readonly count: number;
  readonly outcome: 'ok' | 'refused' | 'unknown';
  readonly operationId: string | null;
  readonly reason: string | null;
  readonly tookMs: number;
}

/** How a read ended: `right`, rightly `absent`, an honest `error`, or a `lie`. */
export interface ReadEvent {
  readonly type: 'read';
  readonly what: 'order' | 'page' | 'range';
  readonly path: string;
  readonly outcome: 'right' | 'absent' | 'error' | 'lie';
  readonly reason: string | null;
  readonly tookMs: number;
}

/** The pipeline at one moment; `null` is unknown. */
export interface Sample {
  readonly acked: number | null;
  readonly saved: number;
  readonly consumers: number;
}

/** An event before it has a time. */
export type NewEvent = HistoryEvent extends infer E ? (E extends HistoryEvent ? Omit<E, 'at'> : never) : never;

/** Every event of a run, one JSON object a line, in a file and in memory (of the reads only those that failed, since there are too many). */
export class History {
  readonly events: HistoryEvent[] = [];
  readonly reads = { right: 0, absent: 0, error: 0, lie: 0 };
  /** Those that were right and found something, by what was asked for. */
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
