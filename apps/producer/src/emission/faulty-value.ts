import type { Fault } from '#orders/fault-mix.js';
import type { OrderCodec } from '#orders/order-codec.js';
import type { Order } from '#orders/order.js';

/** Over the consumers' default limit of 16 KiB, and far below what the broker takes. */
const OVERSIZED_BYTES = 24 * 1024;
const CUT_OFF_BYTES = 8;

/** The value of a record that is wrong on purpose: a function of the order and its index, as the order is. */
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

/** Each way of being undecodable in turn: nothing at all, no wire format, a body that breaks off. */
function poison(index: number, order: Order, codec: Pick<OrderCodec, 'encode'>): Buffer | null {
  const whole = codec.encode(order);
  return (
    [null, Buffer.from(`not an order: ${index}`), whole.subarray(0, whole.length - CUT_OFF_BYTES)][index % 3] ?? null
  );
}

/** A good order by itself. */
function withOtherContent(order: Order): Order {
  const quantity = order.quantity === 1 ? 2 : order.quantity - 1;
  return { ...order, quantity, amount: BigInt(quantity) * order.price };
}
