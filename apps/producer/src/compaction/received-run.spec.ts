import { describe, expect, it } from '@jest/globals';
import type { IntakeBatch } from '#orders/operation/intake-batches.js';
import type { IndexRange } from '#orders/operation/segments.js';
import { nextRun } from './received-run.js';

const batch = (from: number, count: number, change: Partial<IntakeBatch> = {}): IntakeBatch => ({
  _id: 1_000 + from,
  operationId: 'one',
  from,
  count,
  state: 'acknowledged',
  at: new Date(0),
  ...change,
});

async function run(batches: readonly IntakeBatch[], passed: readonly IndexRange[] = []) {
  return nextRun(
    (async function* () {
      yield* batches;
    })(),
    passed,
  );
}

describe('the next settled block of an intake', () => {
  it('has all batches up to 100,000 orders', async () => {
    const batches = Array.from({ length: 150 }, (_, at) => batch(at * 1_000, 1_000));
    const next = await run(batches);
    expect(next).toEqual({ kind: 'batches', batches: batches.slice(0, 100) });
  });

  it('has at most 5,000 batches', async () => {
    const next = await run(Array.from({ length: 6_000 }, (_, at) => batch(at, 1)));
    expect(next?.kind === 'batches' && next.batches.length).toBe(5_000);
  });

  it('waits for the keys of a batch, which answer repeated requests', async () => {
    const until = new Date(5);
    const keyed = batch(1, 1, { requests: [{ key: 'k', request: 'r', at: 0, count: 1 }], keysUntil: until });
    expect(await run([batch(0, 1), keyed])).toEqual({ kind: 'keys', until });
    expect(await run([batch(0, 1), batch(1, 1)])).toMatchObject({ kind: 'batches' });
  });

  it('ends before the next settled block', async () => {
    const next = await run([batch(0, 5), batch(5, 5), batch(20, 5)], [{ from: 10, to: 20 }]);
    expect(next).toEqual({ kind: 'batches', batches: [batch(0, 5), batch(5, 5)] });
  });

  it('is none without batches', async () => {
    expect(await run([])).toBeUndefined();
  });
});
