import { describe, expect, it } from '@jest/globals';
import avro from 'avsc';
import * as fc from 'fast-check';
import { Decimal128 } from 'mongodb';
import { anOrder } from '../testing/an-order.js';
import { AVRO_LOGICAL_TYPES, ORDER_SCHEMA } from './order-schema.js';
import { formatMoney, moneyFromDecimal128, moneyToDecimal128, parseMoney } from './money.js';

const anyMoney = fc.bigInt({ min: -(10n ** 22n), max: 10n ** 22n });

describe('money', () => {
  it.each([
    ['0.0000', 0n],
    ['0.0001', 1n],
    ['12.3400', 123_400n],
    ['-0.0005', -5n],
    ['-7.5000', -75_000n],
    ['999999999999999999.9999', 10n ** 22n - 1n],
  ])('is formatted as %s, with the same bits as the Decimal128 that the driver parses', (text, money) => {
    expect(formatMoney(money)).toBe(text);
    expect(moneyToDecimal128(money).bytes).toEqual(Decimal128.fromString(text).bytes);
  });

  it.each(['', '1e3', '12,50', 'NaN', '1.23456', ' 1', '+1', '.5', '1.', '0x10', '1e308'])(
    'is not parsed from "%s"',
    (text) => {
      expect(() => parseMoney(text)).toThrow(RangeError);
    },
  );

  it('round-trips through text and BSON for any amount', () => {
    const property = fc.property(anyMoney, (money) => {
      expect(parseMoney(formatMoney(money))).toBe(money);
      expect(moneyFromDecimal128(moneyToDecimal128(money))).toBe(money);
    });
    fc.assert(property, { numRuns: 1_000 });
  });

  it.each([
    ['12.34', 123_400n],
    ['-0.0001', -1n],
    ['7', 70_000n],
    ['0.0010', 10n],
  ])('is read from %s, in whatever scale MongoDB has it', (text, money) => {
    expect(moneyFromDecimal128(Decimal128.fromString(text))).toBe(money);
  });

  it.each(['NaN', 'Infinity', '-Infinity', '0.00001', '1E+40'])('is not read from %s', (text) => {
    expect(() => moneyFromDecimal128(Decimal128.fromString(text))).toThrow(RangeError);
  });
});

function typeOf(schema: object): avro.Type {
  return avro.Type.forSchema(schema as avro.Schema, { logicalTypes: AVRO_LOGICAL_TYPES });
}

function decimal(scale: number): avro.Type {
  return typeOf({ type: 'bytes', logicalType: 'decimal', precision: 22, scale });
}

describe('Avro logical types', () => {
  it('round-trip any decimal in the fewest bytes of two’s complement', () => {
    const type = decimal(4);
    const property = fc.property(anyMoney, (value) => {
      expect(type.fromBuffer(type.toBuffer(value))).toBe(value);
    });
    fc.assert(property, { numRuns: 1_000 });
    expect([0n, 127n, 128n, -128n, -129n].map((value) => type.toBuffer(value).length - 1)).toEqual([1, 1, 2, 1, 2]);
  });

  it('read an order of a newer schema as an order of the current schema', () => {
    const note = { name: 'note', type: 'string', default: '' };
    const newer = typeOf({ ...ORDER_SCHEMA, fields: [...ORDER_SCHEMA.fields, note] });
    const reader = typeOf(ORDER_SCHEMA);
    const order = { ...anOrder(), legacy: null };
    const written = newer.toBuffer({ ...order, note: 'later' });
    expect(reader.fromBuffer(written, reader.createResolver(newer))).toEqual(order);
  });

  it('reject a decimal of another scale, which would change the amount', () => {
    expect(() => decimal(4).createResolver(decimal(2))).toThrow('cannot read');
    expect(() => decimal(4).createResolver(decimal(4))).not.toThrow('cannot read');
  });

  it('reject floats for money and numbers for dates', () => {
    expect(() => decimal(4).toBuffer(1.5)).toThrow('invalid');
    expect(() => typeOf({ type: 'long', logicalType: 'timestamp-millis' }).toBuffer(5)).toThrow('invalid');
  });
});
