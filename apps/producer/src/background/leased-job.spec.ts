import { beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { ManualClock, settle } from '@orders-pipeline/clock/testing';
import { LeaseLostError } from './lease.js';
import { LeasedJob } from './leased-job.js';
import { WakeUp } from './wake-up.js';

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
    return Promise.resolve();
  }
}

/** Does the leases in `pending`; `long` ends when its signal aborts or `finish` is called, `stuck` never ends. */
class FakeJob extends LeasedJob<FakeLease> {
  readonly seen: string[] = [];
  readonly pending: FakeLease[] = [];
  onClaim: () => void = () => undefined;
  finish: () => void = () => undefined;
  signal: AbortSignal | undefined;

  constructor(
    wakeUp: WakeUp,
    clock: ManualClock,
    protected override readonly isConcurrent = false,
  ) {
    super(wakeUp, clock);
  }

  add(...names: string[]): FakeLease[] {
    const leases = names.map((name) => new FakeLease(name));
    this.pending.push(...leases);
    return leases;
  }

  protected async claim(): Promise<FakeLease | null> {
    const next = this.pending.shift() ?? null;
    this.onClaim();
    return Promise.resolve(next);
  }

  protected async idle(): Promise<void> {
    this.seen.push('idle');
    return Promise.resolve();
  }

  protected async run({ name }: FakeLease, signal: AbortSignal): Promise<void> {
    this.seen.push(name);
    this.signal = signal;
    if (name === 'failing') throw new Error('no primary');
    if (name !== 'long' && name !== 'stuck') return;
    await new Promise<void>((resolve) => {
      this.finish = resolve;
      if (name === 'long') signal.addEventListener('abort', () => resolve());
    });
    this.seen.push(`${name} ended`);
  }
}

async function startJob(names: string[], isConcurrent = false) {
  const clock = new ManualClock();
  const wakeUp = new WakeUp();
  const job = new FakeJob(wakeUp, clock, isConcurrent);
  const [lease] = job.add(...names);
  job.onApplicationBootstrap();
  await settle();
  return { clock, wakeUp, job, seen: job.seen, lease: lease ?? new FakeLease('none') };
}

describe('LeasedJob', () => {
  beforeAll(() => Logger.overrideLogger(false));

  it('does all available work, then polls every second', async () => {
    const { clock, seen, job } = await startJob(['a', 'b']);
    expect(seen).toEqual(['a', 'b', 'idle']);
    job.add('c');
    await clock.advance(999);
    expect(seen).toEqual(['a', 'b', 'idle']);
    await clock.advance(1);
    expect(seen).toEqual(['a', 'b', 'idle', 'c', 'idle']);
  });

  it('polls at once when it is woken', async () => {
    const { wakeUp, seen, job } = await startJob([]);
    job.add('a');
    wakeUp.call();
    await settle();
    expect(seen).toEqual(['idle', 'a', 'idle']);
  });

  it('polls again when it was woken during a claim that found nothing', async () => {
    const { clock, wakeUp, seen, job } = await startJob([]);
    job.onClaim = () => {
      job.onClaim = () => undefined;
      job.add('a');
      wakeUp.call();
    };
    await clock.advance(1_000);
    expect(seen).toEqual(['idle', 'idle', 'a', 'idle']);
  });

  it('continues after a failed claim and after failed work', async () => {
    const { clock, seen, job } = await startJob(['failing', 'a']);
    expect(seen).toEqual(['failing', 'a', 'idle']);
    job.onClaim = () => {
      job.onClaim = () => undefined;
      throw new Error('no primary');
    };
    await clock.advance(1_000);
    job.add('b');
    await clock.advance(1_000);
    expect(seen).toEqual(['failing', 'a', 'idle', 'idle', 'b', 'idle']);
  });

  it('claims more while work is running only if it is concurrent', async () => {
    expect((await startJob(['stuck', 'a'])).seen).toEqual(['stuck']);
    const { seen, job } = await startJob(['stuck', 'a'], true);
    expect(seen).toEqual(['stuck', 'a', 'idle', 'idle']);
    job.add('b');
    job.finish();
    await settle();
    expect(seen.slice(4)).toEqual(['stuck ended', 'b', 'idle', 'idle']);
  });

  it('renews the lease every second and whenever it is woken, until the work ends', async () => {
    const { clock, wakeUp, job, lease } = await startJob(['stuck']);
    await clock.advance(2_999);
    expect(lease.renewals).toBe(2);
    wakeUp.call();
    expect(lease.renewals).toBe(3);
    job.finish();
    await settle();
    wakeUp.call();
    await clock.advance(5_000);
    expect(lease.renewals).toBe(3);
  });

  it('continues the work when a renewal fails, and ends it when the lease is over', async () => {
    const { clock, seen, job, lease } = await startJob(['long']);
    lease.renewal = () => {
      throw new Error('no primary');
    };
    await clock.advance(1_000);
    expect(job.signal?.aborted).toBe(false);
    lease.renewal = () => {
      lease.ending.abort();
      throw new LeaseLostError('lost');
    };
    await clock.advance(1_000);
    expect(seen).toEqual(['long', 'long ended', 'idle']);
  });

  it('stops when the current work has ended, and claims no more', async () => {
    const { seen, job, wakeUp } = await startJob(['long', 'a']);
    const stopped = job.beforeApplicationShutdown().then(() => seen.push('stopped'));
    expect([job.signal?.aborted, seen]).toEqual([true, ['long']]);
    await stopped;
    wakeUp.call();
    await settle();
    expect(seen).toEqual(['long', 'long ended', 'stopped']);
  });

  it('stops after four seconds even if the current work has not ended', async () => {
    const { clock, seen, job } = await startJob(['stuck'], true);
    const stopped = job.beforeApplicationShutdown();
    await clock.advance(4_000);
    await stopped;
    expect(seen).toEqual(['stuck', 'idle']);
  });
});
