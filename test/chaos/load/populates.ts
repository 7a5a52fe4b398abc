import { setTimeout as delay } from 'node:timers/promises';
import type { PopulateResponse } from '../../support/tested-stack.js';
import type { ClusterApps } from '../cluster/cluster-apps.js';
import type { History, PopulateEvent } from '../history/history.js';
import { reasonOf, requestJson } from './api-response.js';

const RETRY_DELAY_MS = 500;
const EVERY_MS = 4_000;
const COUNT = 50;
/** Few enough that every account has orders in each chunk, so that two swapped chunks are detected. */
const ACCOUNTS = 1_000;
/** Far longer than any fault lasts. A populate that no producer accepts in this time counts as rejected and is not retried. */
const ACCEPTED_WITHIN_MS = 120_000;
/** A few invalid records per populate. No duplicates: they would look like the repeated saves of a fault. */
const FAULTS = { poison: 0.04, oversized: 0.02, conflict: 0.04 };

/** Body of a populate request. */
export interface PopulateBody {
  readonly count: number;
  readonly seed: number;
  readonly ratePerSecond?: number;
  readonly accounts?: number;
  /** Fractions of invalid records, by kind. */
  readonly faults?: Readonly<Record<string, number>>;
}

interface Populate {
  readonly key: string;
  readonly body: PopulateBody;
}

/** Requests one large populate and a stream of small ones, each retried until its outcome is known. */
export class Populates {
  /** Accepted populates with their request bodies, by idempotency key. */
  readonly accepted = new Map<string, { readonly id: string; readonly body: PopulateBody }>();
  /** Idempotency keys of populates that no producer accepted. */
  readonly rejected: string[] = [];
  private readonly over = new AbortController();
  private running: Promise<void> = Promise.resolve();

  constructor(
    private readonly apps: ClusterApps,
    private readonly history: History,
    /** Prefix of the idempotency keys of this run. */
    private readonly run: string,
    private readonly wrongRecords: boolean,
  ) {}

  /** Retries the large populate with its key until a producer accepts it. @throws Error if no producer does within two minutes */
  async large(count: number, ratePerSecond: number, seed: number): Promise<PopulateResponse> {
    const accepted = await this.untilAccepted({
      key: `${this.run}-large`,
      body: { count, ratePerSecond, seed, accounts: ACCOUNTS },
    });
    if (accepted === undefined) throw new Error('no producer accepted the large populate');
    return accepted;
  }

  /** Starts the small populates. */
  begin(): void {
    this.running = this.smallOnes();
  }

  /** Resolves when the outcome of every request is known. */
  async end(): Promise<void> {
    this.over.abort();
    await this.running;
  }

  private async smallOnes(): Promise<void> {
    for (let n = 1; !this.over.signal.aborted; n += 1) {
      const body = { count: COUNT, seed: n, ...(this.wrongRecords && { faults: FAULTS }) };
      await this.untilAccepted({ key: `${this.run}-${n}`, body });
      await Promise.allSettled([delay(EVERY_MS, undefined, { signal: this.over.signal })]);
    }
  }

  private async untilAccepted(populate: Populate): Promise<PopulateResponse | undefined> {
    const deadline = performance.now() + ACCEPTED_WITHIN_MS;
    for (let tries = 0; performance.now() < deadline; tries += 1) {
      const urls = this.apps.producerUrls;
      // Each retry goes to the other producer: all producers know the outcome of an earlier request.
      const url = urls[tries % Math.max(1, urls.length)];
      const accepted = url === undefined ? undefined : await this.once(url, populate);
      if (accepted !== undefined) return accepted;
      await delay(RETRY_DELAY_MS);
    }
    this.rejected.push(populate.key);
    return undefined;
  }

  private async once(url: string, { key, body }: Populate): Promise<PopulateResponse | undefined> {
    const startedAt = performance.now();
    const note = (result: Pick<PopulateEvent, 'outcome' | 'operationId' | 'reason'>): void =>
      this.history.add({
        type: 'populate',
        key,
        count: body.count,
        tookMs: Math.round(performance.now() - startedAt),
        ...result,
      });
    try {
      const headers = { 'content-type': 'application/json', 'idempotency-key': key };
      const init = { method: 'POST', headers, body: JSON.stringify(body) };
      const { status, body: answer } = await requestJson<PopulateResponse>(`${url}/v1/populate`, init);
      if (status !== 202 || answer === undefined) {
        // A status below 500 means that nothing was done; after any other status the outcome is unknown.
        note({ outcome: status < 500 ? 'refused' : 'unknown', operationId: null, reason: `status ${status}` });
        return undefined;
      }
      note({ outcome: 'ok', operationId: answer.id, reason: null });
      this.accepted.set(key, { id: answer.id, body });
      return answer;
    } catch (error) {
      note({ outcome: 'unknown', operationId: null, reason: reasonOf(error) });
      return undefined;
    }
  }
}
