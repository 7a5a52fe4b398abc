import type { Capability } from '../../apps/facade/src/stages/migration-snapshot.js';
import type { Step } from './position.js';

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
export interface RequestFigures {
  readonly kind: RequestKind;
  readonly stage: string;
  readonly answered: number;
  /** Of the answered ones; `null` without any. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
}

export interface RequestLogOptions {
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
