import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

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
    if (holds)
      return `${orUndefined(() => readFileSync(`/proc/${pid}/comm`, 'utf8').trim()) ?? 'a program'} (pid ${pid})`;
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
