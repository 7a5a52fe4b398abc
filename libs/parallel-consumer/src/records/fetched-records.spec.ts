import { isAscii } from 'node:buffer';
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { toDeadLetter } from '../attempts/dead-letter.js';
import type { AbortedTransaction } from '../protocol/fetch-request.js';
import type { ConsumedRecord } from './record.js';
import { BASE_TIMESTAMP, batchBytes, markerBytes, type WrittenRecord } from './testing/record-batches.js';
import { batchExtent } from './batch-extent.js';
import { FetchedRecords } from './fetched-records.js';
import { UnreadableRecordsError } from './unreadable-records.js';

const b = (text: string): Buffer => Buffer.from(text);

function read(bytes: Buffer, fetchOffset = 0, abortedTransactions: AbortedTransaction[] = []): ConsumedRecord[] {
  return [...new FetchedRecords({ topic: 'orders', partition: 3, fetchOffset, bytes, abortedTransactions })];
}

function one(record: WrittenRecord): ConsumedRecord {
  const [found] = read(batchBytes({ baseOffset: 7, records: [record] }));
  if (found === undefined) throw new Error('no record');
  return found;
}

function readUntilError(bytes: Buffer): { read: string[]; error: unknown } {
  const found: ConsumedRecord[] = [];
  const fetched = { topic: 'orders', partition: 0, fetchOffset: 0, bytes, abortedTransactions: [] };
  try {
    for (const record of new FetchedRecords(fetched)) found.push(record);
  } catch (error) {
    return { read: values(found), error };
  }
  return { read: values(found), error: undefined };
}

const values = (records: readonly ConsumedRecord[]): string[] => records.map(({ value }) => String(value));

describe.each([
  ['that shares the bytes of its fetch', () => undefined],
  ['that was detached', (record: ConsumedRecord) => record.detach?.()],
])('a fetched record %s', (_, prepare) => {
  it('has its position, timestamp, key, value and headers', () => {
    const record = one({
      key: b('key'),
      value: b('value'),
      timestampDelta: 1_000,
      headers: [
        ['operation-id', b('abc')],
        ['index', b('12')],
      ],
    });
    prepare(record);
    const { topic, partition, offset, timestamp } = record;
    expect({ topic, partition, offset, timestamp }).toEqual({
      topic: 'orders',
      partition: 3,
      offset: 7,
      timestamp: BASE_TIMESTAMP + 1_000,
    });
    expect([record.key, record.value, record.valueText].map(String)).toEqual(['key', 'value', 'value']);
    expect(record.headers).toEqual({ 'operation-id': b('abc'), index: b('12') });
  });

  it('distinguishes null from empty', () => {
    const record = one({
      key: null,
      value: b(''),
      headers: [
        ['none', null],
        ['empty', b('')],
        ['after', b('x')],
      ],
    });
    prepare(record);
    expect(record.key).toBeNull();
    expect([record.value, record.valueText]).toEqual([b(''), '']);
    expect(one({ key: null, value: null }).valueText).toBeNull();
    expect(record.headers).toEqual({ none: undefined, empty: b(''), after: b('x') });
  });

  it('has the last value of a repeated header, and headers named like object properties', () => {
    const record = one({
      headers: [
        ['trace', b('one')],
        ['trace', b('two')],
        ['__proto__', b('x')],
        ['constructor', b('y')],
      ],
    });
    prepare(record);
    expect(Object.entries(record.headers).map(([name, value]) => [name, String(value)])).toEqual([
      ['trace', 'two'],
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ]);
    expect(Object.keys(toDeadLetter(record, new Error('poison'), 1).headers)).toContain('__proto__');
  });

  it('is read as it was written, whatever its content', () => {
    const bytes = fc.option(fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array)));
    const headers = fc.uniqueArray(fc.tuple(fc.string({ maxLength: 20 }), bytes), { selector: ([name]) => name });
    const property = fc.property(bytes, bytes, headers, fc.integer(), (key, value, written, timestampDelta) => {
      const record = one({ key, value, headers: written, timestampDelta });
      prepare(record);
      expect([record.key, record.value, record.valueText]).toEqual([key, value, value && String(value)]);
      expect(record.timestamp).toBe(BASE_TIMESTAMP + timestampDelta);
      expect(new Map(Object.entries(record.headers))).toEqual(
        new Map(written.map(([name, text]) => [name, text ?? undefined])),
      );
      const names = ['traceparent', '', ...written.map(([name]) => name).filter((name) => isAscii(b(name)))];
      expect(names.filter((name) => record.hasHeader?.(name))).toEqual(names.filter((name) => name in record.headers));
    });
    fc.assert(property, { numRuns: 300 });
  });
});

