import { mkdirSync, readFileSync, rmSync, writeFileSync, readdirSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { basename, join } from 'node:path';
import { StackError } from '../stack-error.js';
import { isErrno, machineProcesses } from './processes.js';
import { execFileSync } from 'node:child_process';

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

/** Ports that this process has claimed or returned, and that may not be bound yet. */
const reserved = new Set<number>();

const LOOPBACK = '127.0.0.1';

/**
 * Returns a port that is free on loopback now. No process that calls this is given the same one while this process runs, but a
 * program that doesn't can take it.
 */
export function freePort(): Promise<number> {
  return freePortsInARow(1);
}

/**
 * Returns the first of `count` consecutive ports, of which the same holds. All are below the ephemeral range: the operating system
 * would give a port of that range to an outgoing connection while the servers that are started first open theirs.
 */
export async function freePortsInARow(count: number, choose: () => number = belowEphemeralRange): Promise<number> {
  for (;;) {
    const first = choose();
    const ports = Array.from({ length: count }, (_, at) => first + at);
    const areFree = await Promise.all(
      // A check listens for a moment: on a port that another process has claimed, its server would fail then.
      ports.map(async (port) => !reserved.has(port) && claimed(port) && (await isFree({ host: LOOPBACK, port }))),
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

/**
 * Claims a port among the processes of this user with a file that contains the pid, such as among test workers: a port that is
 * not bound yet looks free to all of them. The file of a process that has ended is removed, and its port is free the next time.
 */
function claimed(port: number): boolean {
  const directory = join(tmpdir(), `orders-ports-${userInfo().uid}`);
  const file = join(directory, String(port));
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    writeFileSync(file, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    // A full or read-only temporary folder prevents no start: then only a port that is bound is known to be taken.
    if (!isErrno(error, 'EEXIST')) return true;
  }
  const pid = claimant(file);
  if (pid === process.pid) return true;
  if (pid !== undefined && machineProcesses.identityOf(pid) === undefined) rmSync(file, { force: true });
  return false;
}

/** Returns undefined while the file is being written or removed by another process. */
function claimant(file: string): number | undefined {
  try {
    return Number(readFileSync(file, 'utf8')) || undefined;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
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

/**
 * Returns the program that listens on a port, such as `java (pid 4711)`, or undefined when it can't be determined: the
 * sockets of another user's processes are not readable. It only improves a message, so lookup failures are not errors.
 */
export function findPortHolder(port: number): string | undefined {
  return process.platform === 'linux' ? linuxHolder(port) : lsofHolder(port);
}

/** Returns the inodes of the sockets that listen on a port, from the text of /proc/net/tcp or tcp6. */
export function listeningInodes(table: string, port: number): string[] {
  const LISTEN = '0A';
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0');
  return table.split('\n').flatMap((line) => {
    const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
    return state === LISTEN && inode !== undefined && local?.endsWith(`:${hexPort}`) ? [inode] : [];
  });
}

function linuxHolder(port: number): string | undefined {
  const tables = ['/proc/net/tcp', '/proc/net/tcp6'].map((path) => orUndefined(() => readFileSync(path, 'utf8')) ?? '');
  const sockets = new Set(tables.flatMap((table) => listeningInodes(table, port)).map((inode) => `socket:[${inode}]`));
  if (sockets.size === 0) return undefined;
  for (const pid of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    const descriptors = orUndefined(() => readdirSync(`/proc/${pid}/fd`)) ?? [];
    const holds = descriptors.some((fd) => sockets.has(orUndefined(() => readlinkSync(`/proc/${pid}/fd/${fd}`)) ?? ''));
    // Not `comm`, the name of the thread: every program of Node.js would be `MainThread`.
    if (holds) return `${basename(orUndefined(() => readlinkSync(`/proc/${pid}/exe`)) ?? 'a program')} (pid ${pid})`;
  }
  return undefined;
}

function lsofHolder(port: number): string | undefined {
  const output = orUndefined(() =>
    execFileSync('lsof', ['-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-Fpc'], { encoding: 'utf8', stdio: 'pipe' }),
  );
  const pid = output?.match(/^p(\d+)$/m)?.[1];
  return pid === undefined ? undefined : `${output?.match(/^c(.+)$/m)?.[1] ?? 'a program'} (pid ${pid})`;
}

/** Returns undefined if `read` throws: while /proc is read, processes end and files may be forbidden. */
function orUndefined<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
