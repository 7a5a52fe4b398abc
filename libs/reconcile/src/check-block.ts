import type { IndexFaults } from '#orders/operation/fault-mix.js';
import type { IndexRange } from '#orders/operation/segments.js';
import { compareBlock } from './compare-block.js';
import type { Findings } from './findings.js';
import type { Unaccounted } from './missing-records.js';
import type { SentOrder } from './sent-order.js';
import type { Letter } from './stored-orders.js';

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
