import { describe, expect, it } from '@jest/globals';
import { compareOrders } from './order-differences.js';

describe('comparing a refused order with the saved one', () => {
  it('marks the fields that differ, and only those', () => {
    const saved = { id: 'a', number: 4, amount: '10.0000' };
    expect(compareOrders({ amount: '12.0000', id: 'a', number: 4 }, saved)).toEqual([
      { name: 'id', refused: 'a', saved: 'a', differs: false },
      { name: 'number', refused: '4', saved: '4', differs: false },
      { name: 'amount', refused: '12.0000', saved: '10.0000', differs: true },
    ]);
  });

  it('compares nested values by content, and marks a field that one of them lacks', () => {
    const legacy = { number: 7, filled: [] };
    expect(compareOrders({ legacy, createdAt: null }, { legacy: { ...legacy } })).toEqual([
      { name: 'legacy', refused: '{"number":7,"filled":[]}', saved: '{"number":7,"filled":[]}', differs: false },
      { name: 'createdAt', refused: 'null', saved: undefined, differs: true },
    ]);
  });
});
