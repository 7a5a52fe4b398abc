import { setTimeout as delay } from 'node:timers/promises';
import type { PopulateResponse } from '../../support/pipeline.js';
import type { ClusterApps } from '../cluster/cluster-apps.js';
import type { History, PopulateEvent } from '../history/history.js';
import { ask, reasonOf } from './asked.js';

const AGAIN_MS = 500;
const EVERY_MS = 4_000;
const COUNT = 50;
/** So few that two chunks which change places show: each account has orders in both. */
const ACCOUNTS = 1_000;
/** Far longer than any fault lasts. What nobody takes for so long is told as such, and not asked for any more. */
const TAKEN_WITHIN_MS = 120_000;
/** A few wrong ones each. None that is there twice: it would look like what a fault repeats. */
const FAULTS = { poison: 0.04, oversized: 0.02, conflict: 0.04 };

/** Of the request. */
export interface PopulateBody {
  readonly count: number;
  readonly seed: number;
  readonly ratePerSecond?: number;
  readonly accounts?: number;
  /** Fractions of wrong records, by their kinds. */
  readonly faults?: Readonly<Record<string, number>>;
}

interface Populate {
  readonly key: string;
  readonly body: PopulateBody;
}

/** Operations that are asked for: one large one, and small ones all the time, each until it is known what came of it. */
export class Populates {
  /** By their keys: every one that was ever said to be taken, and what was asked for. */
  readonly taken = new Map<string, { readonly id: string; readonly body: PopulateBody }>();
  /** Keys of those that nobody has taken. */
  readonly refused: string[] = [];
  private readonly over = new AbortController();
  private running: Promise<void> = Promise.resolve();

  constructor(
    private readonly apps: ClusterApps,
    private readonly history: History,
    /** Distinguishes the keys of this run. */
    private readonly run: string,
    private readonly wrongRecords: boolean,
  ) {}

  /** Asked again under its key until somebody has taken it. @throws Error when nobody does for two minutes */
  async large(count: number, ratePerSecond: number, seed: number): Promise<PopulateResponse> {
    const taken = await this.untilTaken({
      key: `${this.run}-large`,
      body: { count, ratePerSecond, seed, accounts: ACCOUNTS },
    });
    if (taken === undefined) throw new Error('no producer takes the large populate');
    return taken;
  }

  /** Small ones from now on. */
  begin(): void {
    this.running = this.smallOnes();
  }

  /** Resolves when all that were asked for are known. */
  async end(): Promise<void> {
    this.over.abort();
    await this.running;
  }

  private async smallOnes(): Promise<void> {
    for (let n = 1; !this.over.signal.aborted; n += 1) {
      const body = { count: COUNT, seed: n, ...(this.wrongRecords && { faults: FAULTS }) };
      await this.untilTaken({ key: `${this.run}-${n}`, body });
      await Promise.allSettled([delay(EVERY_MS, undefined, { signal: this.over.signal })]);
    }
  }

  private async untilTaken(populate: Populate): Promise<PopulateResponse | undefined> {
    const deadline = performance.now() + TAKEN_WITHIN_MS;
    for (let tries = 0; performance.now() < deadline; tries += 1) {
      const urls = this.apps.producerUrls;
      // Another one each time: what came of the last is known to all of them.
      const url = urls[tries % Math.max(1, urls.length)];
      const taken = url === undefined ? undefined : await this.once(url, populate);
      if (taken !== undefined) return taken;
      await delay(AGAIN_MS);
    }
    this.refused.push(populate.key);
    return undefined;
  }

  private async once(url: string, { key, body }: Populate): Promise<PopulateResponse | undefined> {
    const startedAt = performance.now();
    const note = (told: Pick<PopulateEvent, 'outcome' | 'operationId' | 'reason'>): void =>
      this.history.add({
        type: 'populate',
        key,
        count: body.count,
        tookMs: Math.round(performance.now() - startedAt),
        ...told,
      });
    try {
      const headers = { 'content-type': 'application/json', 'idempotency-key': key };
      const init = { method: 'POST', headers, body: JSON.stringify(body) };
      const { status, body: answer } = await ask<PopulateResponse>(`${url}/v1/populate`, init);
      if (status !== 202 || answer === undefined) {
        // It says that it did nothing, or can't say what it did: by its status.
        note({ outcome: status < 500 ? 'refused' : 'unknown', operationId: null, reason: `status ${status}` });
        return undefined;
      }
      note({ outcome: 'ok', operationId: answer.id, reason: null });
      this.taken.set(key, { id: answer.id, body });
      return answer;
    } catch (error) {
      note({ outcome: 'unknown', operationId: null, reason: reasonOf(error) });
      return undefined;
    }
  }
}
