import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { pause, type Clock } from '@orders-pipeline/clock';
import { ArchiveError } from '#orders/archive/archive-manifest.js';
import { timeLimit } from '#orders/time-limit.js';
import { SoleLease, type SoleLeaseDocument } from '#service/mongodb/lease.js';
import type { Mongo } from '#service/mongodb/mongo.js';
import { interruption } from '../environment.js';

const LEASE_MS = timeLimit(15_000);
const RENEW_EVERY_MS = 3_000;
const RETRY_MS = 1_000;

interface LockDocument extends SoleLeaseDocument {
  readonly host: string;
  readonly pid: number;
}

type Lock = SoleLease<LockDocument>;

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
  const place = { collection: 'adminLocks', id: 'archive', owner: randomUUID(), durationMs: LEASE_MS };
  const lock: Lock = new SoleLease(mongo, place);
  await acquire(lock, clock, print);
  const lost = new AbortController();
  let cancelRenewal = clock.after(RENEW_EVERY_MS, onRenewal);
  function onRenewal(): void {
    void renewLease(lock, lost);
    cancelRenewal = clock.after(RENEW_EVERY_MS, onRenewal);
  }
  try {
    return await work(AbortSignal.any([interrupted, lost.signal]));
  } finally {
    cancelRenewal();
    await lock.release();
  }
}

async function acquire(lock: Lock, clock: Clock, print: (line: string) => void): Promise<void> {
  const deadline = clock.now() + LEASE_MS + RETRY_MS;
  for (let hasPrinted = false; ; hasPrinted = true) {
    if ((await lock.acquire({ host: hostname(), pid: process.pid })) !== null) return;
    const holder = await lock.find();
    const who = `process ${holder?.pid} on ${holder?.host}`;
    if (clock.now() > deadline)
      throw new ArchiveError('archive-busy', `Another archive command runs (${who}): wait for it, or end it.`);
    if (!hasPrinted) print(`waiting for another archive command (${who})`);
    await pause(clock, RETRY_MS);
  }
}

async function renewLease(lock: Lock, lost: AbortController): Promise<void> {
  const reason = new ArchiveError(
    'archive-interrupted',
    'The lease of this command is lost, because MongoDB was unavailable for too long: run it again to continue.',
  );
  try {
    if ((await lock.renew()) === null) lost.abort(reason);
  } catch {
    // Without MongoDB nothing can be archived either: the next step fails by itself.
    lost.abort(reason);
  }
}
