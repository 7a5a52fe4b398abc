import { setTimeout as delay } from 'node:timers/promises';
import type { GateCondition } from '../../apps/facade/src/stages/gate.js';
import type { Capability } from '../../apps/facade/src/stages/capability.js';
import type { MigrationResponse } from '../../apps/facade/src/migration/migration-response.js';
import { StackError } from '../stack-error.js';

/** A change that the facade refused. */
export interface Refused {
  readonly code: string;
  readonly detail: string;
  readonly gate: readonly GateCondition[];
}

/** A mismatch, as far as the demo shows it. */
export interface FoundMismatch {
  readonly capability: string;
  readonly key: string;
  readonly recheck: 'differs' | 'passed';
  readonly paths: readonly { readonly path: string; readonly legacy?: string; readonly new?: string }[];
}

/** A backfill or a verification. */
export interface MigrationRun {
  readonly id: string;
  readonly status: 'running' | 'ended' | 'cancelled';
  readonly problem: string | null;
  readonly result: string | null;
  readonly operationIds?: readonly string[];
  readonly translated?: number;
  readonly orders?: { readonly legacy: number; readonly new: number };
  readonly differences?: number;
}

export interface AuditEntry {
  readonly at: string;
  readonly by: string;
  readonly action: string;
  readonly reason: string;
  readonly capability?: string;
  readonly from?: string;
  readonly to?: string;
  readonly code?: string;
  readonly gate?: readonly GateCondition[];
}

const TRIES = 20;
const PAUSE_MS = 500;
const POLL_MS = 250;
/** A change of writes may wait ten seconds for all instances. */
const TIMEOUT_MS = 30_000;

/** The migration's own API, at any instance that answers. */
export class MigrationApi {
  constructor(
    private readonly facadeUrls: readonly string[],
    private readonly producerUrl: string,
    private readonly signal: AbortSignal,
  ) {}

  async state(): Promise<MigrationResponse> {
    return this.get('/v1/migration');
  }

  /** @returns the refusal; `undefined` if the change was made */
  async move(capability: Capability, stage: string, percent: number, reason: string): Promise<Refused | undefined> {
    const { status, body } = await this.post(`/v1/migration/${capability}`, { stage, percent, reason });
    return status === 200 ? undefined : (body as Refused);
  }

  async mismatches(capability: Capability): Promise<readonly FoundMismatch[]> {
    const path = `/v1/migration/mismatches?capability=${capability}&recheck=differs`;
    return (await this.get<{ items: FoundMismatch[] }>(path)).items;
  }

  async pending(): Promise<{
    readonly count: number;
    readonly items: readonly { answering: string; legacy: string; ageMs: number }[];
  }> {
    return this.get('/v1/migration/pending');
  }

  /** Returns the entries of the audit, the oldest first. */
  async audit(): Promise<readonly AuditEntry[]> {
    return (await this.get<{ items: AuditEntry[] }>('/v1/migration/audit?pageSize=1000')).items.toReversed();
  }

  /** Starts a run and waits for its end. */
  async run(kind: 'backfill' | 'verify'): Promise<MigrationRun> {
    const { status, body } = await this.post(`/v1/migration/${kind}`, {});
    if (status !== 202) throw failure(`${kind} responded with ${status}: ${JSON.stringify(body)}`);
    const { id } = body as MigrationRun;
    for (;;) {
      const run = await this.get<MigrationRun>(`/v1/migration/${kind}/${id}`);
      if (run.status !== 'running') return run;
      await delay(POLL_MS, undefined, { signal: this.signal });
    }
  }

  /** Returns the legacy numbers that a verification found to differ. */
  async differingNumbers(verification: string): Promise<readonly number[]> {
    const path = `/v1/migration/verify/${verification}/differences`;
    const numbers: number[] = [];
    for (;;) {
      const { items } = await this.get<{ items: { kind: string; number: number }[] }>(
        `${path}?limit=1000&skip=${numbers.length}`,
      );
      numbers.push(...items.map(({ number }) => number));
      if (items.length < 1_000) return numbers;
    }
  }

  /** Waits until each order of these imports is saved or dead-lettered. @returns the state of the first that is not saved as a whole */
  async untilSaved(operationIds: readonly string[]): Promise<string | undefined> {
    for (const id of operationIds)
      for (;;) {
        const { state } = (await this.request(this.producerUrl, `/v1/operations/${id}`, {})).body as {
          state: { code: string; text: string };
        };
        if (state.code === 'allSaved' || state.code === 'nothingSent') break;
        if (!IN_PROGRESS.has(state.code)) return state.text;
        await delay(POLL_MS, undefined, { signal: this.signal });
      }
    return undefined;
  }

  private async get<T>(path: string): Promise<T> {
    const { status, body } = await this.atAnyInstance(path, {});
    if (status !== 200) throw failure(`${path} responded with ${status}: ${JSON.stringify(body)}`);
    return body as T;
  }

  private async post(path: string, body: object): Promise<{ readonly status: number; readonly body: unknown }> {
    const headers = { 'content-type': 'application/json' };
    return this.atAnyInstance(path, { method: 'POST', headers, body: JSON.stringify(body) });
  }

  private async atAnyInstance(path: string, init: RequestInit) {
    for (let tries = 1; ; tries += 1) {
      this.signal.throwIfAborted();
      const url = this.facadeUrls[tries % this.facadeUrls.length] ?? '';
      try {
        const answer = await this.request(url, path, init);
        if (answer.status < 500 || tries >= TRIES) return answer;
      } catch (error) {
        if (!(error instanceof TypeError) || tries >= TRIES) throw error;
      }
      await delay(PAUSE_MS, undefined, { signal: this.signal });
    }
  }

  private async request(url: string, path: string, init: RequestInit) {
    const response = await fetch(`${url}${path}`, { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) });
    const text = await response.text();
    return { status: response.status, body: (text === '' ? undefined : JSON.parse(text)) as unknown };
  }
}

const IN_PROGRESS: ReadonlySet<string> = new Set(['reading', 'receiving', 'sending', 'paused', 'saving']);

/** A step that did not end as the plan wants. */
export function failure(what: string): StackError {
  return new StackError(
    'demo-failed',
    `The demo can't go on: ${what}.`,
    'The report, if it was written, shows the steps until then.',
  );
}
