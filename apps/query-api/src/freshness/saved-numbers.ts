import { Injectable } from '@nestjs/common';
import { Long } from 'mongodb';
import { highestReservedNumber } from '#orders/operation/number-blocks.js';
import { ordersCollection } from '#orders/order/orders-collection.js';
import { Mongo } from '#service/mongodb/mongo.js';
import type { NumberRange } from '../orders/number-holes.js';

/** Reads which order numbers have a saved order, by majority reads over the index `number`. */
@Injectable()
export class SavedNumbers {
  constructor(private readonly mongo: Mongo) {}

  /** Returns the highest number that any operation has reserved. */
  async highestReserved(): Promise<number> {
    return highestReservedNumber(this.mongo.db);
  }

  /** Whether each number of a range has an order. It reads index keys only. */
  async isFull({ from, to }: NumberRange): Promise<boolean> {
    const { n } = await this.mongo.db.command({
      count: ordersCollection(this.mongo.db).collectionName,
      query: { number: numbersBetween({ from, to }) },
      hint: 'number',
      readConcern: { level: 'majority' },
    });
    return Number(n) === to - from + 1;
  }

  /** Returns the numbers of a range that have an order. */
  async among(range: NumberRange): Promise<Set<number>> {
    const found = await ordersCollection(this.mongo.db)
      .find({ number: numbersBetween(range) })
      .project<{ number: number }>({ _id: 0, number: 1 })
      .sort({ number: 1 })
      .hint('number')
      .toArray();
    return new Set(found.map(({ number }) => number));
  }
}

function numbersBetween({ from, to }: NumberRange): { $gte: Long; $lte: Long } {
  return { $gte: Long.fromNumber(from), $lte: Long.fromNumber(to) };
}
