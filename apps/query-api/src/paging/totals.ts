import { Injectable } from '@nestjs/common';
import { MongoServerError } from 'mongodb';
import { ordersCollection } from '#orders/orders-collection.js';
import { Mongo } from '#service/mongo.js';
import { filterOf } from '../question/index-interval.js';
import type { Question } from '../question/question.js';
import { indexOf } from '../question/served-questions.js';
import type { Total } from './orders-page.js';

/** Orders that are counted one by one without asking how long it takes: some tens of milliseconds. */
const QUICKLY_COUNTED = 100_000;
const EXACT_WITHIN_MS = 2_000;
const MAX_TIME_MS_EXPIRED = 50;

/** How many orders a question has in all. MongoDB has to count keys one by one, so every way is bounded. */
@Injectable()
export class Totals {
  constructor(private readonly mongo: Mongo) {}

  /** As many as there are, up to a bound; or, of all orders, what the collection keeps count of. */
  async estimated(question: Question): Promise<Total> {
    const { equality, range } = question;
    if (equality === undefined && range.from === undefined && range.to === undefined)
      return { value: await ordersCollection(this.mongo.db).estimatedDocumentCount(), kind: 'estimated' };
    return this.quick(question);
  }

  /** All of them, where that takes no longer than two seconds; else as many as were counted quickly, and there are more. */
  async exact(question: Question): Promise<Total> {
    const quick = await this.quick(question);
    if (quick.kind === 'exact') return quick;
    try {
      return { value: await this.count(question, { maxTimeMS: EXACT_WITHIN_MS }), kind: 'exact' };
    } catch (error) {
      if (error instanceof MongoServerError && error.code === MAX_TIME_MS_EXPIRED) return quick;
      throw error;
    }
  }

  private async quick(question: Question): Promise<Total> {
    const value = await this.count(question, { limit: QUICKLY_COUNTED });
    return { value, kind: value < QUICKLY_COUNTED ? 'exact' : 'atLeast' };
  }

  /** The `count` command walks keys of the index alone. */
  private async count(question: Question, bounds: { limit?: number; maxTimeMS?: number }): Promise<number> {
    const { n } = await this.mongo.db.command({
      count: ordersCollection(this.mongo.db).collectionName,
      query: filterOf(question),
      hint: indexOf(question),
      readConcern: { level: 'majority' },
      ...bounds,
    });
    return Number(n);
  }
}
