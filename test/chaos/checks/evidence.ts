import type { OperationDocument } from '#orders/operation/operation.js';
import type { ReconcileReport } from '#reconcile/report.js';
import type { JudgedAttempts } from '../attempts/attempt-judge.js';
import type { History } from '../history.js';
import type { PopulateBody } from '../load.js';
import type { InsertWatch } from './insert-watch.js';
import type { KeyOrder } from './key-order.js';

/** Resource use of a process. */
export interface Footprint {
  readonly name: string;
  readonly openFiles: number;
  readonly rssMiB: number;
  /** Timers, sockets and requests that keep the event loop alive, as Node.js counts them; `null` if it isn't Node.js or doesn't answer. */
  readonly handles: number | null;
}

/** The result of one check. */
export interface Finding {
  readonly name: string;
  readonly holds: boolean;
  /** The measured facts, in words and figures. */
  readonly detail: string;
}

/** All data of a run that the checks judge. */
export interface Evidence {
  readonly history: History;
  readonly reports: readonly ReconcileReport[];
  /** Operations that could not be reconciled, with the reason. */
  readonly unreconciled: readonly string[];
  readonly order: KeyOrder;
  readonly watch: Pick<InsertWatch, 'seen' | 'others' | 'brokenBy'>;
  readonly attempts: JudgedAttempts;
  /** Number of orders stored at the end. */
  readonly stored: number;
  /** Number of records with dead letters at the end. Each dead letter without an operation counts as a record. */
  readonly deadRecords: number;
  /** Accepted populates with their request bodies, by idempotency key. */
  readonly accepted: ReadonlyMap<string, { readonly id: string; readonly body: PopulateBody }>;
  /** Idempotency keys of populates that no producer accepted. */
  readonly rejected: readonly string[];
  readonly operations: readonly OperationDocument[];
  /** Whether orders were still in the pipeline until the last fault was over. */
  readonly wasUnderLoad: boolean;
  /** Reads of saved orders after the last recovery. */
  readonly finalReads: { readonly sent: number; readonly right: number };
  /** How many times a consumer's counter of repeated saves was read. */
  readonly repeatReadings: number;
  readonly footprints: { readonly calm: readonly Footprint[]; readonly after: readonly Footprint[] };
  /** Processes that still ran after the cluster was stopped. */
  readonly left: readonly string[];
}

export function figure(value: number): string {
  return value.toLocaleString('en-US');
}
