/** What a client requests. The names are those of the capabilities. */
export const REQUEST_KINDS = ['writes', 'read-by-id', 'read-by-page', 'read-by-range'] as const;
export type RequestKind = (typeof REQUEST_KINDS)[number];

/** A request that got no answer to its question. Times are milliseconds since 1970. */
export interface FailedRequest {
  readonly kind: RequestKind;
  /** The stage at which the demo had the capability. */
  readonly stage: string;
  /** The facade's code, such as `legacy-away`; `no-connection`: no instance took the request. */
  readonly code: string;
  readonly message: string;
  readonly from: number;
  readonly to: number;
}

export interface WrongAnswer {
  readonly kind: RequestKind;
  readonly stage: string;
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

const STORED_WRONG = 100;

/** Records what became of each request of each client. */
export class RequestLog {
  readonly failed: FailedRequest[] = [];
  /** The first 100. */
  readonly wrong: WrongAnswer[] = [];
  wrongCount = 0;
  /** Requests that an instance dropped, and that another instance answered. */
  repeated = 0;
  private readonly stages = new Map<RequestKind, string>();
  private readonly durations = new Map<string, number[]>();

  /** Sets the stage that the next requests belong to. */
  enter(kind: RequestKind, stage: string): void {
    this.stages.set(kind, stage);
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

  judgedWrong(answer: WrongAnswer): void {
    this.wrongCount += 1;
    if (this.wrong.length < STORED_WRONG) this.wrong.push(answer);
  }

  get total(): number {
    return this.answeredCount + this.failed.length;
  }

  get answeredCount(): number {
    return [...this.durations.values()].reduce((sum, { length }) => sum + length, 0);
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
