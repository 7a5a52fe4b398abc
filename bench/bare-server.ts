import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fastify } from 'fastify';
import kafkajs from 'kafkajs';
import { UUID } from 'mongodb';
import { Pool } from 'undici';
import { completeOrder, type IntakeOrderBody } from '#orders/order/intake-order.js';
import { parseMoney } from '#orders/order/money.js';
import { OrderCodec } from '#orders/order/order-codec.js';
import { ordersCollection } from '#orders/order/order-document.js';
import { ORDERS_TOPIC } from '#orders/topics/topics.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { announceToParent, onParentExit } from '#service/process/parent-process.js';
import { kafkaAt } from './kafka.js';

// The process of a server for comparison, which its argument names. Each does only what no server of its kind can leave out.

const BODY_LIMIT = 1024 * 1024;
const PROXY_CONNECTIONS = 64;

const SERVERS = {
  /** Plain Node HTTP with the query API's read by id. */
  'find-one': async () => {
    const mongo = new Mongo(process.env['MONGODB_URI'] ?? '', 'bench');
    const orders = ordersCollection(mongo.db);
    const answer = async (id: string, response: ServerResponse): Promise<void> => {
      try {
        const order = await orders.findOne({ _id: new UUID(id) }, { projection: { ingest: 0 } });
        response.writeHead(order === null ? 404 : 200, { 'content-type': 'application/json' });
        response.end(JSON.stringify(order));
      } catch (error) {
        response.writeHead(500).end(String(error));
      }
    };
    const server = createServer((request, response) => {
      const id = request.url?.slice('/v1/orders/'.length) ?? '';
      void answer(id, response);
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  },

  /** What any proxy in Node.js adds: Fastify and undici send each request on as it came. */
  proxy: async () => {
    const { TARGET_URL = '' } = process.env;
    const target = new Pool(TARGET_URL, { connections: PROXY_CONNECTIONS, pipelining: 1 });
    const server = fastify();
    server.get('/*', async ({ url }, reply) => {
      const { statusCode, headers, body } = await target.request({ method: 'GET', path: url });
      void reply.status(statusCode).header('content-type', headers['content-type']);
      return reply.send(body);
    });
    return server.listen({ host: '127.0.0.1', port: 0 });
  },

  /** Fastify and kafkajs: each request is encoded and sent at once, without validation, and answered after `acks=all`. */
  'order-api': async () => {
    const { KAFKA_BROKERS = '', SCHEMA_REGISTRY_URL = '' } = process.env;
    const codec = await OrderCodec.connect({ url: SCHEMA_REGISTRY_URL });
    const createPartitioner = kafkajs.Partitioners.DefaultPartitioner;
    const producer = kafkaAt(KAFKA_BROKERS).producer({ createPartitioner, allowAutoTopicCreation: false });
    await producer.connect();
    let last = 0;
    const messageOf = ({ id, accountId, side, symbol, quantity, price, currency }: IntakeOrderBody) => {
      last += 1;
      const content = { accountId, side, symbol, quantity, price: parseMoney(price), currency };
      const order = completeOrder(content, { id: id ?? randomUUID(), number: last, createdAt: new Date() });
      return { item: { id: order.id, number: last }, message: { key: order.accountId, value: codec.encode(order) } };
    };
    const server = fastify({ bodyLimit: BODY_LIMIT });
    server.post('/v1/orders', async ({ body }, reply) => {
      const orders = (Array.isArray(body) ? body : [body]) as IntakeOrderBody[];
      const sent = orders.map(messageOf);
      await producer.send({ topic: ORDERS_TOPIC, acks: -1, messages: sent.map(({ message }) => message) });
      return reply.status(202).send({ items: sent.map(({ item }) => item) });
    });
    return server.listen({ host: '127.0.0.1', port: 0 });
  },
} as const;

export type BareServer = keyof typeof SERVERS;

onParentExit(() => process.exit(0));
process.on('SIGTERM', () => process.exit(0));
announceToParent(await SERVERS[process.argv[2] as BareServer]());
