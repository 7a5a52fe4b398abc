import { describe, expect, it } from '@jest/globals';
import { UnchangedOrders, type Tally } from './unchanged-orders.js';

const KEPT = new Map([
  [0, 100],
  [1, 93],
]);
const COUNTED: Tally = { orders: 193, source: 'a' };

function counted(tally = COUNTED): UnchangedOrders {
  const unchanged = new UnchangedOrders();
  unchanged.note(tally, KEPT);
  return unchanged;
}

describe('unchanged orders', () => {
  it('are detected after a full count, while the document count stays the same', () => {
    expect(new UnchangedOrders().since(COUNTED, KEPT)).toBe(false);
    expect(counted().since(COUNTED, KEPT)).toBe(true);
    expect(counted().since({ ...COUNTED, orders: 194 }, KEPT)).toBe(false);
  });

  it('are not detected with another MongoDB process: the count may be wrong after a crash', () => {
    expect(counted().since({ ...COUNTED, source: 'b' }, KEPT)).toBe(false);
    const unknown = { orders: 193, source: undefined };
    expect(counted(unknown).since(unknown, KEPT)).toBe(false);
  });

  it('are not detected with a wrong document count', () => {
    const off = { ...COUNTED, orders: 190 };
    expect(counted(off).since(off, KEPT)).toBe(false);
  });

  it('are not detected if stored rollups were dropped', () => {
    expect(counted().since(COUNTED, new Map([[0, 100]]))).toBe(false);
  });
});
