import { describe, expect, it } from '@jest/globals';
import { noPayload, parsedValue, rawValue } from './deserializer.js';

function recordOf(value: Buffer | null) {
  return { topic: 'orders', partition: 0, offset: 0, key: null, value, headers: {}, timestamp: 0, byteLength: 0 };
}

describe('the default deserializer', () => {
  it.each([
    ['an object', '{"id":1}', { id: 1 }],
    ['a list', '[1,2]', [1, 2]],
    ['text', 'hello', 'hello'],
    ['a number, which ServerKafka leaves as text', '12', '12'],
    ['nothing', '', ''],
  ])('reads %s as ServerKafka does', (_what, text, expected) => {
    expect(parsedValue(recordOf(Buffer.from(text)))).toEqual(expected);
  });

  it('leaves tombstones and the wire format of a schema registry alone', () => {
    const encoded = Buffer.from([0, 0, 0, 0, 1, 2]);
    expect(parsedValue(recordOf(null))).toBe(null);
    expect(parsedValue(recordOf(encoded))).toEqual(encoded);
  });

  it('throws for broken JSON instead of handing text over as an object', () => {
    expect(() => parsedValue(recordOf(Buffer.from('{"id":')))).toThrow(SyntaxError);
  });
});

describe('the raw deserializer', () => {
  it('gives the bytes as a copy, which holds nothing of the fetch that they came with', () => {
    const fetched = Buffer.from('before{"id":1}after');
    const value = fetched.subarray(6, 14);
    const payload = rawValue(recordOf(value));
    expect(payload).toEqual(Buffer.from('{"id":1}'));
    fetched.fill(0);
    expect(payload).toEqual(Buffer.from('{"id":1}'));
    expect(rawValue(recordOf(null))).toBe(null);
  });
});

describe('the deserializer of nothing', () => {
  it('leaves the record to the context', () => {
    expect(noPayload(recordOf(Buffer.from('{"id":1}')))).toBe(undefined);
  });
});
