import { once } from 'node:events';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { afterEach, expect } from '@jest/globals';
import type { FastifyError, FastifyInstance } from 'fastify';
import { ProblemFilter } from '../problem-filter.js';

const apps: FastifyInstance[] = [];
const sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await Promise.all(apps.splice(0).map(async (app) => app.close()));
});

/** Lets the app answer errors as the services do, and closes it at the end of the case. */
export function withProblems<App extends FastifyInstance>(app: App): App {
  const problems = new ProblemFilter();
  app.setErrorHandler((error: FastifyError, request, reply) => problems.send(error, request, reply));
  apps.push(app);
  return app;
}

/** Lets the app listen until the end of the case. Returns its port. */
export async function listening(app: FastifyInstance): Promise<number> {
  apps.push(app);
  await app.listen({ host: '127.0.0.1', port: 0 });
  return portOf(app);
}

/** A client that writes and reads the bytes of one connection. */
export interface RawClient {
  readonly socket: Socket;
  /** The service's end of the connection. */
  readonly accepted: Socket;
  /** Resolves to everything that the client receives until its connection is closed. */
  readonly response: () => Promise<string>;
  /** Resolves to the first bytes that the client receives. */
  readonly begin: () => Promise<string>;
}

/** Connects a client until the end of the case. It sends these bytes, and reads nothing by itself. */
export async function connected(app: FastifyInstance, bytes = ''): Promise<RawClient> {
  const accepting = once(app.server, 'connection') as Promise<[Socket]>;
  const socket = connect(portOf(app), '127.0.0.1').pause();
  sockets.push(socket);
  // The service may close the connection while the client still writes, or with unread bytes.
  socket.on('error', ({ message }) => expect(message).toMatch(/ECONNRESET|EPIPE/));
  const [accepted] = await accepting;
  if (bytes !== '') socket.write(bytes);
  return { socket, accepted, begin: async () => firstBytes(socket), response: async () => allBytes(socket) };
}

async function firstBytes(socket: Socket): Promise<string> {
  socket.resume();
  return String((await once(socket, 'data'))[0]);
}

async function allBytes(socket: Socket): Promise<string> {
  let received = '';
  socket.on('data', (chunk) => {
    received += String(chunk);
  });
  socket.resume();
  await new Promise<void>((resolve) => void (socket.closed ? resolve() : socket.once('close', () => resolve())));
  return received;
}

/** Returns the bytes of a request. Its body may be announced only. @param begin such as `GET /orders` */
export function requestBytes(
  begin: string,
  headers: Readonly<Record<string, string | number>> = {},
  body = '',
): string {
  const lines = Object.entries({ host: 'here', ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${begin} HTTP/1.1\r\n${lines.join('')}\r\n${body}`;
}

function portOf({ server }: FastifyInstance): number {
  return (server.address() as AddressInfo).port;
}