describe('the records of a fetch', () => {
  const twoBatches = Buffer.concat([
    batchBytes({ baseOffset: 10, leaderEpoch: 4, records: [{ value: b('a') }, { value: b('b') }] }),
    batchBytes({ baseOffset: 12, leaderEpoch: 5, records: [{ value: b('c') }] }),
  ]);

  it('start at the requested offset, although whole batches are fetched', () => {
    expect(values(read(twoBatches, 11))).toEqual(['b', 'c']);
    expect(batchExtent(twoBatches, 11)).toEqual({
      nextOffset: 13,
      epochs: [
        { epoch: 4, offset: 11 },
        { epoch: 5, offset: 12 },
      ],
    });
  });

  it('end before a cut-off batch, which the next fetch returns completely', () => {
    for (let length = 0; length < twoBatches.length; length += 1) {
      const cut = twoBatches.subarray(0, length);
      const whole = read(cut, 10);
      expect(batchExtent(cut, 10).nextOffset).toBe(10 + whole.length);
    }
    expect(batchExtent(twoBatches.subarray(0, -1), 10).nextOffset).toBe(12);
  });

  it.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)('are read from a batch with codec %s', (codec) => {
    const records = Array.from({ length: 200 }, (_, index) => ({ key: b(`k${index}`), value: b(`v${index}`) }));
    const found = read(batchBytes({ baseOffset: 0, codec, records }));
    expect(values(found)).toEqual(records.map(({ value }) => String(value)));
    expect(found.map(({ offset }) => offset)).toEqual(records.map((_, index) => index));
  });

  it('keep their offsets in a compacted batch, and skip an emptied one', () => {
    const bytes = Buffer.concat([
      batchBytes({ baseOffset: 0, lastOffsetDelta: 9, records: [{ offsetDelta: 4, value: b('a') }] }),
      batchBytes({ baseOffset: 10, lastOffsetDelta: 4, records: [] }),
    ]);
    expect(read(bytes).map(({ offset }) => offset)).toEqual([4]);
    expect(batchExtent(bytes, 0).nextOffset).toBe(15);
  });

  it('have the append time when the broker sets timestamps', () => {
    const [record] = read(batchBytes({ baseOffset: 0, appendTime: 5_000, records: [{ timestampDelta: 7 }] }));
    expect(record?.timestamp).toBe(5_000);
  });
});

const txBatch = (producerId: number, baseOffset: number, value: string, key: Buffer | null = null): Buffer =>
  batchBytes({ baseOffset, producerId, isTransactional: true, records: [{ key, value: b(value) }] });

const batchOf = (baseOffset: number, codec: 'none' | 'zstd', ...texts: string[]): Buffer =>
  batchBytes({ baseOffset, codec, records: texts.map((text) => ({ value: b(text) })) });

describe('decompressed batches', () => {
  const bytes = Buffer.concat([batchOf(0, 'zstd', 'a', 'b'), batchOf(2, 'none', 'c', 'd'), batchOf(4, 'zstd', 'e')]);

  it('are counted until they are released, and decompressed again then', () => {
    const fetched = new FetchedRecords({
      topic: 'orders',
      partition: 0,
      fetchOffset: 0,
      bytes,
      abortedTransactions: [],
    });
    const sizes: number[] = [];
    const due: boolean[] = [];
    const found: string[] = [];
    for (const releases of [true, false, true, false, false, false]) {
      due.push(fetched.mustDecompress);
      found.push(String(fetched.next().value?.value));
      if (releases) fetched.release();
      sizes.push(fetched.decompressedBytes);
    }
    expect(found).toEqual(['a', 'b', 'c', 'd', 'e', 'undefined']);
    expect(due).toEqual([true, true, false, false, true, false]);
    expect(sizes.map((size) => size > 0)).toEqual([false, true, false, false, true, true]);
  });
});

