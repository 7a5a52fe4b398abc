import { describe, expect, it } from '@jest/globals';
import { deadLetterOf } from '../attempts/dead-letter.js';
import { sizeOf } from '../record.js';
import { FetchedRecords } from './kafka-message.js';
import type { KafkaMessage } from './kafkajs.js';

function message(fields: Partial<KafkaMessage> = {}): KafkaMessage {
  const bytes = { key: Buffer.from('key'), value: Buffer.from('value') };
  return { ...bytes, offset: '7', timestamp: '1000', attributes: 0, headers: {}, ...fields } as KafkaMessage;
}

function recordOf(fields?: Partial<KafkaMessage>) {
  const [record] = new FetchedRecords('orders', 3, [message(fields)]);
  if (record === undefined) throw new Error('no record');
  return record;
}

describe.each([
  ['as it was fetched', () => undefined],
  ['with bytes of its own', (record: { detach?(): void }) => record.detach?.()],
])('a fetched record, %s', (_, prepare) => {
  it('has the message’s parts', () => {
    const record = recordOf({ headers: { 'operation-id': Buffer.from('abc'), index: Buffer.from('12') } });
    prepare(record);
    const { topic, partition, offset, timestamp } = record;
    expect({ topic, partition, offset, timestamp }).toEqual({
      topic: 'orders',
      partition: 3,
      offset: 7,
      timestamp: 1_000,
    });
    expect([record.key, record.value].map(String)).toEqual(['key', 'value']);
    expect(record.headers).toEqual({ 'operation-id': Buffer.from('abc'), index: Buffer.from('12') });
  });

  it('tells null from empty', () => {
    const record = recordOf({
      key: null,
      value: Buffer.alloc(0),
      headers: { empty: Buffer.alloc(0), after: Buffer.from('x') },
    });
    prepare(record);
    expect(record.key).toBeNull();
    expect(record.value).toEqual(Buffer.alloc(0));
    expect(record.headers).toEqual({ empty: Buffer.alloc(0), after: Buffer.from('x') });
  });

  it('has the last value of a header that is repeated, as bytes', () => {
    const record = recordOf({ headers: { trace: [Buffer.from('one'), 'two'], plain: 'text' } });
    prepare(record);
    expect(record.headers).toEqual({ trace: Buffer.from('two'), plain: Buffer.from('text') });
  });
});

describe.each([
  ['as it was fetched', () => undefined],
  ['with bytes of its own', (record: { detach?(): void }) => record.detach?.()],
])('headers that only a stranger writes, %s', (_, prepare) => {
  it('are undefined where they have no value', () => {
    const record = recordOf({ headers: { none: null as unknown as Buffer, some: Buffer.from('x') } });
    prepare(record);
    expect(Object.entries(record.headers)).toEqual([
      ['none', undefined],
      ['some', Buffer.from('x')],
    ]);
    expect(sizeOf(record)).toBeGreaterThan(0);
  });

  it('are headers like any others under the name __proto__', () => {
    // As kafkajs decodes it: the value that it finds under that name is the prototype of all objects.
    const headers = { ['__proto__']: [Object.prototype, Buffer.from('x')] } as unknown as NonNullable<
      KafkaMessage['headers']
    >;
    const record = recordOf({ headers });
    prepare(record);
    expect(Object.entries(record.headers)).toEqual([['__proto__', Buffer.from('x')]]);
    expect(sizeOf(record)).toBeLessThan(1_000);
    expect(Object.entries(deadLetterOf(record, new Error('poison'), 1).headers)).toContainEqual([
      '__proto__',
      Buffer.from('x'),
    ]);
  });
});

describe('fetched records', () => {
  it('come in the order of their fetch, each once', () => {
    const records = new FetchedRecords('orders', 0, [message({ offset: '1' }), message({ offset: '5' })]);
    expect([...records].map(({ offset }) => offset)).toEqual([1, 5]);
    expect([...records]).toEqual([]);
  });

  it('don’t hold their fetch any longer once detached', () => {
    const fetch = Buffer.alloc(1_000_000, 'x');
    const record = recordOf({ key: fetch.subarray(0, 5), value: fetch.subarray(5, 100) });
    record.detach?.();
    expect(record.value?.buffer).not.toBe(fetch.buffer);
    expect(record.value?.length).toBe(95);
  });
});
