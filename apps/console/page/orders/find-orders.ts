import type { Client } from '../api/client.js';
import { isNotFound } from '../api/problem.js';
import { quoted } from '../forms/number-text.js';
import type { Address } from '../routing/address.js';
import { ID_FORM, isUuid } from '../text/uuid.js';
import { viewOfId } from './id-view.js';
import type { Order, OrdersPage } from './order.js';
import { readSearch } from './search-text.js';

export type OrdersAddress = Extract<Address, { view: 'search' | 'order' }>;

/** What a search found, and the sentence for nothing. */
export interface Found extends OrdersPage {
  readonly none: string;
}

/**
 * Finds the order or the orders of an address.
 * @param now milliseconds since 1970
 * @throws Error whose message says what is wrong with the address, or what failed
 */
export async function findOrders(client: Client, address: OrdersAddress, now: number): Promise<Found> {
  if (address.view === 'order') return linkedOrder(client, address.id);
  const search = readSearch(address.find, now);
  switch (search.kind) {
    case 'orders':
      return { ...numbered(await client.get<OrdersPage>(address.page ?? search.path), address), none: search.none };
    case 'id':
      return orderOfId(client, search.id);
    case 'letter':
      throw new Error('This is the id of a dead letter. Press “Find” to show it.');
    case 'fault':
      throw new Error(search.text);
  }
}

/** Adds the number in the address to a page that the query API did not number. */
function numbered(found: OrdersPage, { number }: { readonly number?: number }): OrdersPage {
  return number === undefined ? found : { ...found, page: { number, ...found.page } };
}

/** The id of an address may have been typed, or cut. */
async function linkedOrder(client: Client, id: string): Promise<Found> {
  if (isUuid(id)) return oneOrder(client, id);
  throw new Error(`${quoted(id)} is not the id of an order: ${ID_FORM}. Find the order by its number or account here.`);
}

/** Reads an id that was searched for: it may be that of an operation. */
async function orderOfId(client: Client, id: string): Promise<Found> {
  try {
    return await oneOrder(client, id);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  const isOperation = (await viewOfId(client, id)) === 'operation';
  throw new Error(
    isOperation
      ? 'This is the id of an operation. Press “Find” to show it.'
      : 'Order not found. No operation has this id either.',
  );
}

async function oneOrder(client: Client, id: string): Promise<Found> {
  return { items: [await client.get<Order>(`/v1/orders/${id}`)], page: {}, none: '' };
}
