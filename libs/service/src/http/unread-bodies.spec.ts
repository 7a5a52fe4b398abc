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
const PATIENT: DrainLimits = { bytes: 2 * LARGE, milliseconds: 60_000 };

const announced = (bytes: number): string => `content-length: ${bytes}\r\n`;
const CHUNKED = 'transfer-encoding: chunked\r\n';

function post(path: string, headers: string): string {
  return `POST ${path} HTTP/1.1\r\nhost: here\r\ncontent-type: application/json\r\n${headers}\r\n`;
}

/** One chunk of a chunked body. */
function chunk(bytes: number): string {
  return `${bytes.toString(16)}\r\n${' '.repeat(bytes)}\r\n`;
}

async function refuse(_request: unknown, reply: FastifyReply): Promise<unknown> {
  return reply.code(401).send('refused');
}

describe('an answer to a request whose body was not read', () => {
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
    fastify.post('/refused', { onRequest: refuse }, () => 'taken');
    await fastify.listen({ host: '127.0.0.1', port: 0 });
  }

  /** A client that reads nothing before `read`. */
  function client(): { socket: Socket; read: () => Promise<string>; answered: () => Promise<string> } {
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
    const answered = async (): Promise<string> => {
      socket.resume();
      while (!text.includes('\r\n\r\n')) await once(socket, 'data');
      return text;
    };
    return { socket, read, answered };
  }

  it.each<[string, string, () => Iterable<string>]>([
    ['of an announced length', announced(LARGE), () => Array.from({ length: 20 }, () => ' '.repeat(MIB))],
    ['in chunks', CHUNKED, () => [...Array.from({ length: 20 }, () => chunk(MIB)), '0\r\n\r\n']],
    ['of a client that closes', `connection: close\r\n${announced(LARGE)}`, () => [' '.repeat(LARGE)]],
  ])('reaches a client that first writes all of a body over the limit, %s', async (_, headers, body) => {
    await serve(PATIENT);
    const { socket, read } = client();
    await pipeline([post('/orders', headers), ...body()], socket, { end: false });
    const answer = await read();
    expect(answer).toMatch(/^HTTP\/1.1 413 /);
    expect(answer).toContain('FST_ERR_CTP_BODY_TOO_LARGE');
  });

  it('is there before the body is, also for a client that takes it compressed', async () => {
    await serve(PATIENT);
    const { socket, answered } = client();
    socket.write(post('/orders', `accept-encoding: gzip\r\n${announced(LARGE)}`));
    expect(await answered()).not.toContain('gzip');
  });

  it('leaves the connection open when it did not need to close it', async () => {
    await serve(PATIENT);
    const { socket, read } = client();
    socket.write(`${post('/refused', announced(4))}null${post('/orders', `connection: close\r\n${announced(4)}`)}null`);
    const answer = await read();
    expect(answer).toMatch(/^HTTP\/1.1 401 /);
    expect(answer).toMatch(/HTTP\/1.1 200 [^]*taken$/);
  });

  it('closes the connection beyond the bytes that it drains', async () => {
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
    ['of a body over the limit', '/orders', ' '.repeat(2_000)],
    ['of a request that was refused before', '/refused', ' '],
  ])('closes the connection beyond the time that it drains the rest %s', async (_, path, begun) => {
    await serve({ bytes: LARGE, milliseconds: 50 });
    const { socket, read } = client();
    socket.write(`${post(path, announced(LARGE))}${begun}`);
    expect(await read()).toMatch(/^HTTP\/1.1 4\d\d /);
  });

  it('does not keep a service from stopping', async () => {
    await serve(PATIENT);
    const { socket, answered, read } = client();
    socket.write(post('/orders', announced(LARGE)));
    await answered();
    await fastify.close();
    expect(await read()).toMatch(/^HTTP\/1.1 413 /);
  });
});
