/** Fastify and kafkajs: each request is encoded and sent at once, without validation, and answered after `acks=all`. */
import { randomUUID } from 'node:crypto';
import { connectKafka } from '@orders-pipeline/parallel-consumer/kafkajs';
import { fastify } from 'fastify';
import kafkajs from 'kafkajs';
import { completeOrder, type IntakeOrderBody } from '#orders/order/intake-order.js';
import { parseMoney } from '#orders/order/money.js';
import { OrderCodec } from '#orders/order/order-codec.js';
import { ORDERS_TOPIC } from '#orders/topics/topics.js';
import { announceToParent, onParentExit } from '#service/process/parent-process.js';
import { contenderLogger as logger } from '../contenders/contender-logger.js';

const BODY_LIMIT = 1024 * 1024;

const { KAFKA_BROKERS = '', SCHEMA_REGISTRY_URL = '' } = process.env;
const codec = await OrderCodec.connect({ url: SCHEMA_REGISTRY_URL });
const kafka = connectKafka({ brokers: KAFKA_BROKERS.split(','), clientId: 'bench', logger });
const producer = kafka.producer({
  createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
  allowAutoTopicCreation: false,
});
await producer.connect();
let last = 0;

function messageOf({ id, accountId, side, symbol, quantity, price, currency }: IntakeOrderBody) {
  last += 1;
  const intake = { accountId, side, symbol, quantity, price: parseMoney(price), currency };
  const order = completeOrder(intake, { id: id ?? randomUUID(), number: last, createdAt: new Date() });
  return { item: { id: order.id, number: last }, message: { key: accountId, value: codec.encode(order) } };
}

const server = fastify({ bodyLimit: BODY_LIMIT });
server.post('/v1/orders', async ({ body }, reply) => {
  const orders = (Array.isArray(body) ? body : [body]) as IntakeOrderBody[];
  const sent = orders.map(messageOf);
  await producer.send({ topic: ORDERS_TOPIC, acks: -1, messages: sent.map(({ message }) => message) });
  return reply.status(202).send({ items: sent.map(({ item }) => item) });
});
onParentExit(() => process.exit(0));
process.on('SIGTERM', () => process.exit(0));
announceToParent(await server.listen({ host: '127.0.0.1', port: 0 }));
