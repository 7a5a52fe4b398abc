import { expect, it } from '@jest/globals';
import type { InFlightOverrideDocument } from '#orders/consumer/consumers.js';
import type { DemoStore, PendingDemo } from '../demo-store.js';

/** What several stores share, as several consoles share a database. */
export interface SharedDemo {
  owner: string | null;
  /** As it is stored: a text. */
  pending: string | null;
  override: InFlightOverrideDocument | null;
  /** MongoDB is unavailable. */
  isAway: boolean;
}

export function sharedDemo(): SharedDemo {
  return { owner: null, pending: null, override: null, isAway: false };
}

export function anOverride(limit: number, second = 1): InFlightOverrideDocument {
  return { _id: 'in-flight', limit, at: new Date(1_000 * second) };
}

/** A store in memory, for specs. It passes the contract of `MongoDemoStore`, but its leases do not expire. */
export class MemoryDemoStore implements DemoStore {
  constructor(
    private readonly data: SharedDemo,
    private readonly owner: string,
  ) {}

  async take(): Promise<{ readonly isHeld: boolean; readonly pending: PendingDemo | null }> {
    this.shared.owner ??= this.owner;
    const isHeld = this.shared.owner === this.owner;
    return { isHeld, pending: isHeld ? await this.find() : null };
  }

  async find(): Promise<PendingDemo | null> {
    const { pending } = this.shared;
    if (pending === null) return null;
    const found = JSON.parse(pending) as PendingDemo;
    const { override } = found;
    return { ...found, override: override && { ...override, at: new Date(override.at) } };
  }

  async renew(): Promise<boolean> {
    return this.shared.owner === this.owner;
  }

  async override(): Promise<InFlightOverrideDocument | null> {
    return this.shared.override;
  }

  async begin(pending: PendingDemo): Promise<void> {
    if (!(await this.renew())) throw new Error('another console has the lease');
    Object.assign(this.shared, { pending: JSON.stringify(pending), override: anOverride(pending.limit, 2) });
  }

  async restoreLimit({ limit, override }: PendingDemo): Promise<void> {
    if (this.shared.override?.limit === limit) this.shared.override = override;
  }

  async end(): Promise<void> {
    if (await this.renew()) Object.assign(this.shared, { pending: null, owner: null });
  }

  private get shared(): SharedDemo {
    if (this.data.isAway) throw new Error('MongoDB is unavailable');
    return this.data;
  }
}

const DEMO: PendingDemo = {
  id: '01a20e65-570e-7570-bea6-26988d692e8b',
  startedAt: '2026-01-31T12:00:00.000Z',
  consumers: 2,
  override: null,
  limit: 500,
  orders: 80_000,
  parent: 7,
};

/**
 * What every store of the demo must do.
 * @param makeTwo returns two stores of different processes on the same, empty data
 * @param set sets the override as a person does
 */
export function itIsADemoStore(
  makeTwo: () => Promise<readonly [DemoStore, DemoStore]>,
  set: (limit: number) => Promise<void>,
): void {
  it('lets one of two processes run a demo, and the next one know what to restore', async () => {
    const [one, other] = await makeTwo();
    expect(await one.take()).toEqual({ isHeld: true, pending: null });
    await one.begin(DEMO);
    expect(await one.override()).toMatchObject({ limit: 500 });
    expect(await other.take()).toEqual({ isHeld: false, pending: null });
    expect([await one.renew(), await other.renew(), await other.find()]).toEqual([true, false, DEMO]);
    await expect(other.begin(DEMO)).rejects.toThrow('another console has the lease');
    await one.end();
    expect([await one.find(), await other.take()]).toEqual([null, { isHeld: true, pending: null }]);
  });

  it('restores that there was no override', async () => {
    const [store] = await makeTwo();
    await store.take();
    await store.begin(DEMO);
    await store.restoreLimit(DEMO);
    expect(await store.override()).toBeNull();
  });

  it('restores an override with its time, by which consumers ignore one from before their start', async () => {
    const [store] = await makeTwo();
    await store.take();
    const demo = { ...DEMO, override: anOverride(900) };
    await store.begin(demo);
    expect(await store.find()).toEqual(demo);
    await store.restoreLimit(demo);
    expect(await store.override()).toEqual(anOverride(900));
  });

  it('keeps an override that was set meanwhile', async () => {
    const [store] = await makeTwo();
    await store.take();
    await store.begin(DEMO);
    await set(700);
    await store.restoreLimit({ ...DEMO, override: anOverride(900) });
    await store.restoreLimit(DEMO);
    expect(await store.override()).toMatchObject({ limit: 700 });
  });
}
