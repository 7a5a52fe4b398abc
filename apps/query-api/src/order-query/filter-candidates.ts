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
  const candidates = [typed, trimmed, ...(field === 'symbol' ? [trimmed.toUpperCase()] : [])];
  return [...new Set(candidates)].filter((candidate) => candidate !== '');
}

const INDEXES: Readonly<Record<TextField, string>> = {
  accountId: 'accountId_createdAt_number',
  symbol: 'symbol_createdAt_number',
};

/** Finds out which candidate of a text filter the saved orders have. Accounts and symbols of imports can be any text. */
@Injectable()
export class FilterCandidates {
  constructor(private readonly mongo: Mongo) {}

  /** Returns the request with each text replaced by its first candidate that an order has, else in the last one. */
  async corrected<T extends { readonly [field in TextField]?: string | undefined }>(request: T): Promise<T> {
    const { accountId, symbol } = request;
    return {
      ...request,
      ...(accountId !== undefined && { accountId: await this.chosen('accountId', accountId) }),
      ...(symbol !== undefined && { symbol: await this.chosen('symbol', symbol) }),
    };
  }

  private async chosen(field: TextField, text: string): Promise<string> {
    const candidates = candidatesOf(field, text);
    for (const candidate of candidates.slice(0, -1)) if (await this.isKnown(field, candidate)) return candidate;
    return candidates.at(-1) ?? text;
  }

  private async isKnown(field: TextField, text: string): Promise<boolean> {
    const options = { projection: { _id: 1 }, hint: INDEXES[field], maxTimeMS: timeLimit(5_000) } as const;
    return (await ordersCollection(this.mongo.db).findOne({ [field]: text }, options)) !== null;
  }
}
