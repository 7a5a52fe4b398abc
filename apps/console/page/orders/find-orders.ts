import type { Order, OrderPage, PageLinks } from '#api/query-api.js';
import { isNotFound, type Client } from '../client.js';
import { quoted } from '../figures.js';
import { ID_FORM, isUuid, type Address } from '../routing.js';
import { readSearch } from './order-search.js';

export type OrdersAddress = Extract<Address, { view: 'search' | 'order' }>;

/** What a search found, and the sentence for nothing. */
export interface Found {
  readonly items: readonly Order[];
  /** Empty for a single order. */
  readonly page: Partial<PageLinks>;
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
      const { items, page } = await client.get<OrderPage>(address.page ?? search.path);
      // A page that the query API did not number has its number in the address.
      return { items, page: { ...(address.number && { number: address.number }), ...page }, none: search.none };
    case 'id':
      return orderOfId(client, search.id);
    case 'letter':
      throw new Error('This is the id of a dead letter. Press “Find” to show it.');
    case 'fault':
      throw new Error(search.text);
  }
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

/**
 * Finds out what has an id. Orders and operations have ids of the same form, so the order is tried first.
 * @returns `null`: neither, or a service does not answer
 */
export async function viewOfId(client: Client, id: string): Promise<'order' | 'operation' | null> {
  try {
    if (await exists(client, `/v1/orders/${id}`)) return 'order';
    return (await exists(client, `/v1/operations/${id}`)) ? 'operation' : null;
  } catch {
    // The view of the search requests it again, and shows the failure.
    return null;
  }
}

async function exists(client: Client, path: string): Promise<boolean> {
  try {
    await client.get(path);
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}
