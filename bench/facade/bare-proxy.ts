/** What any proxy in Node.js adds: each request is sent on by Fastify and undici as it came, and nothing else is done. */
import { fastify } from 'fastify';
import { Pool } from 'undici';
import { announceToParent, onParentExit } from '#service/process/parent-process.js';

const CONNECTIONS = 64;

const { TARGET_URL = '' } = process.env;
const target = new Pool(TARGET_URL, { connections: CONNECTIONS, pipelining: 1 });
const server = fastify();
server.get('/*', async ({ url }, reply) => {
  const { statusCode, headers, body } = await target.request({ method: 'GET', path: url });
  void reply.status(statusCode).header('content-type', headers['content-type']);
  return reply.send(body);
});
onParentExit(() => process.exit(0));
process.on('SIGTERM', () => process.exit(0));
announceToParent(await server.listen({ host: '127.0.0.1', port: 0 }));
