import { describe, expect, it } from '@jest/globals';
import { settle } from '@orders-pipeline/clock/testing';
import { SharedRun } from './shared-run.js';

function runs() {
  const started: PromiseWithResolvers<number>[] = [];
  const shared = new SharedRun(async () => {
    const run = Promise.withResolvers<number>();
    started.push(run);
    return run.promise;
  });
  return { started, shared };
}

describe('a shared run', () => {
  it('serves all concurrent callers', async () => {
    const { started, shared } = runs();
    const results = [shared.result(), shared.result()];
    await settle();
    expect(started).toHaveLength(1);
    started[0]?.resolve(1);
    expect(await Promise.all(results)).toEqual([1, 1]);
  });

  it('does not serve callers that arrive during it: they share the next run', async () => {
    const { started, shared } = runs();
    const first = shared.result();
    await settle();
    const later = [shared.result(), shared.result()];
    await settle();
    expect(started).toHaveLength(1);
    started[0]?.resolve(1);
    await settle();
    expect(started).toHaveLength(2);
    started[1]?.resolve(2);
    expect(await Promise.all([first, ...later])).toEqual([1, 2, 2]);
  });

  it('fails only for its own callers, not for those of the next run', async () => {
    const { started, shared } = runs();
    const first = shared.result().catch((error: unknown) => String(error));
    await settle();
    const next = shared.result();
    started[0]?.reject(new Error('unavailable'));
    expect(await first).toBe('Error: unavailable');
    await settle();
    started[1]?.resolve(2);
    expect(await next).toBe(2);
  });
});
