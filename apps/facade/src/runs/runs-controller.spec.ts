import { describe, expect, it } from '@jest/globals';
import { SideAwayError } from '../sides/side.js';
import { MemoryNumberStore } from '../testing/memory-stores.js';
import { HighestNumber } from './runs-controller.js';

describe('HighestNumber', () => {
  it('is that of the legacy system, or a higher one that the facade has assigned', async () => {
    const numbers = new MemoryNumberStore();
    await numbers.raiseAbove(7);
    const highest = new HighestNumber({ highestNumber: async () => Promise.resolve(9) }, numbers);
    expect(await highest.read()).toBe(9);
    await numbers.take(20);
    expect(await highest.read()).toBe(27);
  });

  it('is a 503 while the legacy system is away, so that the request is repeated', async () => {
    const away = new SideAwayError('legacy', 'no-connection', 'ECONNRESET at 10.0.0.7');
    const highest = new HighestNumber({ highestNumber: async () => Promise.reject(away) }, new MemoryNumberStore());
    await expect(highest.read()).rejects.toMatchObject({
      status: 503,
      code: 'legacy-away',
      detail: 'the legacy system gave no answer (no-connection). Retry in a second.',
    });
  });
});
