import { once } from 'node:events';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import compress from '@fastify/compress';
import { fastify as makeFastify, type FastifyInstance, type FastifyReply } from 'fastify';
import { drainUnreadBodies, type DrainLimits } from './unread-bodies.js';

const BODY_LIMIT = 1_000;
const MIB = 1024 * 1024;
const LARGE = 20 * MIB;
const GENEROUS: DrainLimits = { bytes: 2 * LARGE, milliseconds: 60_000 };

const contentLength = (bytes: number): string => `content-length: ${bytes}\r\n`;
const CHUNKED = 'transfer-encoding: chunked\r\n';

function post(path: string, headers: string): string {
  return `POST ${path} HTTP/1.1\r\nhost: here\r\ncontent-type: application/json\r\n${headers}\r\n`;
}

/** Formats one chunk of a chunked body. */
function chunk(bytes: number): string {
  return `${bytes.toString(16)}\r\n${' '.repeat(bytes)}\r\n`;
}

async function reject(_request: unknown, reply: FastifyReply): Promise<unknown> {
  return reply.code(401).send('refused');
}

describe('response to a request whose body was not read', () => {
  let fastify: FastifyInstance;
  let sockets: Socket[];

  beforeEach(() => {
    sockets = [];
  });

  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    await fastify.close();
  });

  async function serve(limits: DrainLimits): Promise<void> {
    fastify = makeFastify({ bodyLimit: BODY_LIMIT });
    drainUnreadBodies(fastify, limits);
    await fastify.register(compress, { threshold: 0 });
    fastify.post('/orders', () => 'taken');
    fastify.post('/refused', { onRequest: reject }, () => 'taken');
    await fastify.listen({ host: '127.0.0.1', port: 0 });
  }

  /** Connects a client that reads nothing before `read` or `responded`. */
  function client(): { socket: Socket; read: () => Promise<string>; responded: () => Promise<string> } {
    const socket = connect((fastify.server.address() as AddressInfo).port, '127.0.0.1');
    sockets.push(socket);
    socket.pause();
    let text = '';
    socket.on('data', (data) => {
      text += data.toString();
    });
    const closed = new Promise((resolve) => void socket.once('close', resolve));
    const read = async (): Promise<string> => {
      socket.resume();
      await closed;
      return text;
    };
    const responded = async (): Promise<string> => {
      socket.resume();
      while (!text.includes('\r\n\r\n')) await once(socket, 'data');
      return text;
    };
    return { socket, read, responded };
  }

  it.each<[string, string, () => Iterable<string>]>([
    ['with a Content-Length', contentLength(LARGE), () => Array.from({ length: 20 }, () => ' '.repeat(MIB))],
    ['chunked', CHUNKED, () => [...Array.from({ length: 20 }, () => chunk(MIB)), '0\r\n\r\n']],
    ['with Connection: close', `connection: close\r\n${contentLength(LARGE)}`, () => [' '.repeat(LARGE)]],
  ])('reaches a client that first writes the whole body, which is over the limit, %s', async (_, headers, body) => {
    await serve(GENEROUS);
    const { socket, read } = client();
    await pipeline([post('/orders', headers), ...body()], socket, { end: false });
    const response = await read();
    expect(response).toMatch(/^HTTP\/1.1 413 /);
    expect(response).toContain('FST_ERR_CTP_BODY_TOO_LARGE');
  });

  it('is sent before the body arrives, also to a client that accepts compression', async () => {
    await serve(GENEROUS);
    const { socket, responded } = client();
    socket.write(post('/orders', `accept-encoding: gzip\r\n${contentLength(LARGE)}`));
    expect(await responded()).not.toContain('gzip');
  });

  it('keeps the connection open if it does not have to close it', async () => {
    await serve(GENEROUS);
    const { socket, read } = client();
    const closing = `connection: close\r\n${contentLength(4)}`;
    socket.write(`${post('/refused', contentLength(4))}null${post('/orders', closing)}null`);
    const responses = await read();
    expect(responses).toMatch(/^HTTP\/1.1 401 /);
    expect(responses).toMatch(/HTTP\/1.1 200 [^]*taken$/);
  });

  it('closes the connection beyond the limit of bytes', async () => {
    await serve({ bytes: 2 * MIB, milliseconds: 60_000 });
    const { socket, read } = client();
    const failed = new Promise<Error>((resolve) => void socket.once('error', resolve));
    const writeOn = (): void => void socket.write(chunk(MIB), (error) => error ?? writeOn());
    socket.write(post('/orders', CHUNKED));
    writeOn();
    expect(await read()).toMatch(/^HTTP\/1.1 413 /);
    expect(String(await failed)).toMatch(/ECONNRESET|EPIPE/);
  });

  it.each<[string, string, string]>([
    ['a body over the limit', '/orders', ' '.repeat(2_000)],
    ['a request that was rejected before its body', '/refused', ' '],
  ])('closes the connection beyond the time limit, for %s', async (_, path, begun) => {
    await serve({ bytes: LARGE, milliseconds: 50 });
    const { socket, read } = client();
    socket.write(`${post(path, contentLength(LARGE))}${begun}`);
    expect(await read()).toMatch(/^HTTP\/1.1 4\d\d /);
  });

  it('does not prevent a service from stopping', async () => {
    await serve(GENEROUS);
    const { socket, responded, read } = client();
    socket.write(post('/orders', contentLength(LARGE)));
    await responded();
    await fastify.close();
    expect(await read()).toMatch(/^HTTP\/1.1 413 /);
  });
});
