import { Long, UUID } from 'mongodb';
import type { OrderCodec } from '#orders/order/order-codec.js';
import { toDocument, type OrderDocument } from '#orders/order/order-document.js';
import { readOrigin } from '#orders/operation/record-headers.js';
import type { KafkaMessage } from 'kafkajs';

/** Converts a kafkajs message to the document that the consumer app would save, without the engine. */
export async function orderOfMessage(
  codec: OrderCodec,
  partition: number,
  { headers, offset, value }: KafkaMessage,
): Promise<OrderDocument> {
  await codec.learn(value);
  const order = codec.decode(value);
  const origin = readOrigin(headers as Parameters<typeof readOrigin>[0]);
  return toDocument(order, {
    operationId: origin === undefined ? null : new UUID(origin.operationId),
    partition,
    offset: Long.fromString(offset),
    attempts: 1,
    savedAt: new Date(),
  });
}
