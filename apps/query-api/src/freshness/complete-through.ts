import { Injectable } from '@nestjs/common';
import { Long } from 'mongodb';
import { deadLettersCollection } from '#orders/dead-letter/dead-letters.js';
import { importRowsCollection, type ImportRow } from '#orders/operation/import-rows.js';
import { highestReservedNumber } from '#orders/operation/number-blocks.js';
import { operationsCollection, type OperationDocument } from '#orders/operation/operation.js';
import { ordersCollection } from '#orders/order/orders-collection.js';
import { succeededWithin, systemClock } from '@orders-pipeline/clock';
import { Mongo } from '#service/mongodb/mongo.js';
import { NumberHoles, type NumberRange } from '../orders/number-holes.js';

/** Order numbers that one `count` covers: it takes a few milliseconds. */
const BLOCK = 20_000;
/** Order numbers that one read covers where a block is not full. */
const BATCH = 5_000;
/** Missing numbers that are checked against the dead letters at once. Usually the first missing order is only not saved yet. */
const MAX_MISSING_CHECKED = 500;
const MAX_AGE_MS = 1_000;
/** The longest time a request waits for a refresh. After a start, all saved orders are counted once; that continues in the background. */
const MAX_WAIT_MS = 50;

type NumberedOperation = Pick<OperationDocument, '_id' | 'kind' | 'firstNumber' | 'count'>;

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
    const settled = await this.settled(checked);
    const end = checked.find((number) => !settled.has(number)) ?? missing[checked.length];
    return end === undefined ? batch.to : end - 1;
  }

  /** Returns those of the numbers that no order will get any more. They may belong to several operations. */
  private async settled(numbers: readonly number[]): Promise<Set<number>> {
    const found = new Set<number>();
    let left = numbers;
    while (left[0] !== undefined) {
      const operation = await this.operationOf(left[0]);
      if (operation === null) break;
      const { firstNumber, count } = operation;
      const own = left.filter((number) => number < firstNumber + count);
      // The number belongs to no operation: the operation was deleted by hand.
      if (own.length === 0) break;
      left = left.slice(own.length);
      const indexes = own.map((number) => number - firstNumber);
      const settled = [
        await this.deadLettered(operation, indexes),
        await this.savedUnderOtherNumber(operation, indexes),
      ].flat();
      for (const index of settled) found.add(firstNumber + index);
    }
    return found;
  }

  private async deadLettered({ _id }: NumberedOperation, indexes: readonly number[]): Promise<number[]> {
    const letters = await deadLettersCollection(this.mongo.db)
      // Dead letters of duplicate and conflicting records say nothing about the order itself.
      .find({ operationId: _id, index: { $in: indexes }, fault: { $nin: ['duplicate', 'conflict'] } })
      .project<{ index: number }>({ _id: 0, index: 1 })
      .toArray();
    return letters.map(({ index }) => index);
  }

  /** Returns the indexes of imported orders that were saved before, under another number, which they keep. */
  private async savedUnderOtherNumber({ _id, kind }: NumberedOperation, indexes: readonly number[]): Promise<number[]> {
    if (kind !== 'import') return [];
    const rows = await importRowsCollection(this.mongo.db)
      .find({ operationId: _id, index: { $in: indexes } })
      .project<Pick<ImportRow, '_id' | 'index'>>({ index: 1 })
      .toArray();
    const saved = await ordersCollection(this.mongo.db).distinct('_id', { _id: { $in: rows.map((row) => row._id) } });
    const ids = new Set(saved.map((id) => id.toHexString()));
    return rows.flatMap((row) => (ids.has(row._id.toHexString()) ? row.index : []));
  }

  private async operationOf(number: number): Promise<NumberedOperation | null> {
    return operationsCollection(this.mongo.db).findOne(
      { firstNumber: { $lte: number }, count: { $gt: 0 } },
      { sort: { firstNumber: -1 }, projection: { firstNumber: 1, count: 1, kind: 1 } },
    );
  }
}

function numbersBetween({ from, to }: NumberRange): { $gte: Long; $lte: Long } {
  return { $gte: Long.fromNumber(from), $lte: Long.fromNumber(to) };
}
