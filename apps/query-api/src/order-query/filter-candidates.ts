import { Injectable } from '@nestjs/common';
import { ordersCollection } from '#orders/order/order-document.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { timeLimit } from '#orders/time-limit.js';

/** The fields of an order with a text that its source has chosen. */
export type TextField = 'accountId' | 'symbol';

/**
 * Returns the texts that a filter may mean, the likeliest last: as it was typed, without surrounding white space, and a symbol in upper
 * case. Orders with exactly the typed text come first, so that they can be found.
 */
export function candidatesOf(field: TextField, typed: string): readonly string[] {
  const trimmed = typed.trim();
  const spellings = [typed, trimmed, ...(field === 'symbol' ? [trimmed.toUpperCase()] : [])];
  return [...new Set(spellings)].filter((spelling) => spelling !== '');
}

const INDEXES: Readonly<Record<TextField, string>> = {
  accountId: 'accountId_createdAt_number',
  symbol: 'symbol_createdAt_number',
};

/** Finds out which spelling of a text filter the saved orders have. Accounts and symbols of imports can be any text. */
@Injectable()
export class FilterCandidates {
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
    const spellings = candidatesOf(field, text);
    for (const spelling of spellings.slice(0, -1)) if (await this.isKnown(field, spelling)) return spelling;
    return spellings.at(-1) ?? text;
  }

  private async isKnown(field: TextField, text: string): Promise<boolean> {
    const options = { projection: { _id: 1 }, hint: INDEXES[field], maxTimeMS: timeLimit(5_000) } as const;
    return (await ordersCollection(this.mongo.db).findOne({ [field]: text }, options)) !== null;
  }
}
