import { describe, expect, it } from '@jest/globals';
import { ComparisonQueue } from './comparison-queue.js';
import { jobWith } from './testing/one-order.js';

describe('the queue of comparisons', () => {
  it('drops what has waited for more than a second: the gate is about what is answered now', () => {
    const queue = new ComparisonQueue();
    const fresh = jobWith('fresh');
    queue.add(jobWith('old'), 0);
    queue.add(jobWith('old too'), 499);
    queue.add(fresh, 500);
    let overdue = 0;
    const take = (now: number) => queue.take(now, () => (overdue += 1));
    expect(take(1_500)).toBe(fresh);
    expect(overdue).toBe(2);
    expect(take(1_500)).toBeUndefined();
    expect(queue.length).toBe(0);
  });

  it('counts no bytes of what was taken or dropped', () => {
    const queue = new ComparisonQueue();
    const large = jobWith('x'.repeat(1024 * 1024));
    for (let now = 0; now < 500_000; now += 1_000) {
      expect(queue.add(large, now)).toBe(true);
      if (now % 2_000 === 0) queue.take(now, () => undefined);
    }
  });
});
