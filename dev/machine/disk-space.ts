import { mkdir, statfs } from 'node:fs/promises';
import { StackError, ALTERNATIVES } from '../stack-error.js';

const MIB = 1024 * 1024;

/**
 * Rejects a disk that is too small for Kafka and MongoDB. Both would soon fail there, with messages that don't give the reason.
 * @throws StackError `disk-full`
 */
export async function requireFreeSpace(directory: string, neededMiB: number, purpose: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  const { bavail, bsize } = await statfs(directory);
  const shortage = describeShortage((bavail * bsize) / MIB, neededMiB, directory, purpose);
  if (shortage !== undefined) throw shortage;
}

/** Returns the error for this much free space in MiB, or undefined when it is enough. */
export function describeShortage(
  freeMiB: number,
  neededMiB: number,
  directory: string,
  purpose: string,
): StackError | undefined {
  if (freeMiB >= neededMiB) return undefined;
  return new StackError(
    'disk-full',
    `The disk of ${directory} has ${Math.floor(freeMiB)} MiB free; ${purpose} needs ${neededMiB} MiB.`,
    `Free some space, or choose another disk: --data DIR for the data, ORDERS_CACHE_DIR for the fetched parts. ${ALTERNATIVES}`,
  );
}
