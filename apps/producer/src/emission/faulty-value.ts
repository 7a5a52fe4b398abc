import type { Fault } from '#orders/generator/fault-mix.js';
import type { OrderCodec } from '#orders/order/order-codec.js';
import type { Order } from '#orders/order/order.js';

/** Above the consumers' default limit of 16 KiB, and far below the broker's limit. */
const OVERSIZED_BYTES = 24 * 1024;
const CUT_OFF_BYTES = 8;

/** Returns the value of a deliberately faulty record. It is a pure function of the order and its index. */
export function faultyValue(
  fault: Fault,
  index: number,
  order: Order,
  codec: Pick<OrderCodec, 'encode'>,
): Buffer | null {
  switch (fault) {
    case 'poison':
      return poison(index, order, codec);
    case 'oversized':
      return codec.encode({ ...order, legacy: { number: 0, filled: ['x'.repeat(OVERSIZED_BYTES)] } });
    case 'duplicate':
      return codec.encode(order);
    case 'conflict':
      return codec.encode(withOtherContent(order));
  }
}

/** Rotates through three kinds of undecodable value: null, no wire format, a truncated body. */
function poison(index: number, order: Order, codec: Pick<OrderCodec, 'encode'>): Buffer | null {
  const whole = codec.encode(order);
  return (
    [null, Buffer.from(`not an order: ${index}`), whole.subarray(0, whole.length - CUT_OFF_BYTES)][index % 3] ?? null
  );
}

/** Returns a valid order with the same id and another quantity. */
function withOtherContent(order: Order): Order {
  const quantity = order.quantity === 1 ? 2 : order.quantity - 1;
  return { ...order, quantity, amount: BigInt(quantity) * order.price };
}
