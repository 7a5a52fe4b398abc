import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Collection } from 'mongodb';
import { pause, type Clock } from '@orders-pipeline/clock';
import { ArchiveError } from '#orders/archive/archive-manifest.js';
import { timeLimit } from '#orders/time-limit.js';
import type { Mongo } from '#service/mongodb/mongo.js';
import { isDuplicateKey } from '#service/mongodb/mongo-errors.js';
import { interruption } from '../environment.js';

const LEASE_MS = timeLimit(15_000);
const RENEW_EVERY_MS = 3_000;
const RETRY_MS = 1_000;

interface Lock {
  readonly _id: 'archive';
  readonly owner: string;
  readonly host: string;
  readonly pid: number;
  /** By MongoDB's clock. */
  readonly expiresAt: Date;
}

/**
 * Runs work that no other command may do at the same time: archiving and bringing back. A lease in MongoDB, which a killed process
 * loses after 15 s.
 * @param print gets a line while it waits for another command
 * @param work gets a signal that aborts when the lease is lost, or on the first SIGINT or SIGTERM
 * @throws ArchiveError `archive-busy` while another process holds the lease
 */
export async function withArchiveLock<T>(
  mongo: Mongo,
  { clock, print }: { readonly clock: Clock; readonly print: (line: string) => void },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const interrupted = interruption(
    new ArchiveError('archive-interrupted', 'Interrupted: run the command again to continue.'),
  );
  const owner = randomUUID();
  await acquire(mongo, owner, clock, print);
  const lost = new AbortController();
  let cancelRenewal = clock.after(RENEW_EVERY_MS, onRenewal);
  function onRenewal(): void {
    void renewLease(mongo, owner, lost);
    cancelRenewal = clock.after(RENEW_EVERY_MS, onRenewal);
  }
  try {
    return await work(AbortSignal.any([interrupted, lost.signal]));
  } finally {
    cancelRenewal();
    await locks(mongo).deleteOne({ _id: 'archive', owner });
  }
}

async function acquire(mongo: Mongo, owner: string, clock: Clock, print: (line: string) => void): Promise<void> {
  const deadline = clock.now() + LEASE_MS + RETRY_MS;
  for (let hasPrinted = false; ; hasPrinted = true) {
    const holder = await tryAcquire(mongo, owner);
    if (holder === undefined) return;
    const who = `process ${holder.pid} on ${holder.host}`;
    if (clock.now() > deadline)
      throw new ArchiveError('archive-busy', `Another archive command runs (${who}): wait for it, or end it.`);
    if (!hasPrinted) print(`waiting for another archive command (${who})`);
    await pause(clock, RETRY_MS);
  }
}

/** @returns the present holder, if it is another one */
async function tryAcquire(mongo: Mongo, owner: string): Promise<Lock | undefined> {
  const now = mongo.time.now();
  const lock = { owner, host: hostname(), pid: process.pid, expiresAt: expiry(now) };
  try {
    await locks(mongo).updateOne({ _id: 'archive', expiresAt: { $lt: now } }, { $set: lock }, { upsert: true });
    return undefined;
  } catch (error) {
    if (!isDuplicateKey(error)) throw error;
    return (await locks(mongo).findOne({ _id: 'archive' })) ?? { _id: 'archive', ...lock };
  }
}

async function renewLease(mongo: Mongo, owner: string, lost: AbortController): Promise<void> {
  const reason = new ArchiveError(
    'archive-interrupted',
    'The lease of this command is lost, because MongoDB was unavailable for too long: run it again to continue.',
  );
  try {
    const { matchedCount } = await locks(mongo).updateOne(
      { _id: 'archive', owner },
      { $set: { expiresAt: expiry(mongo.time.now()) } },
    );
    if (matchedCount === 0) lost.abort(reason);
  } catch {
    // Without MongoDB nothing can be archived either: the next step fails by itself.
    lost.abort(reason);
  }
}

function expiry(now: Date): Date {
  return new Date(now.getTime() + LEASE_MS);
}

function locks(mongo: Mongo): Collection<Lock> {
  return mongo.db.collection<Lock>('adminLocks');
}
