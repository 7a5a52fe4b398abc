import { describe, expect, it } from '@jest/globals';
import { settle } from '#parallel-consumer/testing/manual-clock.js';
import { SharedRun } from './shared-run.js';

function runs() {
  const begun: PromiseWithResolvers<number>[] = [];
  const shared = new SharedRun(async () => {
    const run = Promise.withResolvers<number>();
    begun.push(run);
    return run.promise;
  });
  return { begun, shared };
}

describe('a run that many share', () => {
  it('is one for all who ask at once', async () => {
    const { begun, shared } = runs();
    const asked = [shared.result(), shared.result()];
    await settle();
    expect(begun).toHaveLength(1);
    begun[0]?.resolve(1);
    expect(await Promise.all(asked)).toEqual([1, 1]);
  });

  it('is the next one for whoever asks during one: what it has passed already may have changed', async () => {
    const { begun, shared } = runs();
    const first = shared.result();
    await settle();
    const later = [shared.result(), shared.result()];
    await settle();
    expect(begun).toHaveLength(1);
    begun[0]?.resolve(1);
    await settle();
    expect(begun).toHaveLength(2);
    begun[1]?.resolve(2);
    expect(await Promise.all([first, ...later])).toEqual([1, 2, 2]);
  });

  it('fails for those who shared it, and not for the next ones', async () => {
    const { begun, shared } = runs();
    const first = shared.result().catch((error: unknown) => String(error));
    await settle();
    const next = shared.result();
    begun[0]?.reject(new Error('away'));
    expect(await first).toBe('Error: away');
    await settle();
    begun[1]?.resolve(2);
    expect(await next).toBe(2);
  });
});
