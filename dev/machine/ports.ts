import { createServer } from 'node:net';
import { StackError } from '../stack-error.js';
import { findPortHolder } from './port-holder.js';
import { isErrno } from './process-table.js';

export const LAST_PORT = 65_535;

/** A port that the stack is about to use. */
export interface PortClaim {
  /** The program that will listen on it, as shown in messages. */
  readonly owner: string;
  readonly host: string;
  readonly port: number;
  /** The environment variable that changes it. */
  readonly setting: string;
}

/**
 * Ports that this process has claimed or returned, and that may not be bound yet. The operating system may offer them again:
 * Kafka once got its own port for its controller.
 */
const reserved = new Set<number>();

const LOOPBACK = '127.0.0.1';

/** Returns a port that is free on loopback now and not reserved in this process. Other processes can take it: use it soon. */
export async function freePort(offer: () => Promise<number> = requestEphemeralPort): Promise<number> {
  let port = await offer();
  while (reserved.has(port)) port = await offer();
  reserved.add(port);
  return port;
}

/**
 * Returns the first of `count` consecutive ports that are free on loopback and not reserved in this process. All are below the
 * ephemeral range: a server that is stopped and restarted must find its port free.
 */
export async function freePortsInARow(count: number, choose: () => number = belowEphemeralRange): Promise<number> {
  for (;;) {
    const first = choose();
    const ports = Array.from({ length: count }, (_, at) => first + at);
    const areFree = await Promise.all(
      ports.map(async (port) => !reserved.has(port) && (await isFree({ host: LOOPBACK, port }))),
    );
    if (!areFree.every(Boolean)) continue;
    for (const port of ports) reserved.add(port);
    return first;
  }
}

/** The ephemeral range starts at 32,768 on Linux and at 49,152 on macOS. */
function belowEphemeralRange(): number {
  return 10_000 + Math.floor(Math.random() * 22_000);
}

async function requestEphemeralPort(): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const server = createServer();
  server.once('error', reject);
  server.listen(0, LOOPBACK, () => {
    const address = server.address();
    server.close(() => {
      if (address !== null && typeof address === 'object') resolve(address.port);
      else reject(new Error('The operating system assigned no port'));
    });
  });
  return promise;
}

/**
 * Rejects the start if another program uses one of the ports: two stacks would otherwise connect to each other's servers.
 * @throws StackError `port-in-use`, for all of the ports at once
 */
export async function requireFreePorts(claims: readonly PortClaim[]): Promise<void> {
  const taken = [];
  for (const claim of claims) {
    reserved.add(claim.port);
    if (!(await isFree(claim))) taken.push({ claim, holder: findPortHolder(claim.port) });
  }
  if (taken.length > 0) throw portsInUse(taken);
}

/** Returns one error for all ports that are in use. */
export function portsInUse(taken: readonly { claim: PortClaim; holder: string | undefined }[]): StackError {
  const lines = taken.map(({ claim, holder }) => {
    return `Port ${claim.port}, for ${claim.owner}, is in use${holder === undefined ? '' : ` by ${holder}`}.`;
  });
  const firsts = Map.groupBy(taken, ({ claim }) => claim.setting).values();
  const settings = [...firsts].flatMap(([first]) => (first === undefined ? [] : [alternativeSetting(first.claim)]));
  return new StackError(
    'port-in-use',
    lines.join('\n'),
    `End that program, or choose other ports, for example: ${settings.join(' ')} npm start`,
  );
}

function alternativeSetting({ setting, port }: PortClaim): string {
  return `${setting}=${port + 10_000 > LAST_PORT ? port - 10_000 : port + 10_000}`;
}

/** Returns whether a port can be listened on now. */
export function isFree({ host, port }: Pick<PortClaim, 'host' | 'port'>): Promise<boolean> {
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  const server = createServer();
  server.once('error', (error) => {
    if (isErrno(error, 'EADDRINUSE')) resolve(false);
    else reject(error);
  });
  server.listen(port, host, () => server.close(() => resolve(true)));
  return promise;
}
