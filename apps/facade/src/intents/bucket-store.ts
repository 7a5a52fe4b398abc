import type { AskedOrders } from '../sides/legacy-read.js';
import type { Fence } from '../stages/migration-snapshot.js';
import type { Bucket, Intent, OpenWrite } from './intent.js';

/** A write that asks for admission. */
export interface AdmissionRequest {
  readonly bucket: number;
  /** The epoch that the instance knows. */
  readonly epoch: number;
  readonly intent: Omit<Intent, 'seq' | 'epoch' | 'admittedAt' | 'attempts' | 'lastError'>;
  /** Largest number of open intents in a bucket. */
  readonly maxOpen: number;
  /** Largest age of the bucket's open intents, in ms. */
  readonly maxAgeMs: number;
}

/** What is now known of an intent. Each is a fact that stays true, so that any process may store it, late or twice. */
export type IntentUpdate = { readonly bucket: number; readonly seq: number } &
  /** `none`: it has refused the order. */
  (
    | { readonly legacy: 'stored' | 'none' }
    | { readonly new: 'sent' | 'readable' }
    /** It is final, or no side will ever store it. */
    | { readonly close: true }
    /** An attempt had no outcome. */
    | { readonly error: string }
  );

/** The buckets and their open intents, shared by all instances. Every write is a majority write of one document. */
export interface BucketStore {
  /** The time of the database. */
  now(): Date;

  /** Returns a bucket; creates it, closed. */
  read(bucket: number): Promise<Bucket>;

  /**
   * Admits a write: adds its intent with the next `seq`. Refused if the epoch is not the bucket's, if an intent of an older epoch is
   * open, if an open intent of the bucket has the same id or number, or if too many or too old ones are open.
   * @returns the bucket after the admission; `null` if it is refused
   */
  admit(request: AdmissionRequest): Promise<Bucket | null>;

  /** Stores what is known of intents. Intents that are closed already stay so. */
  update(updates: readonly IntentUpdate[]): Promise<void>;

  /** Returns all buckets with open intents. */
  openBuckets(): Promise<readonly Bucket[]>;

  /** Returns the open writes of some orders. */
  findOpen(asked: AskedOrders): Promise<readonly OpenWrite[]>;

  /** Returns the open writes of some buckets. */
  openIn(buckets: readonly number[]): Promise<readonly OpenWrite[]>;

  /** Raises all buckets to a fence, except those that a later one has raised. */
  raise(fence: Fence): Promise<void>;
}
