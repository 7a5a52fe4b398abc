import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '@orders-pipeline/clock/testing';
import { OutboxWorker } from './outbox-worker.js';
import { LEASE_MS, type WorkerLease } from './worker-lease.js';

/** After this time, reads and writes that wait for open writes get 503. */
const CLIENTS_WAIT_MS = 2_000;
const NEVER = new Promise<never>(() => undefined);

/** One lease for several processes, in memory. */
class SharedLease {
  private owner: string | undefined;
  private expiresAt = 0;

  constructor(private readonly clock: ManualClock) {}

  of(name: string): WorkerLease & { isDead: boolean } {
    const lease = {
      isDead: false,
      hold: async () => (lease.isDead ? NEVER : Promise.resolve(this.hold(name))),
      release: async () => Promise.resolve(),
    };
    return lease;
  }

  private hold(name: string): boolean {
    const now = this.clock.now();
    if (this.owner !== name && this.expiresAt >= now) return false;
    this.owner = name;
    this.expiresAt = now + LEASE_MS;
    return true;
  }
}

describe('the outbox worker', () => {
  it('is replaced by that of another instance before clients have waited too long', async () => {
    const clock = new ManualClock();
    const shared = new SharedLease(clock);
    const rounds = { a: 0, b: 0 };
    const workerOf = (name: 'a' | 'b') => {
      const lease = shared.of(name);
      const outbox = { round: async () => Promise.resolve((rounds[name] += 1)) };
      const logger = { warn: () => undefined };
      const worker = new OutboxWorker(outbox, lease, clock, logger, async () => Promise.resolve());
      return { lease, worker };
    };
    const [a, b] = [workerOf('a'), workerOf('b')];
    a.worker.start();
    b.worker.start();
    await clock.advance(5_000);
    expect(rounds).toEqual({ a: expect.any(Number), b: 0 });
    a.lease.isDead = true;
    await clock.advance(CLIENTS_WAIT_MS * 0.75);
    expect(rounds.b).toBeGreaterThan(0);
  });
});
