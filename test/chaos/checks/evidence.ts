import type { OperationDocument } from '#orders/operation.js';
import type { ReconcileReport } from '#reconcile/report.js';
import type { History } from '../history/history.js';
import type { PopulateBody } from '../load/populates.js';
import type { Footprint } from './footprint.js';
import type { InsertWatch } from './insert-watch.js';
import type { KeyOrder } from './key-order.js';

/** One thing that must hold, and whether it does. */
export interface Finding {
  readonly name: string;
  readonly holds: boolean;
  /** What was found, in words and figures. */
  readonly detail: string;
}

/** All that a run leaves behind to be judged by. */
export interface Evidence {
  readonly history: History;
  readonly reports: readonly ReconcileReport[];
  /** Operations that could not be reconciled, and why. */
  readonly unreconciled: readonly string[];
  readonly order: KeyOrder;
  readonly watch: Pick<InsertWatch, 'seen' | 'others' | 'brokenBy'>;
  /** Orders that there are in the end. */
  readonly stored: number;
  /** Records that there are dead letters of in the end: an operation's index, or what was wrong with it, and `null` once for each that nobody made. */
  readonly letters: number;
  /** Populates that were taken, by their keys, and what was asked for; the operations that there are; keys that nobody would take. */
  readonly taken: ReadonlyMap<string, { readonly id: string; readonly body: PopulateBody }>;
  readonly refused: readonly string[];
  readonly operations: readonly OperationDocument[];
  /** Whether there was something to lose until the last fault was over. */
  readonly wasUnderLoad: boolean;
  /** Reads of what was saved, once all was over. */
  readonly healed: { readonly asked: number; readonly right: number };
  /** How often consumers have told their repeats. */
  readonly repeatLooks: number;
  readonly footprints: { readonly calm: readonly Footprint[]; readonly after: readonly Footprint[] };
  /** Processes that ran on after the end. */
  readonly left: readonly string[];
}

export function figure(value: number): string {
  return value.toLocaleString('en-US');
}
