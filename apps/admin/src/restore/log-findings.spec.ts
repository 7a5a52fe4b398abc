import { beforeEach, describe, expect, it } from '@jest/globals';
import { KnownNumbers } from './known-numbers.js';
import { LogFindings } from './log-findings.js';
import type { LoggedOrder, LoggedRecord } from './logged-order.js';

const HIGHEST = 1_000;
/** Reserved before the backup, without a batch. */
const OPEN = { from: 990, to: 995 };

function loggedOrder(number: number): LoggedOrder {
  return { id: `id-${number}`, number, hash: '', createdAt: new Date(0), createdAtAssigned: false };
}

/** A valid order of an operation. */
function sent(operationId: string, index: number, number: number, change: Partial<LoggedRecord> = {}): LoggedRecord {
  return {
    partition: 0,
    offset: number,
    timestamp: number,
    origin: { operationId, index },
    redriveOf: undefined,
    number,
    legacy: undefined,
    order: loggedOrder(number),
    accountKey: undefined,
    ...change,
  };
}

function undecodable(operationId: string, index: number): LoggedRecord {
  return { ...sent(operationId, index, 1), number: undefined, order: undefined };
}

describe('what the log says about the time since a backup', () => {
  let findings: LogFindings;

  beforeEach(() => {
    const restored = new Map([
      ['populate', { kind: 'populate', count: 500 }],
      ['intake', { kind: 'intake', count: 10 }],
    ] as const);
    findings = new LogFindings(new KnownNumbers(HIGHEST, [OPEN]), restored);
  });

  it('is every order once whose number the backup does not know', () => {
    expect(findings.note(sent('lost', 0, 1_001))).toMatchObject({ number: 1_001, operationId: 'lost', index: 0 });
    expect(findings.note(sent('lost', 0, 1_001))).toBeUndefined();
    expect(findings.note(sent('populate', 3, 400))).toBeUndefined();
    expect(findings.note(sent('intake', 10, 992))).toMatchObject({ number: 992 });
    expect(findings.records).toBe(4);
  });

  it('is which operations the backup lacks, and which have gone on', () => {
    findings.note(sent('lost', 4, 1_005, { timestamp: 70 }));
    findings.note(sent('lost', 0, 1_001, { timestamp: 90 }));
    findings.note(sent('populate', 3, 400));
    expect(findings.lost).toEqual([
      expect.objectContaining({
        id: 'lost',
        records: 2,
        orders: 2,
        firstNumber: 1_001,
        lastNumber: 1_005,
        firstAt: 70,
        lastAt: 90,
      }),
    ]);
    expect(findings.progressed).toEqual([
      expect.objectContaining({ id: 'populate', records: 1, orders: 0, firstNumber: null }),
    ]);
  });

  it('is the highest number of any order, also of one that no consumer saves', () => {
    expect(findings.highestNumber()).toEqual({ highest: HIGHEST, skipped: 0 });
    findings.note(sent('lost', 0, 1_001));
    findings.note(sent('lost', 6, 1_007, { order: undefined }));
    expect(findings.highestNumber()).toEqual({ highest: 1_007, skipped: 0 });
  });

  it('is the number of a record that can not be decoded, by those of its operation', () => {
    findings.note(sent('lost', 0, 1_001));
    findings.note(undecodable('lost', 9));
    expect(findings.highestNumber()).toEqual({ highest: 1_010, skipped: 0 });
    findings.note(undecodable('populate', 499));
    expect(findings.highestNumber()).toEqual({ highest: 1_010, skipped: 0 });
  });

  it.each<[string, LoggedRecord[]]>([
    ['no record of its operation can be decoded', [undecodable('lost', 5)]],
    [
      'the numbers of its operation are in several blocks',
      [sent('lost', 0, 1_001), sent('lost', 1, 1_009), undecodable('lost', 2)],
    ],
  ])('is that numbers must be skipped if %s', (_, records) => {
    for (const record of records) findings.note(record);
    const { highest, skipped } = findings.highestNumber();
    expect(skipped).toBe(100_000_000);
    expect(highest).toBeGreaterThanOrEqual(skipped + HIGHEST);
  });

  it('is nothing about records of other programs, whose numbers the counter never reserved', () => {
    findings.note({ ...sent('', 0, 5_000), origin: undefined });
    findings.note(sent('lost', 0, 9_000_000_000));
    expect(findings.foreign).toBe(2);
    expect(findings.highestNumber()).toEqual({ highest: HIGHEST, skipped: 0 });
    expect(findings.lost).toEqual([]);
  });

  it('is which dead letters were sent again, without an operation of their own', () => {
    findings.note(sent('gone', 2, 30, { redriveOf: 'orders.v1/0/7' }));
    expect([...findings.redriven]).toEqual(['orders.v1/0/7']);
    expect(findings.lost).toEqual([]);
  });

  it('is which numbers stay unused', () => {
    for (const number of [1_001, 1_002, 1_006]) findings.note(sent('lost', number - 1_001, number));
    expect([...findings.seen.missing(HIGHEST + 1, 1_006)]).toEqual([{ from: 1_003, to: 1_005 }]);
  });
});
