import { expect } from '@jest/globals';
import type { TestGroup } from './test-group.js';

/**
 * Expects that every record numbered below `count` was handled, in order per key, and that the group has committed the end of
 * each partition.
 * @param deadLettered numbers of records that must not have been handled
 */
export async function expectNothingLost(
  group: TestGroup,
  count: number,
  deadLettered: readonly number[] = [],
): Promise<void> {
  const handled = group.effects.values();
  const numbers = Array.from({ length: count }, (_, n) => n);
  const dead = new Set(deadLettered);
  expect(numbers.filter((n) => !dead.has(n) && !handled.has(String(n)))).toEqual([]);
  expect(numbers.filter((n) => dead.has(n) && handled.has(String(n)))).toEqual([]);
  expect(handled.size).toBe(count - dead.size);
  expect(group.effects.orderBreaks()).toEqual([]);
  await group.commitsAll();
}
