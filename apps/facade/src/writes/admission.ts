import { pause, type Clock } from '@orders-pipeline/clock';
import type { LegacyOrder } from '#orders/order/order.js';
import { SIDES_OF_MODE, type WriteMode, bucketOf } from '../stages/migration-snapshot.js';
import { type BucketStore, isUnanswered, type Bucket, type Intent } from './bucket-store.js';
import type { NumberBlocks } from './number-blocks.js';

/** The write is not admitted now; nothing was stored. The client gets 503 and may retry. */
export class NotAdmittedError extends Error {
  override readonly name = 'NotAdmittedError';

  constructor(
    readonly code: 'handing-over' | 'writes-behind',
    message: string,
  ) {
    super(message);
  }
}

/** A write as it asks for admission; the number is assigned unless the client chose one. */
export interface Candidate {
  readonly accountId: string;
  readonly id: string;
  readonly isIdGiven: boolean;
  readonly number: number | undefined;
  withNumber(number: number): LegacyOrder;
}

export type Admitted =
  | {
      readonly result: 'admitted';
      readonly bucket: number;
      readonly intent: Intent;
      /** Earlier writes of the account that the answering side may not have yet. They go first. */
      readonly earlier: readonly Intent[];
    }
  /** The same id, or the number that the client chose, is being written. */
  | { readonly result: 'joined'; readonly bucket: number; readonly intent: Intent }
  /** Writes are `off`, or on the way to it. */
  | { readonly result: 'closed' };

export interface AdmissionLimits {
  /** Open intents in a bucket. */
  readonly maxOpen: number;
  /** Age of a bucket's open intents, in ms. It bounds the time that a hand-over takes. */
  readonly maxAgeMs: number;
}

const RETRY_MS = 20;

type KnownBucket = Pick<Bucket, 'epoch' | 'period'> & { readonly mode: Exclude<WriteMode, 'closed'> };

/**
 * Admits writes to their account's bucket. This instance may know an old epoch; the bucket's document decides, in the same update
 * that stores the intent.
 */
export class Admission {
  private readonly known = new Map<number, KnownBucket>();

  constructor(
    private readonly store: BucketStore,
    private readonly numbers: NumberBlocks,
    private readonly clock: Clock,
    private readonly instance: string,
    private readonly limits: AdmissionLimits,
  ) {}

  /**
   * Waits until the write is admitted, at most until the deadline.
   * @throws NotAdmittedError
   */
  async admit(candidate: Candidate, deadline: number): Promise<Admitted> {
    const bucket = bucketOf(candidate.accountId);
    for (;;) {
      const known = this.known.get(bucket) ?? (await this.learn(bucket));
      if (known === undefined) return { result: 'closed' };
      const admitted = await this.tryAdmit(bucket, known, candidate);
      if (admitted !== undefined) return admitted;
      const now = await this.store.read(bucket);
      this.remember(now);
      const same = now.open.find(({ order }) => order.id === candidate.id);
      if (same !== undefined) return { result: 'joined', bucket, intent: same };
      const obstacle = this.obstacleIn(now, candidate);
      if (obstacle === undefined) continue;
      if (this.clock.now() >= deadline) throw obstacle;
      await pause(this.clock, RETRY_MS);
    }
  }

  private async tryAdmit(bucket: number, known: KnownBucket, candidate: Candidate): Promise<Admitted | undefined> {
    const { answering, following } = SIDES_OF_MODE[known.mode];
    const order = candidate.withNumber(candidate.number ?? (await this.numbers.take(known.period)));
    const isWritten = (side: Intent['answering']): boolean => side === answering || side === following;
    const after = await this.store.admit({
      bucket,
      epoch: known.epoch,
      intent: {
        order,
        isIdGiven: candidate.isIdGiven,
        isNumberGiven: candidate.number !== undefined,
        answering,
        legacy: isWritten('legacy') ? 'open' : 'none',
        new: isWritten('new') ? 'open' : 'none',
        instance: this.instance,
      },
      ...this.limits,
    });
    const intent = after?.open.at(-1);
    if (after === null || intent === undefined) return undefined;
    const earlier = after.open.filter(
      (open) => open.seq < intent.seq && open.order.accountId === order.accountId && isUnanswered(open),
    );
    return { result: 'admitted', bucket, intent, earlier };
  }

  private async learn(bucket: number): Promise<KnownBucket | undefined> {
    this.remember(await this.store.read(bucket));
    return this.known.get(bucket);
  }

  private remember({ bucket, epoch, period, mode }: Bucket): void {
    if (mode === 'closed') this.known.delete(bucket);
    else this.known.set(bucket, { epoch, period, mode });
  }

  /** Returns why the bucket admits nothing now; `undefined` if it may admit the next try. */
  private obstacleIn({ bucket, epoch, open }: Bucket, { number }: Candidate): NotAdmittedError | undefined {
    const { maxOpen, maxAgeMs } = this.limits;
    if (open.some((intent) => intent.epoch < epoch))
      return new NotAdmittedError('handing-over', `bucket ${bucket} waits for its older writes. Retry in a second.`);
    const oldest = this.store.now().getTime() - maxAgeMs;
    const isBehind = open.length >= maxOpen || open.some(({ admittedAt }) => admittedAt.getTime() < oldest);
    const isNumberOpen = open.some(({ order }) => order.legacy.number === number);
    if (!isBehind && !isNumberOpen) return undefined;
    return new NotAdmittedError(
      'writes-behind',
      `${open.length} earlier writes of bucket ${bucket} are still open. Retry in a second.`,
    );
  }
}
