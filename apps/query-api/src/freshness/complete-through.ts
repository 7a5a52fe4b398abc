import { Injectable } from '@nestjs/common';
import { Long } from 'mongodb';
import { deadLettersCollection } from '#orders/dead-letters.js';
import { importRowsCollection, type ImportRow } from '#orders/import-rows.js';
import { highestReservedNumber } from '#orders/number-blocks.js';
import { operationsCollection, type OperationDocument } from '#orders/operation.js';
import { ordersCollection } from '#orders/orders-collection.js';
import { succeededWithin, systemClock } from '#parallel-consumer/clock.js';
import { Mongo } from '#service/mongo.js';
import { NumberHoles, type NumberRange } from '../orders/number-holes.js';

/** Numbers that are counted at once: some milliseconds. */
const BLOCK = 20_000;
/** Numbers that are read at once, where a block isn't full. */
const BATCH = 5_000;
/** Missing numbers that are looked for among the dead letters at once: mostly the first one is on its way. */
const LETTERS = 500;
const FRESH_MS = 1_000;
/** After a start all orders there are have to be counted once: nobody waits for that any longer, and it goes on. */
const LOOK_FOR_MS = 50;

type NumberedOperation = Pick<OperationDocument, '_id' | 'kind' | 'firstNumber' | 'count'>;

/**
 * Up to where the orders are complete: the highest number below which every one is saved, dead-lettered, or never was. Since orders are
 * append-only it only rises, so each look goes on where the last one ended. What it says was true before the order query was read.
 */
@Injectable()
export class CompleteThrough {
  private through = 0;
  private lookedAt = -Infinity;
  private looking: Promise<void> | undefined;

  constructor(
    private readonly mongo: Mongo,
    private readonly holes: NumberHoles,
  ) {}

  /** As it was a second ago at the most; right after a start it can be lower than it is, for some seconds with millions of orders. */
  async number(): Promise<number> {
    if (performance.now() - this.lookedAt <= FRESH_MS) return this.through;
    this.looking ??= this.look().finally(() => {
      this.looking = undefined;
    });
    await succeededWithin(systemClock, LOOK_FOR_MS, this.looking);
    return this.through;
  }

  private async look(): Promise<void> {
    const [highest, holes] = await Promise.all([highestReservedNumber(this.mongo.db), this.holes.all()]);
    while (this.through < highest) {
      const next = await this.advanced(this.through, { highest, holes });
      if (next === this.through) break;
      this.through = next;
    }
    this.lookedAt = performance.now();
  }

  /** A step further, as far as it goes. */
  private async advanced(
    through: number,
    { highest, holes }: { highest: number; holes: readonly NumberRange[] },
  ): Promise<number> {
    const from = through + 1;
    const hole = holes.find(({ to }) => to >= from);
    if (hole && hole.from <= from) return hole.to;
    const end = Math.min(highest, hole ? hole.from - 1 : highest);
    const block = { from, to: Math.min(end, through + BLOCK) };
    if (block.to - through > BATCH && (await this.isFull(block))) return block.to;
    return this.throughBatch({ from, to: Math.min(end, through + BATCH) });
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

  private async throughBatch(batch: NumberRange): Promise<number> {
    const found = await ordersCollection(this.mongo.db)
      .find({ number: numbersBetween(batch) })
      .project<{ number: number }>({ _id: 0, number: 1 })
      .sort({ number: 1 })
      .hint('number')
      .toArray();
    const saved = new Set(found.map(({ number }) => number));
    const missing: number[] = [];
    for (let number = batch.from; number <= batch.to; number += 1) if (!saved.has(number)) missing.push(number);
    const looked = missing.slice(0, LETTERS);
    const settled = await this.settled(looked);
    const end = looked.find((number) => !settled.has(number)) ?? missing[looked.length];
    return end === undefined ? batch.to : end - 1;
  }

  /** Which of these numbers, that are of one operation or of several, no order will have any more. */
  private async settled(numbers: readonly number[]): Promise<Set<number>> {
    const found = new Set<number>();
    let left = numbers;
    while (left[0] !== undefined) {
      const operation = await this.operationOf(left[0]);
      if (operation === null) break;
      const { firstNumber, count } = operation;
      const own = left.filter((number) => number < firstNumber + count);
      // Given out to none: somebody has removed the operation.
      if (own.length === 0) break;
      left = left.slice(own.length);
      const indexes = own.map((number) => number - firstNumber);
      const settled = [await this.deadLettered(operation, indexes), await this.thereBefore(operation, indexes)].flat();
      for (const index of settled) found.add(firstNumber + index);
    }
    return found;
  }

  private async deadLettered({ _id }: NumberedOperation, indexes: readonly number[]): Promise<number[]> {
    const letters = await deadLettersCollection(this.mongo.db)
      // A letter of an extra record is not its order's.
      .find({ operationId: _id, index: { $in: indexes }, fault: { $nin: ['duplicate', 'conflict'] } })
      .project<{ index: number }>({ _id: 0, index: 1 })
      .toArray();
    return letters.map(({ index }) => index);
  }

  /** Orders of an import that were saved under another number before their record came, and keep that one. */
  private async thereBefore({ _id, kind }: NumberedOperation, indexes: readonly number[]): Promise<number[]> {
    if (kind !== 'import') return [];
    const rows = await importRowsCollection(this.mongo.db)
      .find({ operationId: _id, index: { $in: indexes } })
      .project<Pick<ImportRow, '_id' | 'index'>>({ index: 1 })
      .toArray();
    const there = await ordersCollection(this.mongo.db).distinct('_id', { _id: { $in: rows.map((row) => row._id) } });
    const ids = new Set(there.map((id) => id.toHexString()));
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
