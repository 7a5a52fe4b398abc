import { describe, expect, it } from '@jest/globals';
import { UnchangedOrders, type Tally } from './unchanged-orders.js';

const KEPT = new Map([
  [0, 100],
  [1, 93],
]);
const COUNTED: Tally = { orders: 193, server: 'a' };

function counted(tally = COUNTED): UnchangedOrders {
  const unchanged = new UnchangedOrders();
  unchanged.note(tally, KEPT);
  return unchanged;
}

describe('that nothing was saved', () => {
  it('is known once all was counted, as long as the collection has as many', () => {
    expect(new UnchangedOrders().since(COUNTED, KEPT)).toBe(false);
    expect(counted().since(COUNTED, KEPT)).toBe(true);
    expect(counted().since({ ...COUNTED, orders: 194 }, KEPT)).toBe(false);
  });

  it('is not known of another process of MongoDB: the count of one that crashed may be off', () => {
    expect(counted().since({ ...COUNTED, server: 'b' }, KEPT)).toBe(false);
    const unknown = { orders: 193, server: undefined };
    expect(counted(unknown).since(unknown, KEPT)).toBe(false);
  });

  it('is not known by a count that is off', () => {
    const off = { ...COUNTED, orders: 190 };
    expect(counted(off).since(off, KEPT)).toBe(false);
  });

  it('does not help where somebody dropped what was kept', () => {
    expect(counted().since(COUNTED, new Map([[0, 100]]))).toBe(false);
  });
});
