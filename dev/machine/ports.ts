import { createServer } from 'node:net';
import { StackError } from '../stack-error.js';
import { holderOfPort } from './port-holder.js';
import { isErrno } from './process-table.js';

export const LAST_PORT = 65_535;

/** A port that the stack is about to use. */
export interface PortClaim {
  /** Who will listen on it, as shown to people. */
  readonly owner: string;
  readonly host: string;
  readonly port: number;
  /** The environment variable that changes it. */
  readonly setting: string;
}

/**
 * Ports that this process has claimed or given out, and that may not be bound yet: the machine would give them again, and
 * Kafka once got its own port for its controller.
 */
const promised = new Set<number>();

const LOOPBACK = '127.0.0.1';

/** Any port that is free on loopback now and that nobody here was promised. Nothing reserves it: the caller should use it soon. */
export async function freePort(ask: () => Promise<number> = askTheMachine): Promise<number> {
  let port = await ask();
  while (promised.has(port)) port = await ask();
  promised.add(port);
  return port;
}

/**
 * The first of so many ports in a row that are free on loopback, and that nobody here was promised. None of those that the machine gives to
 * whoever connects: a server that is ended and started again must find its own free.
 */
export async function freePortsInARow(count: number, choose: () => number = belowConnections): Promise<number> {
  for (;;) {
    const first = choose();
    const ports = Array.from({ length: count }, (_, at) => first + at);
    const areFree = await Promise.all(
      ports.map(async (port) => !promised.has(port) && (await isFree({ host: LOOPBACK, port }))),
    );
    if (!areFree.every(Boolean)) continue;
    for (const port of ports) promised.add(port);
    return first;
  }
}

/** Linux connects from 32,768 on, macOS from 49,152. */
function belowConnections(): number {
  return 10_000 + Math.floor(Math.random() * 22_000);
}

async function askTheMachine(): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const server = createServer();
  server.once('error', reject);
  server.listen(0, LOOPBACK, () => {
    const address = server.address();
    server.close(() => {
      if (address !== null && typeof address === 'object') resolve(address.port);
      else reject(new Error('The machine gave no port'));
    });
  });
  return promise;
}

/**
 * Refuses to start anything beside a program that has one of the ports: two stacks would otherwise talk to each other's servers.
 * Throws `port-in-use` for all of them at once.
 */
export async function requireFreePorts(claims: readonly PortClaim[]): Promise<void> {
  const taken = [];
  for (const claim of claims) {
    promised.add(claim.port);
    if (!(await isFree(claim))) taken.push({ claim, holder: holderOfPort(claim.port) });
  }
  if (taken.length > 0) throw portsInUse(taken);
}

/** One message for every port that is taken. */
export function portsInUse(taken: readonly { claim: PortClaim; holder: string | undefined }[]): StackError {
  const lines = taken.map(({ claim, holder }) => {
    return `Port ${claim.port}, for ${claim.owner}, is in use${holder === undefined ? '' : ` by ${holder}`}.`;
  });
  const firsts = Map.groupBy(taken, ({ claim }) => claim.setting).values();
  const settings = [...firsts].flatMap(([first]) => (first === undefined ? [] : [elsewhere(first.claim)]));
  return new StackError(
    'port-in-use',
    lines.join('\n'),
    `End that program, or choose other ports, for example: ${settings.join(' ')} npm start`,
  );
}

function elsewhere({ setting, port }: PortClaim): string {
  return `${setting}=${port + 10_000 > LAST_PORT ? port - 10_000 : port + 10_000}`;
}

function isFree({ host, port }: Pick<PortClaim, 'host' | 'port'>): Promise<boolean> {
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  const server = createServer();
  server.once('error', (error) => {
    if (isErrno(error, 'EADDRINUSE')) resolve(false);
    else reject(error);
  });
  server.listen(port, host, () => server.close(() => resolve(true)));
  return promise;
}
