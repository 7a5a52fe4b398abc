import { Socket } from 'node:net';

type Target = { port?: number | string; host?: string } | undefined;

const LOOPBACK = new Set([undefined, '127.0.0.1', 'localhost']);

/**
 * Redirects all later connections of this process from some local ports to others, invisibly for the clients. Configuration can't do
 * this: Kafka's and MongoDB's clients get the addresses from the servers.
 */
export function redirectSockets(ports: ReadonlyMap<number, number>): void {
  // oxlint-disable-next-line typescript/unbound-method -- called with `this` below
  const connect = Socket.prototype.connect as (...args: unknown[]) => Socket;
  Socket.prototype.connect = function connectElsewhere(this: Socket, ...args: unknown[]): Socket {
    const [first] = args;
    // `net.connect` passes its arguments as a normalized array, which Node.js marks with a symbol.
    const isNormalized = Array.isArray(first);
    const target = (isNormalized ? (first as unknown[])[0] : first) as Target;
    const port = LOOPBACK.has(target?.host) ? ports.get(Number(target?.port)) : undefined;
    if (port === undefined) return connect.apply(this, args);
    const elsewhere = { ...target, port };
    if (isNormalized) (first as unknown[])[0] = elsewhere;
    else args[0] = elsewhere;
    return connect.apply(this, args);
  };
}
