import { describe, expect, it } from '@jest/globals';
import { orderGenerator } from '#orders/generator/generator.js';
import { orderViolation, type Order } from '#orders/order/order.js';
import { faultyValue } from './faulty-value.js';

const order = orderGenerator({
  operationId: '01935c9e-8a00-7000-8000-000000000001',
  seed: 1,
  count: 1,
  firstNumber: 1,
  accounts: 1,
  from: new Date(0),
  to: new Date(1_000),
})(0);

/** Creates a codec that records the encoded orders; its bytes are the order's id and its filled fields. */
function recordingCodec() {
  const encoded: Order[] = [];
  const encode = (each: Order): Buffer => {
    encoded.push(each);
    return Buffer.from(each.id + (each.legacy?.filled.join() ?? ''));
  };
  return { encoded, codec: { encode } };
}

describe('the value of a deliberately faulty record', () => {
  it('rotates through three kinds of poison record', () => {
    const { codec } = recordingCodec();
    const values = [0, 1, 2].map((index) => faultyValue('poison', index, order, codec));
    expect(values[0]).toBeNull();
    expect(String(values[1])).toBe('not an order: 1');
    expect(String(values[2])).toBe(order.id.slice(0, -8));
  });

  it('is a valid order between the size limits of the consumers and the broker when oversized', () => {
    const { codec, encoded } = recordingCodec();
    const bytes = faultyValue('oversized', 0, order, codec)?.length ?? 0;
    expect(bytes).toBeGreaterThan(16_384);
    expect(bytes).toBeLessThan(100_000);
    expect(encoded.map((each) => orderViolation(each))).toStrictEqual([undefined]);
  });

  it('is a valid order with the same id and other content when conflicting', () => {
    const { codec, encoded } = recordingCodec();
    for (const quantity of [1, 2, 10_000])
      faultyValue('conflict', 0, { ...order, quantity, amount: BigInt(quantity) * order.price }, codec);
    expect(encoded.map(({ quantity }) => quantity)).toEqual([2, 1, 9_999]);
    expect(encoded.every((each) => each.id === order.id && each.number === order.number)).toBe(true);
    expect(encoded.map((each) => orderViolation(each))).toStrictEqual([undefined, undefined, undefined]);
  });

  it('is the same order when duplicate', () => {
    const { codec, encoded } = recordingCodec();
    faultyValue('duplicate', 0, order, codec);
    expect(encoded).toEqual([order]);
  });
});
