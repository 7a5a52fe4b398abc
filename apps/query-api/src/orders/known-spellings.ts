import { Injectable } from '@nestjs/common';
import { ordersCollection } from '#orders/order/orders-collection.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { spellingsOf, type TextField } from './spellings.js';
import { timeLimit } from '#orders/time-limit.js';

const INDEXES: Readonly<Record<TextField, string>> = {
  accountId: 'accountId_createdAt_number',
  symbol: 'symbol_createdAt_number',
};

/** Finds out which spelling of a text filter the saved orders have. Accounts and symbols of imports can be any text. */
@Injectable()
export class KnownSpellings {
  constructor(private readonly mongo: Mongo) {}

  /** Returns the request with each text in its first spelling that an order has, else in the last one. */
  async corrected<T extends { readonly [field in TextField]?: string | undefined }>(request: T): Promise<T> {
    const { accountId, symbol } = request;
    return {
      ...request,
      ...(accountId !== undefined && { accountId: await this.spelling('accountId', accountId) }),
      ...(symbol !== undefined && { symbol: await this.spelling('symbol', symbol) }),
    };
  }

  private async spelling(field: TextField, text: string): Promise<string> {
    const spellings = spellingsOf(field, text);
    for (const spelling of spellings.slice(0, -1)) if (await this.isKnown(field, spelling)) return spelling;
    return spellings.at(-1) ?? text;
  }

  private async isKnown(field: TextField, text: string): Promise<boolean> {
    const options = { projection: { _id: 1 }, hint: INDEXES[field], maxTimeMS: timeLimit(5_000) } as const;
    return (await ordersCollection(this.mongo.db).findOne({ [field]: text }, options)) !== null;
  }
}
