import type { Acknowledged } from '../load/demo-client.js';
import type { KnownOrder } from '../load/judge.js';

/** What both sides have at the end, and what they must have. */
export interface StoresToCompare {
  /** What the legacy system had before the demo. */
  readonly old: readonly KnownOrder[];
  readonly acknowledged: readonly Acknowledged[];
  /** Every other order that a client was answered. */
  readonly sighted: Iterable<KnownOrder>;
  readonly legacy: readonly KnownOrder[];
  readonly created: readonly KnownOrder[];
  /** From then on, the legacy system need not have new orders, in milliseconds since 1970; `Infinity`: it must have all. */
  readonly legacyUntil: number;
}

/** The result of the comparison. Each list has the first 20 cases. */
export interface StoreComparison {
  readonly legacyOrders: number;
  readonly newOrders: number;
  readonly acknowledged: number;
  readonly lost: Found;
  readonly doubled: Found;
  readonly differing: Found;
  /** Orders of one side that the other must have, and that no client was acknowledged. */
  readonly onOneSide: Found;
}

export interface Found {
  readonly count: number;
  readonly first: readonly string[];
}

const SHOWN = 20;

/** Compares what is stored on both sides with each other, and with all that clients know. Uses no code of the product. */
export function compareStores(stores: StoresToCompare): StoreComparison {
  const { old, acknowledged, sighted, legacy, created, legacyUntil } = stores;
  const lost = new Findings();
  const doubled = new Findings();
  const differing = new Findings();
  const onOneSide = new Findings();
  const onLegacy = index('legacy system', legacy, doubled);
  const onNew = index('new side', created, doubled);
  const expect = (order: KnownOrder, store: ReadonlyMap<string, KnownOrder>, side: string): void => {
    const found = store.get(order.id);
    if (found === undefined) lost.add(`${side}: ${order.text}`);
    else if (found.text !== order.text) differing.add(`${side}: ${found.text} instead of ${order.text}`);
  };
  for (const order of old) {
    expect(order, onLegacy, 'legacy system');
    expect(order, onNew, 'new side');
  }
  for (const order of acknowledged) {
    if (order.at < legacyUntil) expect(order, onLegacy, 'legacy system');
    expect(order, onNew, 'new side');
  }
  for (const order of sighted) expect(order, onNew, 'new side');
  for (const order of legacy) {
    const found = onNew.get(order.id);
    if (found === undefined) onOneSide.add(`only on the legacy system: ${order.text}`);
    else if (found.text !== order.text) differing.add(`legacy system: ${order.text}, new side: ${found.text}`);
  }
  // Without an end of the legacy system's time, it must have all that the new side has.
  if (legacyUntil === Number.POSITIVE_INFINITY)
    for (const order of created) if (!onLegacy.has(order.id)) onOneSide.add(`only on the new side: ${order.text}`);
  return {
    legacyOrders: legacy.length,
    newOrders: created.length,
    acknowledged: acknowledged.length,
    lost: lost.found,
    doubled: doubled.found,
    differing: differing.found,
    onOneSide: onOneSide.found,
  };
}

function index(side: string, orders: readonly KnownOrder[], doubled: Findings): ReadonlyMap<string, KnownOrder> {
  const byId = new Map<string, KnownOrder>();
  const numbers = new Set<number>();
  for (const order of orders) {
    if (byId.has(order.id)) doubled.add(`${side}: id ${order.id}`);
    if (numbers.has(order.number)) doubled.add(`${side}: number ${order.number}`);
    byId.set(order.id, order);
    numbers.add(order.number);
  }
  return byId;
}

/** Each case once. */
class Findings {
  private readonly cases = new Set<string>();

  add(text: string): void {
    this.cases.add(text);
  }

  get found(): Found {
    return { count: this.cases.size, first: [...this.cases].slice(0, SHOWN) };
  }
}
