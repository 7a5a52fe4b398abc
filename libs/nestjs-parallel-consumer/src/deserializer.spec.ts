import { describe, expect, it } from '@jest/globals';
import { noPayload, parsedValue, rawValue } from './deserializer.js';

function createRecord(value: Buffer | null) {
  const at = { topic: 'orders', partition: 0, offset: 0, timestamp: 0 };
  return { ...at, key: null, value, valueText: value && String(value), headers: {}, byteLength: 0 };
}

describe('the default deserializer', () => {
  it.each([
    ['an object', '{"id":1}', { id: 1 }],
    ['a list', '[1,2]', [1, 2]],
    ['text', 'hello', 'hello'],
    ['a number, which ServerKafka leaves as text', '12', '12'],
    ['nothing', '', ''],
  ])('parses %s like ServerKafka', (_what, text, expected) => {
    expect(parsedValue(createRecord(Buffer.from(text)))).toEqual(expected);
  });

  it('returns tombstones and the wire format of a schema registry unchanged', () => {
    const encoded = Buffer.from([0, 0, 0, 0, 1, 2]);
    expect(parsedValue(createRecord(null))).toBe(null);
    expect(parsedValue(createRecord(encoded))).toEqual(encoded);
  });

  it('throws for invalid JSON instead of returning text', () => {
    expect(() => parsedValue(createRecord(Buffer.from('{"id":')))).toThrow(SyntaxError);
  });
});

describe('the raw deserializer', () => {
  it('returns a copy of the bytes, which does not reference the fetch buffer', () => {
    const fetched = Buffer.from('before{"id":1}after');
    const value = fetched.subarray(6, 14);
    const payload = rawValue(createRecord(value));
    expect(payload).toEqual(Buffer.from('{"id":1}'));
    fetched.fill(0);
    expect(payload).toEqual(Buffer.from('{"id":1}'));
    expect(rawValue(createRecord(null))).toBe(null);
  });
});

describe('noPayload', () => {
  it('returns undefined', () => {
    expect(noPayload(createRecord(Buffer.from('{"id":1}')))).toBe(undefined);
  });
});
