import {
  Logger,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
  Injectable,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { succeededWithin, type Clock } from '@orders-pipeline/clock';
import { timeLimit } from '#orders/time-limit.js';
import type { NumberHoles, NumberRange } from '../orders/number-holes.js';
import type { SavedNumbers, NumbersWithoutOrder, StoredWatermark } from './watermark-sources.js';

/** Order numbers that one `count` covers: it takes a few milliseconds. */
const BLOCK = 20_000;
/** Order numbers that one read covers where a block is not full. */
const BATCH = 5_000;
/** Missing numbers that are checked against the dead letters at once. Usually the first missing order is only not saved yet. */
const MAX_MISSING_CHECKED = 500;
const MAX_AGE_MS = 1_000;
/** The longest time a request waits for a refresh. */
const MAX_WAIT_MS = timeLimit(50);
/** How often a risen watermark is stored, in ms: a restart counts again what was saved since. */
const STORE_EVERY_MS = 5_000;
/** The longest time that a stop waits until the last watermark is stored, in ms. */
const STORED_WITHIN_MS = timeLimit(2_000);
/** How often it is refreshed without a request, in ms. */
const IDLE_REFRESH_MS = 30_000;

/** What the watermark is computed from. */
export interface WatermarkSources {
  readonly numbers: Pick<SavedNumbers, 'highestReserved' | 'isFull' | 'among'>;
  readonly holes: Pick<NumberHoles, 'all'>;
  readonly withoutOrder: Pick<NumbersWithoutOrder, 'among'>;
  readonly stored: Pick<StoredWatermark, 'read' | 'raise'>;
}

/**
 * Computes the watermark: every order up to this number is saved, dead-lettered, or was never sent.
 *
 * Orders are append-only, so the watermark only rises, and each refresh continues where the last one ended, also that of an earlier process.
 * The reported watermark was reached before the order query is read.
 */
export class CompleteThrough implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('watermark');
  private through = 0;
  /** The last stored watermark; `undefined` until it is read. */
  private stored: number | undefined;
  private storedAt = -Infinity;
  private storing: Promise<void> | undefined;
  private cancelStoring: (() => void) | undefined;
  private isStopping = false;
  private refreshedAt = -Infinity;
  private refreshing: Promise<void> | undefined;
  private cancelTimer: (() => void) | undefined;

  constructor(
    private readonly sources: WatermarkSources,
    private readonly clock: Clock,
  ) {}

  onApplicationBootstrap(): void {
    const refresh = (): void => {
      this.number().catch((error: unknown) => this.logger.warn({ reason: String(error) }, 'cannot refresh, retrying'));
      this.cancelTimer = this.clock.after(IDLE_REFRESH_MS, refresh);
    };
    refresh();
  }

  /** Stores the last watermark, so that the next process begins there. */
  async onModuleDestroy(): Promise<void> {
    this.isStopping = true;
    this.cancelTimer?.();
    this.cancelStoring?.();
    await succeededWithin(this.clock, STORED_WITHIN_MS, this.storeLast());
  }

  /** Returns the watermark, at most 1 s old. After millions of orders without any query API, it can be too low for some seconds. */
  async number(): Promise<number> {
    if (this.clock.now() - this.refreshedAt <= MAX_AGE_MS) return this.through;
    this.refreshing ??= this.refresh().finally(() => {
      this.refreshing = undefined;
    });
    await succeededWithin(this.clock, MAX_WAIT_MS, this.refreshing);
    return this.through;
  }

  private async refresh(): Promise<void> {
    const { numbers, holes: numberHoles } = this.sources;
    if (this.stored === undefined) {
      this.stored = await this.sources.stored.read();
      this.through = Math.max(this.through, this.stored);
    }
    const [highest, holes] = await Promise.all([numbers.highestReserved(), numberHoles.all()]);
    while (this.through < highest) {
      const next = await this.advance(this.through, { highest, holes });
      if (next === this.through) break;
      this.through = next;
      this.store();
    }
    this.refreshedAt = this.clock.now();
    this.store();
  }

  /**
   * Stores the watermark in the background: while MongoDB can't write, reads must go on. One that rises too soon after the last is stored
   * later, without another request.
   */
  private store(): void {
    if (this.isStopping || this.storing !== undefined || this.through === this.stored) return;
    this.cancelStoring?.();
    const waitMs = this.storedAt + STORE_EVERY_MS - this.clock.now();
    if (waitMs > 0) {
      this.cancelStoring = this.clock.after(waitMs, () => this.store());
      return;
    }
    this.storedAt = this.clock.now();
    this.storing = this.raise(this.through).finally(() => {
      this.storing = undefined;
      this.store();
    });
  }

  private async storeLast(): Promise<void> {
    await this.storing;
    if (this.stored !== undefined && this.through > this.stored) await this.raise(this.through);
  }

  private async raise(through: number): Promise<void> {
    try {
      await this.sources.stored.raise(through);
      this.stored = through;
    } catch (error) {
      this.logger.warn({ reason: String(error) }, 'cannot store the watermark, retrying');
    }
  }

  /** Advances by one step: a hole, a full block or a batch. @returns `through` itself if the next order is not complete */
  private async advance(
    through: number,
    { highest, holes }: { highest: number; holes: readonly NumberRange[] },
  ): Promise<number> {
    const from = through + 1;
    const hole = holes.find(({ to }) => to >= from);
    if (hole && hole.from <= from) return hole.to;
    const end = Math.min(highest, hole ? hole.from - 1 : highest);
    const block = { from, to: Math.min(end, through + BLOCK) };
    if (block.to - through > BATCH && (await this.sources.numbers.isFull(block))) return block.to;
    return this.advanceInBatch({ from, to: Math.min(end, through + BATCH) });
  }

  private async advanceInBatch(batch: NumberRange): Promise<number> {
    const saved = await this.sources.numbers.among(batch);
    const missing: number[] = [];
    for (let number = batch.from; number <= batch.to; number += 1) if (!saved.has(number)) missing.push(number);
    const checked = missing.slice(0, MAX_MISSING_CHECKED);
    const withoutOrder = await this.sources.withoutOrder.among(checked);
    const end = checked.find((number) => !withoutOrder.has(number)) ?? missing[checked.length];
    return end === undefined ? batch.to : end - 1;
  }
}

const COMPLETE_THROUGH = 'X-Complete-Through';

/** The header's description in the OpenAPI document. */
export const COMPLETE_THROUGH_HEADERS = {
  [COMPLETE_THROUGH]: {
    description:
      'The watermark: every order up to this number was saved, dead-lettered or cancelled when the request arrived. An order of a ' +
      'cancelled operation can still appear below it if the producer was killed after it sent the order and before it stored the acknowledgement.',
    schema: { type: 'integer' as const },
  },
};

/**
 * Sets the watermark header on each response, error responses included. The watermark is read when the request arrives.
 *
 * It is a guard that always passes. Guards run after the authentication guard and before anything that can reject the request. An
 * interceptor would wrap each response in an observable, which lowers the rate of single-order reads by 1/14.
 */
@Injectable()
export class CompleteThroughHeader implements CanActivate {
  constructor(private readonly completeThrough: CompleteThrough) {}

  async canActivate(context: ExecutionContext): Promise<true> {
    const number = await this.completeThrough.number();
    void context.switchToHttp().getResponse<FastifyReply>().header(COMPLETE_THROUGH, String(number));
    return true;
  }
}