describe('the records of transactions', () => {
  it('are hidden when the transaction was aborted, up to its marker and no further', () => {
    const bytes = Buffer.concat([
      txBatch(1, 0, 'never'),
      markerBytes(1, 1, 'abort'),
      txBatch(1, 2, 'a'),
      markerBytes(3, 1, 'commit'),
      batchBytes({ baseOffset: 4, records: [{ value: b('b') }] }),
    ]);
    expect(values(read(bytes, 0, [{ producerId: 1, firstOffset: 0 }]))).toEqual(['a', 'b']);
    expect(batchExtent(bytes, 0).nextOffset).toBe(5);
  });

  it('are assigned to overlapping transactions correctly, in any order in which the broker lists aborted ones', () => {
    const bytes = Buffer.concat([
      txBatch(1, 50, 'never'),
      txBatch(2, 51, 'never'),
      txBatch(3, 52, 'a'),
      markerBytes(53, 2, 'abort'),
      txBatch(2, 54, 'b'),
      txBatch(1, 55, 'never'),
      markerBytes(56, 1, 'abort'),
      markerBytes(57, 2, 'commit'),
      markerBytes(58, 3, 'commit'),
    ]);
    const aborted = [
      { producerId: 2, firstOffset: 51 },
      { producerId: 1, firstOffset: 50 },
    ];
    expect(values(read(bytes, 50, aborted))).toEqual(['a', 'b']);
    expect(values(read(bytes, 50, aborted.toReversed()))).toEqual(['a', 'b']);
  });

  it('are hidden whatever their keys, even with the key bytes of an abort marker', () => {
    const bytes = Buffer.concat([
      txBatch(1, 0, 'never', Buffer.alloc(4)),
      txBatch(1, 1, 'never'),
      markerBytes(2, 1, 'abort'),
    ]);
    expect(read(bytes, 0, [{ producerId: 1, firstOffset: 0 }])).toEqual([]);
  });
});

describe('an unreadable batch', () => {
  const good = batchBytes({ baseOffset: 0, records: [{ value: b('a') }] });
  const second = batchBytes({ baseOffset: 1, records: [{ value: b('b') }] });

  it.each([
    ['with changed bytes', 'corrupt-records', (bytes: Buffer) => bytes.writeUInt8(0x78, bytes.length - 2)],
    ['of an unknown format version', 'corrupt-records', (bytes: Buffer) => bytes.writeInt8(3, 16)],
    ['of format version 0', 'unsupported-format', (bytes: Buffer) => bytes.writeInt8(0, 16)],
    ['of format version 1', 'unsupported-format', (bytes: Buffer) => bytes.writeInt8(1, 16)],
    ['with a control bit that was flipped', 'corrupt-records', (bytes: Buffer) => bytes.writeInt16BE(0b10_0000, 21)],
    ['with a record count of 0', 'corrupt-records', (bytes: Buffer) => bytes.writeInt32BE(0, 57)],
    ['with an invalid length', 'corrupt-records', (bytes: Buffer) => bytes.writeInt32BE(-5, 8)],
  ])('%s is reported after all records before it', (_what, code, damage) => {
    const damaged = Buffer.from(second);
    damage(damaged);
    const { read: found, error } = readUntilError(Buffer.concat([good, damaged]));
    expect(found).toEqual(['a']);
    expect(error).toMatchObject({ code, offset: 1 });
  });

  it('with an unknown codec is reported with that codec', () => {
    const { error } = readUntilError(batchBytes({ baseOffset: 9, codec: 7, records: [{ value: b('a') }] }));
    expect(error).toMatchObject({ code: 'unsupported-codec', message: expect.stringContaining('codec 7') });
  });

  it.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)(
    'that decompresses with %s to more bytes than allowed is reported as too large, not as corrupt',
    (codec) => {
      const bytes = batchBytes({ baseOffset: 9, codec, records: [{ value: Buffer.alloc(100_000) }] });
      const limit = (maxDecompressedBytes: number) => {
        const fetched = { topic: 'orders', partition: 0, fetchOffset: 0, bytes, abortedTransactions: [] };
        return new FetchedRecords({ ...fetched, maxDecompressedBytes });
      };
      expect([...limit(100_100)]).toHaveLength(1);
      expect(() => [...limit(100_000)]).toThrow(
        expect.objectContaining({
          code: 'batch-too-large',
          offset: 9,
          message: 'the batch at offset 9 has more than 100000 decompressed bytes',
        }),
      );
    },
  );

  it('never yields anything but its records, whichever byte changes', () => {
    const bytes = batchBytes({ baseOffset: 0, records: [{ key: b('key'), value: b('value') }] });
    const property = fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, by) => {
      const damaged = Buffer.from(bytes);
      damaged.writeUInt8((damaged.readUInt8(at) + by) % 256, at);
      const { read: found, error } = readUntilError(damaged);
      expect(error === undefined || error instanceof UnreadableRecordsError).toBe(true);
      expect(found.filter((value) => value !== 'value')).toEqual([]);
      const isCoveredByCrc = at >= 17;
      expect(isCoveredByCrc && error === undefined).toBe(false);
    });
    fc.assert(property, { numRuns: 500 });
  });
});
