import { Injectable } from '@nestjs/common';
import { Long } from 'mongodb';
import { highestReservedNumber } from '#orders/operation/number-blocks.js';
import { ordersCollection } from '#orders/order/orders-collection.js';
import { succeededWithin, systemClock } from '@orders-pipeline/clock';
import { Mongo } from '#service/mongodb/mongo.js';
import { NumberHoles, type NumberRange } from '../orders/number-holes.js';
import { SettledNumbers } from './settled-numbers.js';

/** Order numbers that one `count` covers: it takes a few milliseconds. */
const BLOCK = 20_000;
/** Order numbers that one read covers where a block is not full. */
const BATCH = 5_000;
/** Missing numbers that are checked against the dead letters at once. Usually the first missing order is only not saved yet. */
const MAX_MISSING_CHECKED = 500;
const MAX_AGE_MS = 1_000;
/** The longest time a request waits for a refresh. After a start, all saved orders are counted once; that continues in the background. */
const MAX_WAIT_MS = 50;

/**
 * Computes the watermark: every order up to this number is saved, dead-lettered, or was never sent.
 *
 * Orders are append-only, so the watermark only rises, and each refresh continues where the last one ended. The reported watermark was
 * reached before the order query is read.
 */
@Injectable()
export class CompleteThrough {
  private through = 0;
  private refreshedAt = -Infinity;
  private refreshing: Promise<void> | undefined;

  constructor(
    private readonly mongo: Mongo,
    private readonly holes: NumberHoles,
    private readonly settledNumbers: SettledNumbers,
  ) {}

  /** Returns the watermark, at most 1 s old. After a start with millions of orders, it can be too low for some seconds. */
  async number(): Promise<number> {
    if (performance.now() - this.refreshedAt <= MAX_AGE_MS) return this.through;
    this.refreshing ??= this.refresh().finally(() => {
      this.refreshing = undefined;
    });
    await succeededWithin(systemClock, MAX_WAIT_MS, this.refreshing);
    return this.through;
  }

  private async refresh(): Promise<void> {
    const [highest, holes] = await Promise.all([highestReservedNumber(this.mongo.db), this.holes.all()]);
    while (this.through < highest) {
      const next = await this.advance(this.through, { highest, holes });
      if (next === this.through) break;
      this.through = next;
    }
    this.refreshedAt = performance.now();
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
    if (block.to - through > BATCH && (await this.isFull(block))) return block.to;
    return this.advanceInBatch({ from, to: Math.min(end, through + BATCH) });
  }

  private async isFull({ from, to }: NumberRange): Promise<boolean> {
    const { n } = await this.mongo.db.command({
      count: ordersCollection(this.mongo.db).collectionName,
      query: { number: numbersBetween({ from, to }) },
      hint: 'number',
      readConcern: { level: 'majority' },
    });
    return Number(n) === to - from + 1;
  }

  private async advanceInBatch(batch: NumberRange): Promise<number> {
    const found = await ordersCollection(this.mongo.db)
      .find({ number: numbersBetween(batch) })
      .project<{ number: number }>({ _id: 0, number: 1 })
      .sort({ number: 1 })
      .hint('number')
      .toArray();
    const saved = new Set(found.map(({ number }) => number));
    const missing: number[] = [];
    for (let number = batch.from; number <= batch.to; number += 1) if (!saved.has(number)) missing.push(number);
    const checked = missing.slice(0, MAX_MISSING_CHECKED);
    const settled = await this.settledNumbers.among(checked);
    const end = checked.find((number) => !settled.has(number)) ?? missing[checked.length];
    return end === undefined ? batch.to : end - 1;
  }
}

function numbersBetween({ from, to }: NumberRange): { $gte: Long; $lte: Long } {
  return { $gte: Long.fromNumber(from), $lte: Long.fromNumber(to) };
}
