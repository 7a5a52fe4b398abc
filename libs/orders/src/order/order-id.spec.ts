import { describe, expect, it } from '@jest/globals';
import { validate, version } from 'uuid';
import { createOrderIds } from './order-id.js';

const OPERATION = '01935c9e-8a00-7000-8000-000000000001';

describe('order ids', () => {
  it('are UUIDs of version 8, the same for the same operation and index', () => {
    const id = createOrderIds(OPERATION)(4_711);
    expect(id).toBe(createOrderIds(OPERATION)(4_711));
    expect(validate(id)).toBe(true);
    expect(version(id)).toBe(8);
    expect(id).toMatch(/^[0-9a-f-]{23}-000000001267$/);
  });

  it('differ between operations at every index', () => {
    const [a, b] = [createOrderIds(OPERATION), createOrderIds(OPERATION.replace(/1$/, '2'))];
    expect(a(0).slice(0, 23)).not.toBe(b(0).slice(0, 23));
  });

  it('sort like their indexes, up to 2^48', () => {
    const idOf = createOrderIds(OPERATION);
    const indexes = [0, 1, 999, 10_000_000, 2 ** 40, 2 ** 48 - 1];
    const ids = indexes.map(idOf);
    expect(ids.toSorted()).toEqual(ids);
    expect(ids.every((id) => validate(id))).toBe(true);
  });
});
