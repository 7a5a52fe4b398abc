import type { Capability } from '../../apps/facade/src/stages/stages.js';
import type { Step, Position } from './position.js';

/** What a client requests: the names of the capabilities. */
export type RequestKind = Capability;

/** A request that got no answer to its question. Times are those of the log's clock. */
export interface FailedRequest {
  readonly kind: RequestKind;
  /** The stage at which the journey had the capability. */
  readonly stage: string;
  readonly facade: string;
  /** `null`: there was no answer, or not a whole one. */
  readonly status: number | null;
  /** The facade's code, such as `legacy-away`; `no-connection`: no facade took the request; `error`: an answer without a code. */
  readonly code: string;
  readonly message: string;
  readonly from: number;
  readonly to: number;
}

/** An answer that no fault may cause. */
export interface WrongAnswer {
  readonly kind: RequestKind;
  readonly stage: string;
  readonly facade: string;
  readonly path: string;
  readonly reason: string;
  readonly at: number;
}

/** The requests of one kind in one stage. */
interface RequestFigures {
  readonly kind: RequestKind;
  readonly stage: string;
  readonly answered: number;
  /** Of the answered ones; `null` without any. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
}

interface RequestLogOptions {
  /** In milliseconds. */
  readonly now: () => number;
  readonly onFailed?: (failed: FailedRequest) => void;
  readonly onWrong?: (wrong: WrongAnswer) => void;
}

const STORED_WRONG = 100;

/** Records what became of each request of each client. */
export class RequestLog {
  readonly failed: FailedRequest[] = [];
  /** The first 100. */
  readonly wrong: WrongAnswer[] = [];
  wrongCount = 0;
  /** Requests that a facade dropped, and that another one answered. */
  repeated = 0;
  private readonly stages = new Map<RequestKind, string>();
  private readonly durations = new Map<string, number[]>();

  constructor(private readonly options: RequestLogOptions) {}

  now(): number {
    return this.options.now();
  }

  /** Sets the stage that the next requests belong to. */
  moved({ capability, stage, percent }: Step): void {
    this.stages.set(capability, percent === 100 ? stage : `${stage} ${percent} %`);
  }

  stageOf(kind: RequestKind): string {
    return this.stages.get(kind) ?? 'off';
  }

  answered(kind: RequestKind, stage: string, ms: number): void {
    const key = `${kind} ${stage}`;
    const known = this.durations.get(key);
    if (known === undefined) this.durations.set(key, [ms]);
    else known.push(ms);
  }

  hasFailed(request: FailedRequest): void {
    this.failed.push(request);
    this.options.onFailed?.(request);
  }

  judgedWrong(answer: WrongAnswer): void {
    this.wrongCount += 1;
    if (this.wrong.length < STORED_WRONG) this.wrong.push(answer);
    this.options.onWrong?.(answer);
  }

  get total(): number {
    return this.answeredCount + this.failed.length;
  }

  get answeredCount(): number {
    return [...this.durations.values()].reduce((sum, { length }) => sum + length, 0);
  }

  get answeredReads(): number {
    const reads = [...this.durations].filter(([key]) => !key.startsWith('writes '));
    return reads.reduce((sum, [, { length }]) => sum + length, 0);
  }

  /** In the order in which the stages began. */
  figures(): readonly RequestFigures[] {
    return [...this.durations].map(([key, durations]) => {
      const [kind, ...stage] = key.split(' ');
      const sorted = durations.toSorted((one, other) => one - other);
      const at = (share: number): number | null => sorted[Math.ceil(share * sorted.length) - 1] ?? null;
      return {
        kind: kind as RequestKind,
        stage: stage.join(' '),
        answered: sorted.length,
        p50Ms: at(0.5),
        p99Ms: at(0.99),
      };
    });
  }
}

/** A part of a journey, in ms of the log's clock. */
export interface Interval {
  readonly from: number;
  readonly to: number;
}

