import type { Clock } from '@orders-pipeline/clock';
import { aLegacyOrder } from '#orders/testing/an-order.js';
import type { Intent, AdmissionRequest, BucketStore, IntentUpdate, Bucket, OpenWrite } from '../writes/bucket-store.js';
import {
  type Capability,
  type Stage,
  initialSnapshot,
  type MigrationSnapshot,
  type Fence,
  BUCKETS,
  writeModeOf,
} from '../stages/stages.js';
import type { AuditEntry, InstanceIdentity, MigrationStore, RegisteredInstance } from '../migration/migration-store.js';
import { isAsked, type AskedOrders } from '../sides/side.js';
import type { NumberStore } from '../writes/number-blocks.js';

/** Returns an intent of `dualwrite` whose `seq` is the legacy number of its order. */
export function anIntent(number: number, change: Partial<Intent> = {}): Intent {
  return {
    seq: number,
    epoch: 1,
    order: aLegacyOrder({ number }),
    isIdGiven: false,
    isNumberGiven: false,
    answering: 'legacy',
    legacy: 'open',
    new: 'open',
    admittedAt: new Date(0),
    instance: 'a',
    attempts: 0,
    lastError: null,
    ...change,
  };
}

type StageAt = readonly [stage: Stage, percent?: number];

/** Returns a snapshot with some capabilities at other stages than `off`. */
export function snapshotAt(stages: Partial<Record<Capability, StageAt>>): MigrationSnapshot {
  const snapshot = initialSnapshot(new Date(0));
  const changed = Object.entries(stages).map(([capability, [stage, percent = 100]]) => [
    capability,
    { stage, percent, version: 7, since: new Date(0) },
  ]);
  const capabilities = {
    ...snapshot.capabilities,
    ...Object.fromEntries(changed),
  } as MigrationSnapshot['capabilities'];
  const { stage, percent } = capabilities.writes;
  return { ...snapshot, capabilities, fence: stage === 'off' ? null : { epoch: 1, period: 1, stage, percent } };
}

/** All reads at one stage. */
export function readsAt(...stage: StageAt): Partial<Record<Capability, StageAt>> {
  return { 'read-by-id': stage, 'read-by-page': stage, 'read-by-range': stage };
}

/** The state in memory. It passes the same contract suite as `MongoMigrationStore`. */
export class MemoryMigrationStore implements MigrationStore {
  private snapshot: MigrationSnapshot;
  private readonly entries: AuditEntry[] = [];
  /** By name and address. */
  private readonly registrations = new Map<string, RegisteredInstance>();

  constructor(private readonly clock: Clock) {
    this.snapshot = initialSnapshot(this.now());
  }

  now(): Date {
    return new Date(this.clock.now());
  }

  async read(): Promise<MigrationSnapshot> {
    return Promise.resolve(this.snapshot);
  }

  async replace(next: MigrationSnapshot, entry: AuditEntry | null): Promise<boolean> {
    if (next.revision !== this.snapshot.revision + 1) return Promise.resolve(false);
    this.snapshot = next;
    if (entry !== null) this.entries.unshift(entry);
    return Promise.resolve(true);
  }

  async append(entry: AuditEntry): Promise<void> {
    this.entries.unshift(entry);
    return Promise.resolve();
  }

  async audit(limit: number): Promise<readonly AuditEntry[]> {
    return Promise.resolve(this.entries.slice(0, limit));
  }

  async register({ name, process, address }: InstanceIdentity): Promise<void> {
    this.registrations.set(`${name}@${address}`, { name, process, revision: 0, refreshedAt: this.now() });
    return Promise.resolve();
  }

  async acknowledge({ name, process, address }: InstanceIdentity, revision: number): Promise<boolean> {
    if (this.registrations.get(`${name}@${address}`)?.process !== process) return Promise.resolve(false);
    this.registrations.set(`${name}@${address}`, { name, process, revision, refreshedAt: this.now() });
    return Promise.resolve(true);
  }

  async instances(): Promise<readonly RegisteredInstance[]> {
    return Promise.resolve([...this.registrations.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1)));
  }

  async deregister(process: string): Promise<void> {
    for (const [key, instance] of this.registrations) if (instance.process === process) this.registrations.delete(key);
    return Promise.resolve();
  }
}

/** The buckets in memory. They pass the same contract suite as `MongoBucketStore`. */
export class MemoryBucketStore implements BucketStore {
  private readonly buckets = new Map<number, Bucket & { readonly seq: number }>();

  constructor(private readonly clock: Clock) {}

  now(): Date {
    return new Date(this.clock.now());
  }

