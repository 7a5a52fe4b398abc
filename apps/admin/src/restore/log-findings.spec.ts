import { beforeEach, describe, expect, it } from '@jest/globals';
import { unpackOrders } from '#orders/numbering/intake-batches.js';
import { idOf } from '#orders/testing/an-order.js';
import { javaCompatiblePartitioner } from '#orders/topics/topics.js';
import {
  KnownNumbers,
  LogFindings,
  NumberSet,
  toBatches,
  type LoggedRecord,
  type PlacedOrder,
} from './log-findings.js';
import { FormerPartitions } from './restored-metadata.js';

const HIGHEST = 1_000;
/** Reserved before the backup, without a batch. */
const OPEN = { from: 990, to: 995 };
const MILLION = 1_048_576;
const T = new Date('2026-11-28T00:00:00Z');

function loggedOrder(number: number) {
  return { id: idOf(number), number, hash: 'ab'.repeat(16), createdAt: T, createdAtAssigned: false };
}

/** Returns a valid order of an operation. */
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
  return sent(operationId, index, 1, { number: undefined, order: undefined });
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
    const numbers = { firstNumber: 1_001, lastNumber: 1_005, firstAt: 70, lastAt: 90 };
    expect(findings.lost).toMatchObject([{ id: 'lost', records: 2, orders: 2, ...numbers }]);
    expect(findings.progressed).toMatchObject([{ id: 'populate', records: 1, orders: 0, firstNumber: null }]);
  });

  it.each<[string, LoggedRecord[], highest: number]>([
    ['that of the backup without records', [], HIGHEST],
    ['that of any order', [sent('lost', 0, 1_001)], 1_001],
    ['that of an order that no consumer saves', [sent('lost', 6, 1_007, { order: undefined })], 1_007],
    [
      'that of a record that can not be decoded, by those of its operation',
      [sent('lost', 0, 1_001), undecodable('lost', 9)],
      1_010,
    ],
    ['that of the backup if a known operation has such a record', [undecodable('populate', 499)], HIGHEST],
  ])('is the highest number: %s', (_, records, highest) => {
    for (const record of records) findings.note(record);
    expect(findings.highestNumber()).toEqual({ highest, skipped: 0 });
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
    findings.note(sent('', 0, 5_000, { origin: undefined }));
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

function order(number: number, change: Partial<PlacedOrder> = {}): PlacedOrder {
  const place = { operationId: 'one', index: number - 100, partition: 0, offset: number, timestamp: number };
  return { ...loggedOrder(number), ...place, ...change };
}

describe('the batches of logged orders', () => {
  it('cover consecutive numbers of one operation, in any order of reading, with the places of their records', () => {
    const [batch, ...others] = toBatches([
      order(103, { partition: 1, offset: 9 }),
      order(101, { partition: 1, offset: 7 }),
      order(100, { offset: 50 }),
      order(102, { offset: 51 }),
    ]);
    expect(others).toEqual([]);
    expect(batch).toMatchObject({ _id: 100, operationId: 'one', from: 0, count: 4, state: 'acknowledged' });
    expect(batch?.parts).toEqual([
      { partition: 0, records: 2, baseOffset: 50 },
      { partition: 1, records: 1, baseOffset: 7 },
      { partition: 1, records: 1, baseOffset: 9 },
    ]);
    const orders = unpackOrders(batch ?? {});
    expect(orders.map(({ id }) => id)).toEqual([100, 101, 102, 103].map(idOf));
    expect(orders.map(({ partition }) => partition)).toEqual([0, 1, 0, 1]);
  });

  it.each<[string, Partial<PlacedOrder>]>([
    ['a number is missing', { number: 102, index: 2 }],
    ['the index does not go on', { index: 7 }],
    ['another operation begins', { operationId: 'two' }],
  ])('end where %s', (_, change) => {
    expect(toBatches([order(100), order(101, change)]).map(({ count }) => count)).toEqual([1, 1]);
  });

  it('end after a thousand orders', () => {
    const batches = toBatches(Array.from({ length: 2_001 }, (_, at) => order(100 + at)));
    expect(batches.map(({ _id }) => _id)).toEqual([100, 1_100, 2_100]);
    expect(batches.map(({ count }) => count)).toEqual([1_000, 1_000, 1]);
  });

  it('have the time that the intake has assigned to their orders', () => {
    const later = new Date(T.getTime() + 1);
    const batches = toBatches([
      order(100, { createdAtAssigned: true }),
      order(101, { createdAt: new Date(0) }),
      order(102, { createdAtAssigned: true }),
      order(103, { createdAtAssigned: true, createdAt: later }),
    ]);
    expect(batches.map(({ count }) => count)).toEqual([3, 1]);
    expect(batches.map(({ at }) => at)).toEqual([T, later]);
  });
});

function setOf(...numbers: number[]): NumberSet {
  const set = new NumberSet();
  for (const number of numbers) set.add(number);
  return set;
}

describe('a set of numbers', () => {
  it('says once that a number is new', () => {
    const set = setOf(7);
    expect([set.add(7), set.add(8), set.has(7), set.has(9)]).toEqual([false, true, true, false]);
  });

  it.each<[from: number, to: number, missing: string[]]>([
    [1, 10, ['3-4', '7-8', '10-10']],
    [1, 2, []],
    [3, 2, []],
    [10, 100 * MILLION + 3, [`10-${90 * MILLION + 4}`, `${90 * MILLION + 6}-${100 * MILLION + 3}`]],
    [50 * MILLION, 50 * MILLION, [`${50 * MILLION}-${50 * MILLION}`]],
  ])('returns what is missing from %d to %d as the fewest ranges, also millions', (first, last, missing) => {
    const set = setOf(1, 2, 5, 6, 9, 90 * MILLION + 5);
    expect([...set.missing(first, last)].map(({ from, to }) => `${from}-${to}`)).toEqual(missing);
  });
});

describe('the partition count at a backup', () => {
  const [few, many] = [2, 4];
  const [before, after] = [javaCompatiblePartitioner(few), javaCompatiblePartitioner(many)];
  const keys = Array.from({ length: 200 }, (_, at) => `acc-${at}`);
  /** Keys of partition 0 that move, and that stay. */
  const moving = keys.find((key) => before(key) === 0 && after(key) !== 0);
  const staying = keys.find((key) => before(key) === 0 && after(key) === 0);

  it('ends behind the last record of a key that has moved since', () => {
    const former = new FormerPartitions([10, 20], many);
    former.note(0, 10, staying);
    former.note(0, 11, moving);
    former.note(0, 12, staying);
    former.note(3, 0, moving);
    expect(former.earlier).toEqual({ partitions: few, ends: [12, 20] });
  });

  it('is the present one if none was added', () => {
    const former = new FormerPartitions([10, 20], few);
    former.note(0, 11, moving);
    expect(former.earlier).toBeUndefined();
  });
});
