import type { LegacyRecord } from '#legacy/translation/legacy-record.js';
import type { LegacyTimeZone } from '#legacy/translation/legacy-time-zone.js';
import { legacyView } from '#legacy/translation/to-legacy.js';
import type { SideName, LegacyRead, WriteOutcome, WrittenSide } from '../sides/side.js';
import type { IntentUpdate, Intent } from './bucket-store.js';

/** Reads of a side, as the writes need them. */
export interface StoredOrders {
  /**
   * Returns the orders that a side has, as the legacy system shows them.
   * @throws Error if the side does not answer, or if its answer is no such order
   */
  find(
    side: SideName,
    read: Exclude<LegacyRead, { capability: 'read-by-page' }>,
    signal: AbortSignal,
  ): Promise<readonly LegacyRecord[]>;
}

/** What the answering side made of an intent. `exists`: an earlier order has the id that the client chose. */
export type AnsweringOutcome =
  | WriteOutcome
  /** The order is there already, by an earlier attempt or by an equal earlier request. */
  | { readonly result: 'stored'; readonly wasThere: true }
  | { readonly result: 'exists'; readonly record: LegacyRecord };

/** Measures the writes to a side. */
export interface WriteObserver {
  observed(side: SideName, ms: number, failed: boolean): void;
}

/**
 * Writes an intent to the side that answers its client. The instance that admitted it does this at once; the outbox worker repeats
 * it when that instance is dead, slow, or got no outcome. Both may do it at the same time: the id makes a repeat harmless.
 */
export class AnsweringWrite {
  constructor(
    private readonly sides: Readonly<Record<SideName, WrittenSide>>,
    private readonly stored: StoredOrders,
    private readonly zone: LegacyTimeZone,
    private readonly observer: WriteObserver,
    private readonly stopwatch: () => number,
  ) {}

  /** Never rejects. */
  async run(intent: Intent, signal: AbortSignal): Promise<AnsweringOutcome> {
    const began = this.stopwatch();
    const outcome = await this.attempt(intent, signal).catch((error: unknown): AnsweringOutcome => ({
      result: 'unknown',
      message: String(error),
    }));
    this.observer.observed(intent.answering, this.stopwatch() - began, outcome.result === 'unknown');
    return outcome;
  }

  private async attempt(intent: Intent, signal: AbortSignal): Promise<AnsweringOutcome> {
    const { answering, order, isIdGiven, isNumberGiven } = intent;
    if (isIdGiven) {
      // Any earlier order with this id is final, since the bucket admits an id once at a time: a read finds it.
      const [record] = await this.stored.find(answering, { capability: 'read-by-id', id: order.id }, signal);
      if (record !== undefined)
        return this.isOwn(record, intent) ? { result: 'stored', wasThere: true } : { result: 'exists', record };
    }
    // The legacy system checks numbers itself.
    if (isNumberGiven && answering === 'new') {
      const { number } = order.legacy;
      const read = { capability: 'read-by-range', start: number, end: number } as const;
      const other = (await this.stored.find('new', read, signal)).find(({ id }) => id !== order.id);
      if (other !== undefined) return numberInUse(number);
    }
    const [outcome] = await this.sides[answering].write([order], signal);
    return outcome ?? { result: 'unknown', message: 'the side returned no outcome' };
  }

  /** An earlier attempt at this very intent may have stored the order. */
  private isOwn(record: LegacyRecord, { order }: Intent): boolean {
    const own = legacyView(order, this.zone);
    return JSON.stringify(own) === JSON.stringify(record);
  }
}

/** Returns the refusal of a number that another order has. */
export function numberInUse(number: number): Extract<WriteOutcome, { result: 'refused' }> {
  return { result: 'refused', code: 'number-in-use', message: `number ${number} is in use`, status: 409 };
}

/** Returns what an outcome of the answering side says about the intent. */
export function updateAfter(bucket: number, intent: Intent, outcome: AnsweringOutcome): IntentUpdate {
  const place = { bucket, seq: intent.seq };
  if (outcome.result === 'unknown') return { ...place, error: outcome.message };
  if (outcome.result !== 'stored') return { ...place, close: true };
  if (intent.answering === 'new') return { ...place, new: 'sent' };
  return intent.new === 'none' ? { ...place, close: true } : { ...place, legacy: 'stored' };
}