/** The part of the system that a fault affects: it decides which requests may fail. `new`: the target. */
export type AffectedSystem = 'facade' | 'legacy' | 'new' | 'mongodb';

/** One injected fault, from its beginning to the recovery. */
export interface FaultWindow extends Interval {
  /** Where the migration is, and where it moves meanwhile. */
  readonly positions: readonly [Position] | readonly [Position, Position];
  readonly kind: string;
  readonly affects: AffectedSystem;
  /** The only facade that the fault affects directly. */
  readonly facade?: string;
}

/** The default of `INTENT_MAX_AGE_MS`: from then on, writes do not wait for the secondary. */
const BEHIND_AFTER_MS = 10_000;
/** The codes of docs/migrate.md. */
const WAITS = ['handing-over', 'still-open', 'outcome-unknown'];
const SIDE_UNAVAILABLE = [...WAITS, 'legacy-away', 'new-away'];
const DATABASE_UNAVAILABLE = [...SIDE_UNAVAILABLE, 'state-unknown', 'database-away'];

/** Returns the fault that allows a failure; or the change of stage without a fault, during which a write may wait for too long. */
export function allowing<W extends FaultWindow>(
  failure: FailedRequest,
  windows: readonly W[],
  moves: readonly Interval[],
): W | Interval | undefined {
  const overlaps = ({ from, to }: Interval): boolean => from <= failure.to && failure.from <= to;
  return (
    windows.find((window) => overlaps(window) && isAllowed(failure, window)) ??
    moves.find((move) => overlaps(move) && isCode(failure, ['handing-over']))
  );
}

function isAllowed(failure: FailedRequest, window: FaultWindow): boolean {
  const { kind, status, facade, code, message, to } = failure;
  const { positions, affects, from } = window;
  if (positions.length === 2 && isCode(failure, ['handing-over'])) return true;
  if (isCode(failure, ['writes-behind'])) return to - from >= BEHIND_AFTER_MS;
  if (affects === 'facade') {
    const isOwn = facade === window.facade;
    // A facade that is killed or hangs does not answer; one that knows its state too late answers what it may.
    if (status === null) return isOwn && /^(kill|pause)-/.test(window.kind);
    // The other facade waits for what the affected one has begun.
    return isCode(failure, isOwn ? DATABASE_UNAVAILABLE : WAITS);
  }
  if (affects === 'mongodb') return needsMongodb(kind, positions) && isCode(failure, DATABASE_UNAVAILABLE);
  const [, named] = /\bthe (legacy system|target)\b/.exec(message) ?? [];
  const isNamed = affects === 'legacy' ? named === 'legacy system' : named === 'target';
  if (code === 'outcome-unknown' && named !== undefined && !isNamed) return false;
  return primarySides(failure, positions).has(affects) && isCode(failure, SIDE_UNAVAILABLE);
}

function isCode({ status, code }: FailedRequest, codes: readonly string[]): boolean {
  return status === 503 && codes.includes(code);
}

/** Returns the sides whose outage a client may notice. A read that waits for open writes notices the sides of writes too. */
function primarySides({ kind, code }: FailedRequest, positions: FaultWindow['positions']): ReadonlySet<AffectedSystem> {
  const sides = new Set<AffectedSystem>();
  for (const { writes, reads } of positions)
    for (const { stage, percent } of kind === 'writes' ? [writes] : code === 'still-open' ? [reads, writes] : [reads]) {
      const isNew = stage === 'live' || stage === 'complete';
      sides.add(isNew ? 'new' : 'legacy');
      if (isNew && percent < 100) sides.add('legacy');
    }
  return sides;
}

/** Writes in `off`, and reads of the legacy system while writes are not live, go on without MongoDB. */
function needsMongodb(kind: FailedRequest['kind'], positions: FaultWindow['positions']): boolean {
  if (kind === 'writes') return positions.some(({ writes }) => writes.stage !== 'off');
  return positions.some(({ writes, reads }) =>
    [writes.stage, reads.stage].some((stage) => stage === 'live' || stage === 'complete'),
  );
}
