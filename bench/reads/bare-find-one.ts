// The process of the server for comparison: plain Node HTTP with the same read and nothing else.
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { UUID } from 'mongodb';
import { ordersCollection } from '#orders/order/order-document.js';
import { Mongo } from '#service/mongodb/mongo.js';

const PATH = '/v1/orders/';

const mongo = new Mongo(process.env['MONGODB_URI'] ?? '', 'bench');
const orders = ordersCollection(mongo.db);

const server = createServer((request, response) => {
  const id = request.url?.slice(PATH.length) ?? '';
  void answer(id, response);
});

async function answer(id: string, response: ServerResponse): Promise<void> {
  try {
    const order = await orders.findOne({ _id: new UUID(id) }, { projection: { ingest: 0 } });
    response.writeHead(order === null ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(order));
  } catch (error) {
    response.writeHead(500);
    response.end(String(error));
  }
}

server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  process.send?.({ type: 'listening', url: `http://127.0.0.1:${port}` });
});
process.once('disconnect', () => process.exit(0));
process.once('SIGTERM', () => process.exit(0));