  async read(bucket: number): Promise<Bucket> {
    return Promise.resolve(this.get(bucket));
  }

  async admit({ bucket, epoch, intent, maxOpen, maxAgeMs }: AdmissionRequest): Promise<Bucket | null> {
    const before = this.get(bucket);
    const oldest = this.clock.now() - maxAgeMs;
    const isRefused =
      before.mode === 'closed' ||
      before.epoch !== epoch ||
      before.open.length >= maxOpen ||
      before.open.some(
        (open) =>
          open.epoch < epoch ||
          open.order.id === intent.order.id ||
          open.order.legacy.number === intent.order.legacy.number ||
          open.admittedAt.getTime() < oldest,
      );
    if (isRefused) return Promise.resolve(null);
    const seq = before.seq + 1;
    const added: Intent = { ...intent, seq, epoch, admittedAt: this.now(), attempts: 0, lastError: null };
    const after = { ...before, seq, open: [...before.open, added] };
    this.buckets.set(bucket, after);
    return Promise.resolve(after);
  }

  async update(updates: readonly IntentUpdate[]): Promise<void> {
    for (const update of updates) {
      const before = this.get(update.bucket);
      const open = before.open.flatMap((intent) => (intent.seq === update.seq ? applied(intent, update) : [intent]));
      this.buckets.set(update.bucket, { ...before, open });
    }
    return Promise.resolve();
  }

  async openBuckets(): Promise<readonly Bucket[]> {
    return Promise.resolve([...this.buckets.values()].filter(({ open }) => open.length > 0));
  }

  async findOpen(asked: AskedOrders): Promise<readonly OpenWrite[]> {
    const isWanted = ({ order: { id, legacy } }: Intent): boolean => isAsked(asked, { id, number: legacy.number });
    return Promise.resolve([...this.buckets.values()].flatMap((bucket) => openWrites(bucket, isWanted)));
  }

  async openIn(buckets: readonly number[]): Promise<readonly OpenWrite[]> {
    return Promise.resolve(buckets.flatMap((bucket) => openWrites(this.get(bucket), () => true)));
  }

  async raise(fence: Fence): Promise<void> {
    const { epoch, period } = fence;
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      const before = this.get(bucket);
      if (before.epoch < epoch)
        this.buckets.set(bucket, { ...before, epoch, period, mode: writeModeOf(bucket, fence) });
    }
    return Promise.resolve();
  }

  private get(bucket: number): Bucket & { readonly seq: number } {
    return this.buckets.get(bucket) ?? { bucket, epoch: 0, period: 0, mode: 'closed', seq: 0, open: [] };
  }
}

function openWrites({ bucket, open }: Bucket, isWanted: (intent: Intent) => boolean): OpenWrite[] {
  return open.filter(isWanted).map(({ seq, order, answering, legacy, new: other }) => ({
    bucket,
    seq,
    number: order.legacy.number,
    answering,
    legacy,
    new: other,
  }));
}

function applied(intent: Intent, update: IntentUpdate): Intent[] {
  if ('close' in update) return [];
  if ('error' in update) return [{ ...intent, attempts: intent.attempts + 1, lastError: update.error }];
  if ('legacy' in update) return [{ ...intent, legacy: update.legacy }];
  // A late `sent` of another process must not hide that the order is readable.
  return [{ ...intent, new: intent.new === 'readable' ? 'readable' : update.new }];
}

/** Numbers in memory. They pass the same contract suite as `MongoNumberStore`. */
export class MemoryNumberStore implements NumberStore {
  private base = 0;
  private next = 1;
  private readonly owners = new Map<number, string>();

  async raiseAbove(highest: number): Promise<void> {
    this.base = Math.max(this.base, highest);
    this.next = Math.max(this.next, highest + 1);
    return Promise.resolve();
  }

  async take(count: number): Promise<number> {
    const first = this.next;
    this.next += count;
    return Promise.resolve(first);
  }

  async highest(): Promise<number> {
    return Promise.resolve(Math.max(this.next - 1, ...this.owners.keys()));
  }

  async chosen(first: number, last: number): Promise<ReadonlySet<number>> {
    return Promise.resolve(new Set([...this.owners.keys()].filter((number) => number >= first && number <= last)));
  }

  async choose(number: number, id: string): Promise<boolean> {
    const owner = this.owners.get(number);
    if (owner !== undefined) return Promise.resolve(owner === id);
    if (number > this.base && number < this.next) return Promise.resolve(false);
    this.owners.set(number, id);
    return Promise.resolve(true);
  }
}
