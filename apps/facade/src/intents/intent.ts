import type { LegacyOrder } from '#orders/order/order.js';
import type { SideName } from '../sides/side.js';
import type { WriteMode } from '../stages/write-mode.js';

/** An admitted write that is not final. It is removed once it is. */
export interface Intent {
  /** Counts the admitted writes of the bucket: the order of an account's writes, on both sides. */
  readonly seq: number;
  readonly epoch: number;
  readonly order: LegacyOrder;
  /** Whether the client chose the id, or the number: then an earlier order may have it. */
  readonly isIdGiven: boolean;
  readonly isNumberGiven: boolean;
  /** The side whose acceptance is the client's answer. */
  readonly answering: SideName;
  /** `none`: this side doesn't get the order, or has refused it. */
  readonly legacy: 'open' | 'stored' | 'none';
  /** `sent`: Kafka has it. `readable`: reads of the new side return it. */
  readonly new: 'open' | 'sent' | 'readable' | 'none';
  readonly admittedAt: Date;
  readonly instance: string;
  /** Attempts without an outcome. */
  readonly attempts: number;
  readonly lastError: string | null;
}

/** A bucket with its open intents, in the order of their `seq`. */
export interface Bucket {
  readonly bucket: number;
  readonly epoch: number;
  readonly period: number;
  readonly mode: WriteMode;
  readonly open: readonly Intent[];
}

/** What reads need to know of an admitted write that is not final. */
export interface OpenWrite extends Pick<Intent, 'seq' | 'answering' | 'legacy' | 'new'> {
  readonly bucket: number;
  readonly number: number;
}

/** Returns whether reads of a side may miss the order although a client may know it. */
export function isMissing(intent: Pick<Intent, 'answering' | 'legacy' | 'new'>, side: SideName): boolean {
  // Where the legacy system answers, clients know an order only after it has stored it.
  if (side === 'legacy') return intent.answering === 'new' && intent.legacy === 'open';
  return intent.new === 'open' || intent.new === 'sent';
}

/** Returns whether the side that answers the client has not stored the order yet. */
export function isUnanswered(intent: Intent): boolean {
  return intent[intent.answering] === 'open';
}

/** Returns whether each side has the order, or doesn't get it. */
export function isFinal(intent: Intent): boolean {
  return intent.legacy !== 'open' && intent.new !== 'open' && intent.new !== 'sent';
}
