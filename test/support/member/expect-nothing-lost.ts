import { expect } from '@jest/globals';
import type { TestGroup } from './test-group.js';

/**
 * Expects that every record numbered below `count` was handled, that no attempt broke the order of its key or the ownership of its partition,
 * and that the group has committed the end of each partition.
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
  expect(group.effects.anomalies().slice(0, 20)).toEqual([]);
  await group.commitsAll();
}
