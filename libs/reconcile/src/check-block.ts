import type { Db } from 'mongodb';
import type { ArchiveFolder } from '#orders/archive/archive-folder.js';
import type { ArchivedIds } from '#orders/archive/archived-ids.js';
import type { IndexRange } from '#orders/operation/operation.js';
import type { Fault, IndexFaults } from '#orders/generator/fault-mix.js';
import type { ArchivedOrders, Letter } from './stored-orders.js';
import type { Findings } from './report.js';
import type { GroupPositions } from './record-positions.js';
import { compareBlock, type SentOrder } from './compare-block.js';

/** What the check of one operation reads from, and how it reports its progress. */
export interface CheckSources {
  readonly db: Db;
  readonly positions: GroupPositions;
  /** Finds orders that were saved before under another number, and archived with it. */
  readonly archivedIds: Pick<ArchivedIds, 'find'>;
  /** Aborts the check; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Called after each part with the number of orders that were checked in it. The next part begins when it resolves. */
  readonly onChecked?: ((orders: number) => void | Promise<void>) | undefined;
}

/** The sources of a check, and where its findings go. */
export interface CheckContext extends CheckSources {
  readonly findings: Findings;
  /** Receives each part that was compared. */
  readonly onCompared?: ((block: Block) => void) | undefined;
}

/** The context of a check of a whole operation, whose verified blocks may be archived. */
export interface ReconcileContext extends CheckContext {
  readonly archived: ArchivedOrders;
  /** The archives of the operation, to verify them. Without it, archived orders are counted only. */
  readonly archives?: ArchiveFolder | undefined;
}

/** A range of acknowledged orders, with the sent orders and the stored data. */
export interface Block {
  readonly range: IndexRange;
  /** The orders that were sent, in the order of their indexes, which may have gaps. */
  readonly orders: readonly { readonly index: number; readonly order: SentOrder }[];
  readonly faultsAt: (index: number) => IndexFaults;
  /** The documents that are stored. */
  readonly documents: readonly Buffer[];
  readonly letters: readonly Letter[];
}

/** An acknowledged record that is neither stored under its number nor dead-lettered. */
export interface Unaccounted {
  readonly index: number;
  readonly order: SentOrder;
  /** The fault of an extra record, or of the record that replaced the order. */
  readonly fault: Fault | undefined;
}

/**
 * Checks a block and adds the result to the findings.
 * @returns the records that are neither stored nor dead-lettered
 */
export function checkBlock({ orders, faultsAt, documents, letters }: Block, findings: Findings): Unaccounted[] {
  const faults = new Map(orders.map(({ index }) => [index, faultsAt(index)]));
  const expected = orders.map((each) => ({ ...each, isFaulty: faults.get(each.index)?.instead !== undefined }));
  const { saved, missing, altered, phantoms, doubled } = compareBlock(expected, documents);
  for (const each of altered) findings.addAltered(each);
  for (const each of phantoms) findings.addPhantom(each);
  for (const each of doubled) findings.addDoubled(each);
  const own = new Map(letters.filter(({ fault }) => !isExtra(fault)).map(({ index, state }) => [index, state]));
  findings.counts.saved += saved.length;
  findings.counts.both += own.size === 0 ? 0 : saved.filter((index) => isWaiting(own.get(index))).length;
  const unaccounted: Unaccounted[] = [];
  for (const { index, order } of missing) {
    const fault = faults.get(index)?.instead;
    const state = own.get(index);
    if (fault !== undefined) findings.expectedFaults[fault] += 1;
    if (fault !== undefined && state !== undefined) findings.foundFaults[fault] += 1;
    if (isWaiting(state)) findings.counts.deadLettered += 1;
    else if (state === 'discarded') findings.counts.discarded += 1;
    else unaccounted.push({ index, order, fault });
  }
  return [...unaccounted, ...unaccountedExtras(expected, faults, letters, findings)];
}

/** Checks the extra records: conflicts must be dead-lettered, and duplicates leave no trace. */
function unaccountedExtras(
  expected: Block['orders'],
  faults: ReadonlyMap<number, IndexFaults>,
  letters: readonly Letter[],
  findings: Findings,
): Unaccounted[] {
  const conflicts = new Set(letters.filter(({ fault }) => fault === 'conflict').map(({ index }) => index));
  const unaccounted: Unaccounted[] = [];
  for (const { index, order } of expected) {
    for (const fault of faults.get(index)?.extras ?? []) {
      findings.expectedFaults[fault] += 1;
      if (fault === 'duplicate' || conflicts.has(index)) findings.foundFaults[fault] += 1;
      else unaccounted.push({ index, order, fault });
    }
  }
  return unaccounted;
}

function isExtra(fault: Letter['fault']): boolean {
  return fault === 'duplicate' || fault === 'conflict';
}

function isWaiting(state: Letter['state'] | undefined): boolean {
  return state === 'pending' || state === 'redriving';
}
