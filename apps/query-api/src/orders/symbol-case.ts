import { Injectable } from '@nestjs/common';
import { ordersCollection } from '#orders/order/orders-collection.js';
import { Mongo } from '#service/mongodb/mongo.js';

const ANY_OF_SYMBOL = { projection: { _id: 1 }, hint: 'symbol_createdAt_number', maxTimeMS: 5_000 } as const;

/** Finds symbols that are typed in lower case. Generated symbols are upper case, those of imports can be any text. */
@Injectable()
export class SymbolCase {
  constructor(private readonly mongo: Mongo) {}

  /** Returns the request with its symbol in upper case, unless an order has the symbol as it was given. */
  async corrected<T extends { readonly symbol?: string | undefined }>(request: T): Promise<T> {
    const { symbol = '' } = request;
    const upperCase = symbol.toUpperCase();
    if (symbol === upperCase) return request;
    const known = await ordersCollection(this.mongo.db).findOne({ symbol }, ANY_OF_SYMBOL);
    return known === null ? { ...request, symbol: upperCase } : request;
  }
}
