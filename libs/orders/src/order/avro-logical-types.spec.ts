import { describe, expect, it } from '@jest/globals';
import avro from 'avsc';
import * as fc from 'fast-check';
import { AVRO_LOGICAL_TYPES } from './avro-logical-types.js';
import { orderGenerator } from '../generator/generator.js';
import { ORDER_SCHEMA } from './order-schema.js';

function typeOf(schema: object): avro.Type {
  return avro.Type.forSchema(schema as avro.Schema, { logicalTypes: AVRO_LOGICAL_TYPES });
}

function decimal(scale: number): object {
  return { type: 'bytes', logicalType: 'decimal', precision: 22, scale };
}

const order = {
  ...orderGenerator({
    operationId: '01935c9e-8a00-7000-8000-000000000001',
    seed: 3,
    count: 1,
    firstNumber: 1,
    accounts: 1,
    from: new Date(0),
    to: new Date(1_000),
  })(0),
  legacy: null,
};

describe('Avro logical types', () => {
  it('round-trip any decimal in the fewest bytes of two’s complement', () => {
    const type = typeOf(decimal(4));
    const property = fc.property(fc.bigInt({ min: -(10n ** 22n), max: 10n ** 22n }), (value) => {
      expect(type.fromBuffer(type.toBuffer(value))).toBe(value);
    });
    fc.assert(property, { numRuns: 1_000 });
    expect([0n, 127n, 128n, -128n, -129n].map((value) => type.toBuffer(value).length - 1)).toEqual([1, 1, 2, 1, 2]);
  });

  it('read an order of a newer schema as an order of the current schema', () => {
    const newer = typeOf({
      ...ORDER_SCHEMA,
      fields: [...ORDER_SCHEMA.fields, { name: 'note', type: 'string', default: '' }],
    });
    const reader = typeOf(ORDER_SCHEMA);
    const written = newer.toBuffer({ ...order, note: 'later' });
    const read: unknown = reader.fromBuffer(written, reader.createResolver(newer));
    expect(read).toEqual(order);
  });

  it('reject a decimal of another scale, which would change the amount', () => {
    expect(() => typeOf(decimal(4)).createResolver(typeOf(decimal(2)))).toThrow('cannot read');
    expect(() => typeOf(decimal(4)).createResolver(typeOf(decimal(4)))).not.toThrow('cannot read');
  });

  it('reject floats for money and numbers for dates', () => {
    expect(() => typeOf(decimal(4)).toBuffer(1.5)).toThrow('invalid');
    expect(() => typeOf({ type: 'long', logicalType: 'timestamp-millis' }).toBuffer(5)).toThrow('invalid');
  });
});
