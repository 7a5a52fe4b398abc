import { beforeEach, describe, expect, it } from '@jest/globals';
import { Double, Long, type Db } from 'mongodb';
import { archivedRange } from '#orders/archive/testing/archived-range.js';
import type { OperationDocument } from '#orders/operation/operation.js';
import { anOrder } from '#orders/testing/an-order.js';
import { Findings, type MissingRecord, withoutOplog } from './report.js';
import { pendingReason, type GroupPositions } from './record-positions.js';
import { explainMissing } from './missing-records.js';
import type { CheckContext } from './check-block.js';
import { KnownOrder } from './compare-block.js';
import { storedOrder } from './testing/stored-order.js';

/** Returns a record that the consumers have committed and not saved. */
function lost(index: number, change: Partial<MissingRecord> = {}): MissingRecord {
  const position = { partition: 0, offset: index };
  return { index, number: index + 1, id: 'x', fault: null, ...position, blame: 'committed-past', ...change };
}

/** Returns the positions of a group on partition 3. */
function positions(committed: number, end: number, lettersAreProjected = true): GroupPositions {
  return { committed: new Map([[3, committed]]), ends: new Map([[3, end]]), lettersAreProjected };
}

/** A populate whose second block of 100,000 numbers was saved completely. */
const OPERATION = { _id: 'one', kind: 'populate', fullBlocks: [1] } as unknown as OperationDocument;

describe('an acknowledged order that was not found', () => {
  const orders = [101, 102, 103].map((number) => anOrder({ number }));
  const [first, second, third] = orders.map((order) => (change?: object) => storedOrder(order, change));
  let findings: Findings;

  beforeEach(() => {
    findings = new Findings(OPERATION);
  });

  /** @returns the number of lost orders, if the consumers have committed all of them */
  async function countLost(stored: readonly (Buffer | undefined)[], archived: readonly string[] = []): Promise<number> {
    const range = archivedRange({ first: 1, last: 100 });
    const context: CheckContext = {
      db: { collection: () => ({ find: () => ({ toArray: async () => stored }) }) } as unknown as Db,
      positions: positions(43, 43),
      findings,
      archivedIds: { find: async (ids) => new Map(ids.flatMap((id) => (archived.includes(id) ? [[id, range]] : []))) },
    };
    const unaccounted = orders.map((order, index) => ({
      index,
      order: new KnownOrder(order, false),
      fault: undefined,
    }));
    await explainMissing(unaccounted, (index) => ({ partition: 3, offset: 40 + index }), context);
    return findings.lost.length;
  }

  it('is lost if it is not stored', async () => {
    expect(await countLost([])).toBe(3);
  });

  it('is saved, and not altered, if it was stored as sent in the meantime', async () => {
    expect(await countLost([first?.(), third?.()])).toBe(1);
    expect(findings.counts.saved).toBe(2);
  });

  it('is no loss if it was saved before under another number, and is archived with it', async () => {
    expect(await countLost([], [orders[1]?.id ?? ''])).toBe(2);
    expect(findings.counts.skipped).toBe(1);
  });

  it('is altered if it is stored with another number, or with a value of another type', async () => {
    expect(await countLost([first?.({ number: Long.fromNumber(999) }), second?.({ quantity: new Double(3) })])).toBe(1);
    expect(findings.counts.saved).toBe(0);
    const { alteredOrders } = findings.figures(false);
    expect(alteredOrders.map(({ fields }) => fields)).toEqual([['number'], ['order of fields or their types']]);
  });

  it.each<[string, number | null, GroupPositions, string | undefined]>([
    ['is pending at the committed offset', 50, positions(50, 90), 'not-yet-saved'],
    ['is pending above the committed offset', 51, positions(50, 90), 'not-yet-saved'],
    ['is lost below the committed offset', 49, positions(50, 90), undefined],
    ['may be a dead letter that is not projected yet', 49, positions(50, 90, false), 'not-yet-projected'],
    ['is pending with an unknown offset while there is lag', null, positions(50, 90), 'not-yet-saved'],
    ['is lost with an unknown offset once there is no lag', null, positions(90, 90), undefined],
    [
      'is pending on a partition without a committed offset',
      0,
      { ...positions(50, 90), committed: new Map() },
      'not-yet-saved',
    ],
  ])('%s', (_, offset, group, blame) => {
    expect(pendingReason({ partition: 3, offset }, group)).toBe(blame);
  });

  it('was saved once if all orders of its number block were, unless a faulty record replaced it', () => {
    expect(withoutOplog(lost(150_000), OPERATION)).toMatchObject({ blame: 'saved-then-gone' });
    for (const record of [lost(99_999), lost(150_000, { fault: 'conflict' })])
      expect(withoutOplog(record, OPERATION)).toEqual(record);
  });
});

function found(saved: number, ...records: MissingRecord[]): Findings {
  const findings = new Findings(OPERATION);
  findings.counts.saved = saved;
  for (const record of records) findings.addMissing(record);
  return findings;
}

describe('the findings', () => {
  const pending = [lost(0, { blame: 'not-yet-saved' }), lost(1, { blame: 'not-yet-projected' })];

  it.each([
    ['hold if every acknowledged order is accounted for', found(5), false, 'holds'],
    ['are pending while the operation runs', found(5), true, 'pending'],
    ['are pending for pending orders', found(3, ...pending), false, 'pending'],
    ['are broken for a lost order', found(2, ...pending, lost(2)), false, 'broken'],
    ['are broken if orders are not accounted for', found(4), false, 'broken'],
    ['are broken if orders are not accounted for while the operation runs', found(4), true, 'broken'],
    [
      'are broken for a lost extra record, which is no missing order',
      found(5, lost(0, { fault: 'conflict' })),
      false,
      'broken',
    ],
  ])('%s', (_, findings, isRunning, verdict) => {
    expect(findings.verdict(isRunning, 5)).toBe(verdict);
  });

  it('do not count a lost extra record as a missing order', () => {
    expect(found(5, lost(0, { fault: 'conflict' })).figures(true).missing).toBe(0);
  });

  it('count all lost records and list the first hundred', () => {
    const findings = found(0, ...Array.from({ length: 250 }, (_, index) => lost(index)));
    const { missing: count, missingRecords, blames } = findings.figures(false);
    expect([count, missingRecords.length, blames]).toEqual([250, 100, { 'committed-past': 250 }]);
  });

  it('hold with archived orders, and are broken if an archive is missing or damaged', () => {
    const findings = found(3);
    findings.counts.archived = 2;
    expect(findings.verdict(false, 5)).toBe('holds');
    findings.addArchiveProblem('it is missing');
    expect(findings.verdict(false, 5)).toBe('broken');
    expect(findings.figures(false).archiveProblems).toEqual(['it is missing']);
  });
});
