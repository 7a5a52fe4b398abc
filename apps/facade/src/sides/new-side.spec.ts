import { beforeEach, describe, expect, it } from '@jest/globals';
import { ManualClock } from '@orders-pipeline/clock/testing';
import { DeadLetteredOrders } from './new-side.js';

const { signal } = new AbortController();
const ORDERS = ['a', 'b', 'c'].map((id, at) => ({ id, operationId: 'today', number: 100 + at }));

describe('dead-lettered orders', () => {
  let clock: ManualClock;
  let searches: string[];
  let numbers: Set<number>;
  let letters: DeadLetteredOrders;

  beforeEach(() => {
    clock = new ManualClock();
    searches = [];
    numbers = new Set();
    letters = new DeadLetteredOrders(async (operationId) => {
      searches.push(operationId);
      return numbers;
    }, clock);
    letters.remember(ORDERS);
  });

  const among = async (...ids: string[]) => [...(await letters.among(ids, signal))];

  it('are found by operation and number, once they are overdue', async () => {
    numbers.add(101);
    expect(await among('a', 'b')).toEqual([]);
    expect(searches).toEqual([]);
    await clock.advance(5_000);
    expect(await among('a', 'b')).toEqual(['b']);
    expect(searches).toEqual(['today']);
  });

  it('are searched once in a while, however often they are asked for', async () => {
    await clock.advance(5_000);
    for (let at = 0; at < 10; at += 1) await among('a');
    expect(searches).toHaveLength(1);
    numbers.add(100);
    await clock.advance(2_000);
    expect(await among('a')).toEqual(['a']);
    expect(await among('a', 'b')).toEqual(['a']);
    expect(searches).toHaveLength(2);
  });

  it('are not searched for orders that are saved, or of another process', async () => {
    letters.forget(['a', 'b', 'c']);
    await clock.advance(60_000);
    expect(await among('a', 'unknown')).toEqual([]);
    expect(searches).toEqual([]);
  });

  it('are no longer found by an earlier number after a repeated write', async () => {
    numbers.add(100);
    letters.remember([{ id: 'a', operationId: 'tomorrow', number: 7 }]);
    await clock.advance(5_000);
    expect(await among('a')).toEqual([]);
    expect(searches).toEqual(['tomorrow']);
  });
});
