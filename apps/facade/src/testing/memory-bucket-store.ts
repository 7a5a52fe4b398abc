import type { Clock } from '@orders-pipeline/clock';
import type { AskedOrders } from '../sides/legacy-read.js';
import { BUCKETS } from '../stages/buckets.js';
import type { Fence } from '../stages/migration-snapshot.js';
import { writeModeOf } from '../stages/write-mode.js';
import type { AdmissionRequest, BucketStore, IntentUpdate } from '../intents/bucket-store.js';
import type { Bucket, Intent, OpenWrite } from '../intents/intent.js';

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
    const isAsked = ({ order: { id, legacy } }: Intent): boolean =>
      'id' in asked ? id === asked.id : legacy.number >= asked.from && legacy.number <= asked.to;
    return Promise.resolve([...this.buckets.values()].flatMap((bucket) => openWrites(bucket, isAsked)));
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
