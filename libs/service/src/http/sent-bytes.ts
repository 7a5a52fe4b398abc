import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';

/** Returns how many bytes of a connection the kernel holds, since its client has not acknowledged them; `undefined` if it is not known now. */
export type QueuedBytes = (ports: {
  readonly localPort?: number | undefined;
  readonly remotePort?: number | undefined;
}) => number | undefined;

/** Node's own counters. `Socket.bytesWritten` counts a chunk as a whole as soon as it is written to the stream. */
interface SocketHandle {
  readonly bytesWritten: number;
  readonly writeQueueSize: number;
}

/** Returns how many bytes of a connection the kernel has taken. */
export function acceptedBytes(socket: Socket): number {
  const { _handle: handle } = socket as Socket & { readonly _handle?: SocketHandle | null };
  return handle ? handle.bytesWritten - handle.writeQueueSize : 0;
}

const TABLES = ['/proc/net/tcp', '/proc/net/tcp6'];
/** The ports of both ends, and the bytes that are sent or waiting and not acknowledged (Linux, "proc_net_tcp"). */
const CONNECTION = /^ *\d+: [\dA-F]+:([\dA-F]{4}) [\dA-F]+:([\dA-F]{4}) [\dA-F]{2} ([\dA-F]{8}):/gm;

/**
 * Reads the send queues of all connections. The kernel takes the next bytes only when a third of a queue of up to 4 MiB is free: without a
 * look into it, a client that reads 20 KiB/s seems to take nothing for a minute. Connections of two clients with the same port count
 * together. A reading can miss a connection while others come and go. Other systems than Linux have no such table: there, all queues are 0.
 */
export async function readSendQueues(): Promise<QueuedBytes> {
  const queued = new Map<string, number>();
  // One of the tables is absent where the kernel has no IPv6, and both on other systems.
  const tables = await Promise.all(TABLES.map(async (table) => readFile(table, 'latin1').catch(() => '')));
  for (const [, local = '', remote = '', bytes = ''] of tables.join('\n').matchAll(CONNECTION)) {
    const ports = `${parseInt(local, 16)} ${parseInt(remote, 16)}`;
    queued.set(ports, (queued.get(ports) ?? 0) + parseInt(bytes, 16));
  }
  return ({ localPort, remotePort }) => (queued.size === 0 ? 0 : queued.get(`${localPort} ${remotePort}`));
}
