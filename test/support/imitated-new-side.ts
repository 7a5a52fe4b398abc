import { toIntake, type WholeIntakeOrder } from '#legacy/translation/api-order.js';
import { parseMoney } from '#orders/order/money.js';
import { orderResponse, type OrderResponse } from '#orders/order/order-response.js';
import type { LegacyOrder } from '#orders/order/order.js';
import type { ReceivedRequest, ScriptedAnswer } from './scripted-side.js';

const PROBLEM = 'application/problem+json';

/** The producer's intake and the query API in memory, with what the facade uses of them. Orders are saved at once. */
export class ImitatedNewSide {
  private readonly orders = new Map<string, OrderResponse>();
  private number = 0;

  /** Saves an order as if the facade had sent it. */
  save(order: LegacyOrder, change: Partial<OrderResponse> = {}): void {
    this.take(toIntake(order), change);
  }

  forget(id: string): void {
    this.orders.delete(id);
  }

  /** Returns an order as the query API would; `null` if it does not have it. */
  orderOf(id: string): OrderResponse | null {
    return this.orders.get(id) ?? null;
  }

  readonly answer = ({ method, path, body }: ReceivedRequest): ScriptedAnswer => {
    const url = new URL(path, 'http://side');
    const route = `${method} ${url.pathname}`;
    if (route === 'POST /v1/orders') return this.intake(JSON.parse(body) as WholeIntakeOrder[]);
    if (route === 'POST /v1/orders/batch-get') return this.batchGet(JSON.parse(body) as { ids: string[] });
    if (route === 'GET /v1/orders') return this.page(url.searchParams);
    if (method === 'GET' && url.pathname.startsWith('/v1/orders/')) return this.one(url.pathname.split('/')[3] ?? '');
    return { status: 404, type: PROBLEM, body: '{}' };
  };

  private intake(given: readonly WholeIntakeOrder[]): ScriptedAnswer {
    const errors = given.flatMap(({ quantity }, at) =>
      quantity > 10_000 ? [{ pointer: `/${at}/quantity`, detail: 'must be an integer from 1 to 10,000' }] : [],
    );
    if (errors.length > 0)
      return { status: 400, type: PROBLEM, body: JSON.stringify({ code: 'invalid-request', detail: 'wrong', errors }) };
    const inUse = given.find(({ id, legacyNumber }) =>
      [...this.orders.values()].some((other) => other.legacy?.number === legacyNumber && other.id !== id),
    );
    if (inUse !== undefined)
      return { status: 409, type: PROBLEM, body: JSON.stringify({ code: 'number-in-use', detail: `number in use` }) };
    for (const order of given) if (!this.orders.has(order.id)) this.take(order, {});
    const items = given.map(({ id }) => ({ id, number: this.orders.get(id)?.number }));
    return { status: 202, body: JSON.stringify({ operationId: 'a', items }) };
  }

  private take({ legacyNumber, price, ...order }: WholeIntakeOrder, change: Partial<OrderResponse>): void {
    this.number += 1;
    const money = parseMoney(price);
    const response = orderResponse({
      ...order,
      number: this.number,
      price: money,
      amount: BigInt(order.quantity) * money,
      createdAt: new Date(order.createdAt),
      legacy: { number: legacyNumber, filled: [] },
    });
    this.orders.set(order.id, { ...response, ...change });
  }

  private batchGet({ ids }: { readonly ids: readonly string[] }): ScriptedAnswer {
    const items = ids.flatMap((id) => this.orders.get(id) ?? []);
    return { body: JSON.stringify({ items, missing: ids.filter((id) => !this.orders.has(id)) }) };
  }

  private one(id: string): ScriptedAnswer {
    const order = this.orderOf(id);
    return order === null ? { status: 404, type: PROBLEM, body: '{}' } : { body: JSON.stringify(order) };
  }

  private page(query: URLSearchParams): ScriptedAnswer {
    const [from, to] = ['legacyNumber[gte]', 'legacyNumber[lte]'].map((name) => Number(query.get(name)));
    const [size, skip] = ['pageSize', 'pageToken'].map((name) => Number(query.get(name) ?? 0));
    const found = [...this.orders.values()]
      .filter(({ legacy }) => legacy !== undefined && legacy.number >= (from ?? 0) && legacy.number <= (to ?? 0))
      .toSorted((a, b) => (a.legacy?.number ?? 0) - (b.legacy?.number ?? 0));
    const items = found.slice(skip, (skip ?? 0) + (size ?? 0));
    const left = found.length - (skip ?? 0) - items.length;
    query.set('pageToken', String((skip ?? 0) + items.length));
    return { body: JSON.stringify({ items, page: left > 0 ? { next: `/v1/orders?${query.toString()}` } : {} }) };
  }
}
