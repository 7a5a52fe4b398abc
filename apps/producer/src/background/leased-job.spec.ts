import { beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { ManualClock, settle } from '@orders-pipeline/clock/testing';
import type { OperationDocument } from '#orders/operation/operation.js';
import type { Mongo } from '#service/mongodb/mongo.js';
import { LeasedJob, WakeUp } from './leased-job.js';
import { HeldLease, type LeasedPart, LeaseLostError, partInField } from './operation-leases.js';

/** A lease that counts its renewals. `renewal` runs at each. */
class FakeLease {
  readonly operation;
  readonly ending = new AbortController();
  readonly over = this.ending.signal;
  renewals = 0;
  renewal: () => void = () => undefined;

  constructor(readonly name: string) {
    this.operation = { _id: name };
  }

  async renew(): Promise<void> {
    this.renewals += 1;
    this.renewal();
  }
}

/** Does the leases in `pending`; `long` ends when its signal aborts or `finish` is called, `stuck` only by `finish`. */
class FakeJob extends LeasedJob<FakeLease> {
  readonly seen: string[] = [];
  /** What the next claim does, after it has looked for work. */
  onNextClaim: (() => void) | undefined;
  finish: () => void = () => undefined;
  /** The lease of the work that runs, and the signal that ends it. */
  lease = new FakeLease('none');
  signal: AbortSignal | undefined;
  private readonly pending: FakeLease[] = [];

  private constructor(
    override readonly wakeUp: WakeUp,
    override readonly clock: ManualClock,
    protected override readonly isConcurrent: boolean,
  ) {
    super(wakeUp, clock);
  }

  /** Starts a job with this work. */
  static async start(names: string[], isConcurrent = false): Promise<FakeJob> {
    const job = new FakeJob(new WakeUp(), new ManualClock(), isConcurrent);
    job.add(...names);
    job.onApplicationBootstrap();
    await settle();
    return job;
  }

  add(...names: string[]): void {
    this.pending.push(...names.map((name) => new FakeLease(name)));
  }

  protected async claim(): Promise<FakeLease | null> {
    const next = this.pending.shift() ?? null;
    const { onNextClaim } = this;
    this.onNextClaim = undefined;
    onNextClaim?.();
    return next;
  }

  protected async idle(): Promise<void> {
    this.seen.push('idle');
  }

  protected async run(lease: FakeLease, signal: AbortSignal): Promise<void> {
    const { name } = lease;
    this.seen.push(name);
    [this.lease, this.signal] = [lease, signal];
    if (name === 'failing') throw new Error('no primary');
    if (name !== 'long' && name !== 'stuck') return;
    await new Promise<void>((resolve) => {
      this.finish = resolve;
      if (name === 'long') signal.addEventListener('abort', () => resolve());
    });
    this.seen.push(`${name} ended`);
  }
}

describe('LeasedJob', () => {
  beforeAll(() => Logger.overrideLogger(false));

  it('does all available work, then polls every second', async () => {
    const job = await FakeJob.start(['a', 'b']);
    expect(job.seen).toEqual(['a', 'b', 'idle']);
    job.add('c');
    await job.clock.advance(999);
    expect(job.seen).toEqual(['a', 'b', 'idle']);
    await job.clock.advance(1);
    expect(job.seen).toEqual(['a', 'b', 'idle', 'c', 'idle']);
  });

  it('polls at once when it is woken', async () => {
    const job = await FakeJob.start([]);
    job.add('a');
    job.wakeUp.call();
    await settle();
    expect(job.seen).toEqual(['idle', 'a', 'idle']);
  });

  it('polls again when it was woken during a claim that found nothing', async () => {
    const job = await FakeJob.start([]);
    job.onNextClaim = () => {
      job.add('a');
      job.wakeUp.call();
    };
    await job.clock.advance(1_000);
    expect(job.seen).toEqual(['idle', 'idle', 'a', 'idle']);
  });

  it('continues after a failed claim and after failed work', async () => {
    const job = await FakeJob.start(['failing', 'a']);
    expect(job.seen).toEqual(['failing', 'a', 'idle']);
    job.onNextClaim = () => {
      throw new Error('no primary');
    };
    await job.clock.advance(1_000);
    job.add('b');
    await job.clock.advance(1_000);
    expect(job.seen).toEqual(['failing', 'a', 'idle', 'idle', 'b', 'idle']);
  });

  it('claims more while work is running only if it is concurrent', async () => {
    expect((await FakeJob.start(['stuck', 'a'])).seen).toEqual(['stuck']);
    const job = await FakeJob.start(['stuck', 'a'], true);
    expect(job.seen).toEqual(['stuck', 'a', 'idle', 'idle']);
    job.add('b');
    job.finish();
    await settle();
    expect(job.seen.slice(4)).toEqual(['stuck ended', 'b', 'idle', 'idle']);
  });

  it('renews the lease every second and whenever it is woken, until the work ends', async () => {
    const { clock, wakeUp, lease, finish } = await FakeJob.start(['stuck']);
    await clock.advance(2_999);
    expect(lease.renewals).toBe(2);
    wakeUp.call();
    expect(lease.renewals).toBe(3);
    finish();
    await settle();
    wakeUp.call();
    await clock.advance(5_000);
    expect(lease.renewals).toBe(3);
  });

  it('continues the work when a renewal fails, and ends it when the lease is over', async () => {
    const { clock, seen, signal, lease } = await FakeJob.start(['long']);
    lease.renewal = () => {
      throw new Error('no primary');
    };
    await clock.advance(1_000);
    expect(signal?.aborted).toBe(false);
    lease.renewal = () => {
      lease.ending.abort();
      throw new LeaseLostError('lost');
    };
    await clock.advance(1_000);
    expect(seen).toEqual(['long', 'long ended', 'idle']);
  });

  it('stops when the current work has ended, and claims no more', async () => {
    const job = await FakeJob.start(['long', 'a']);
    const stopped = job.beforeApplicationShutdown().then(() => job.seen.push('stopped'));
    expect([job.signal?.aborted, job.seen]).toEqual([true, ['long']]);
    await stopped;
    job.wakeUp.call();
    await settle();
    expect(job.seen).toEqual(['long', 'long ended', 'stopped']);
  });

  it('stops after four seconds even if the current work has not ended', async () => {
    const job = await FakeJob.start(['stuck'], true);
    const stopped = job.beforeApplicationShutdown();
    await job.clock.advance(4_000);
    await stopped;
    expect(job.seen).toEqual(['stuck', 'idle']);
  });
});

describe('HeldLease', () => {
  const now = new Date('2026-06-15T12:00:00Z');
  const place = partInField('reading', () => undefined);

  /** Holds a lease in a database that answers each update with `stored`; `null` means that nothing matched. */
  function holdLease(
    stored: Partial<OperationDocument> | null,
    claimed: Partial<OperationDocument> = {},
    held: LeasedPart<OperationDocument, { readonly epoch: number }> = place,
  ) {
    const updates: object[] = [];
    const findOneAndUpdate = async (filter: object, { $set }: { $set: object }) => {
      updates.push(filter, $set);
      return stored;
    };
    const db = { collection: () => ({ findOneAndUpdate }) };
    const mongo = { db, time: { now: () => now } } as unknown as Mongo;
    const operation = { _id: 'x', ...claimed } as OperationDocument;
    return { updates, lease: new HeldLease(mongo, held, 'me', { operation, part: { epoch: 3 } }) };
  }

  it('writes only under its owner and epoch, and renews for 10 s by the clock of MongoDB', async () => {
    const { updates, lease } = holdLease({ status: 'running' });
    await lease.renew({ count: 1 });
    expect(updates).toEqual([
      { _id: 'x', status: { $in: ['running', 'failed'] }, 'reading.epoch': 3, 'reading.lease.owner': 'me' },
      { count: 1, 'reading.lease': { owner: 'me', expiresAt: new Date('2026-06-15T12:00:10Z') } },
    ]);
    expect(lease.over.aborted).toBe(false);
  });

  it('writes only in the statuses of its part, such as to ended operations', async () => {
    const { updates, lease } = holdLease(
      { status: 'succeeded' },
      {},
      { ...place, writableIn: ['succeeded', 'failed'] },
    );
    await lease.release();
    expect(updates).toEqual([
      expect.objectContaining({ status: { $in: ['succeeded', 'failed'] } }),
      { 'reading.lease': null },
    ]);
  });

  it('ends the work when a write finds that the lease is lost', async () => {
    const { lease } = holdLease(null);
    await expect(lease.update({ count: 1 })).rejects.toBeInstanceOf(LeaseLostError);
    expect(lease.over.aborted).toBe(true);
  });

  it.each<[Partial<OperationDocument>, claimed: Partial<OperationDocument>, isOver: boolean]>([
    [{ interruption: 'pause' }, {}, true],
    [{ interruption: 'cancel' }, { interruption: 'cancel' }, false],
    [{ interruption: null }, { interruption: 'cancel' }, false],
    [{ status: 'failed' }, {}, true],
    [{ status: 'failed' }, { status: 'failed' }, false],
  ])('given %j, claimed with %j, ends the work: %s', async (stored, claimed, isOver) => {
    const { lease } = holdLease(stored, claimed);
    await lease.renew();
    expect(lease.over.aborted).toBe(isOver);
  });
});
