import { Socket } from 'node:net';

type Target = { port?: number | string; host?: string } | undefined;

const LOOPBACK = new Set([undefined, '127.0.0.1', 'localhost']);

/**
 * From now on, what this process connects to on one of these ports goes to another one instead. Whoever connects knows nothing of it: Kafka's
 * and MongoDB's clients are told addresses by the servers, and so can't be given others.
 */
export function redirectSockets(ports: ReadonlyMap<number, number>): void {
  // oxlint-disable-next-line typescript/unbound-method -- called with `this` below
  const connect = Socket.prototype.connect as (...args: unknown[]) => Socket;
  Socket.prototype.connect = function connectElsewhere(this: Socket, ...args: unknown[]): Socket {
    const [first] = args;
    // `net.connect` gives its arguments on as an array that Node has made of them, and knows by a symbol on it.
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
