import type { OpenRecord } from '@orders-pipeline/parallel-consumer';
import type { OrderCodec } from '#orders/order/order-codec.js';
import { formatMoney } from '#orders/order/money.js';
import { UnsavableOrderError } from '../order-saver.js';
import type { Delay } from '../simulated-delay.js';

type Codec = Pick<OrderCodec, 'learn' | 'decode'>;

/** Takes the place of `simulatedDelay`: pays each order at a service, before the order is saved. */
export function paymentCall(codec: Codec, url: string): Delay {
  return (save) => (item) =>
    void pay(codec, url, item).then(
      () => save(item),
      (error: Error) => item.report(error),
    );
}

async function pay(codec: Codec, url: string, { record, attempt }: OpenRecord): Promise<void> {
  await codec.learn(record.value); // Loads the schema, if it is new.
  const { id, accountId, amount, currency } = codec.decode(record.value);
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': id },
    body: JSON.stringify({ accountId, amount: formatMoney(amount), currency }),
    signal: attempt.signal,
  });
  await response.arrayBuffer();
  // This order is wrong: a dead letter. Any other error may be an outage: the consumer waits, and tries again without end.
  if (response.status === 422) throw new UnsavableOrderError('refused-by-service', 'the payment service rejects it');
  if (!response.ok) throw new Error(`the payment service responded with ${response.status}`);
}
