import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import type { ModelRecord } from './model-ledger.js';
import { NEVER_MS, type WorldOptions } from './model-invariants.js';
import { ModelWorld } from './model-world.js';

const PARTITIONS = 4;
const STALLED = 1;
const stalled = ({ partition, key }: { readonly partition: number; readonly key: unknown }): boolean =>
  partition === 0 && String(key) === `key-${STALLED}`;

interface Appended {
  readonly partition: number;
  readonly keys: readonly number[];
}

function appending(keys: fc.Arbitrary<number>): fc.Arbitrary<Appended[]> {
  return fc.array(
    fc.record({ partition: fc.nat(PARTITIONS - 1), keys: fc.array(keys, { minLength: 1, maxLength: 30 }) }),
  );
}

/** Runs a world in which only the stalled key's records never end. @returns the wanted records that were not handled */
async function leftBeside(
  appended: readonly Appended[],
  maxBuffered: number,
  wanted: (record: ModelRecord) => boolean,
): Promise<ModelRecord[]> {
  const bounds = { ordering: 'key', inFlight: 3, maxBuffered, maxBytes: 1_000_000 } as const;
  const options: WorldOptions = { ...bounds, attemptTimeoutMs: NEVER_MS, attemptGraceMs: 1_000 };
  const world = new ModelWorld(options, PARTITIONS, 'eager');
  await world.apply({ type: 'join' });
  await world.apply({ type: 'join' });
  for (const { partition, keys } of [{ partition: 0, keys: [STALLED] }, ...appended])
    await world.apply({ type: 'append', partition, keys, gap: 0, marker: false });
  const left = (): ModelRecord[] => world.ledger.unaccounted().filter(wanted);
  await world.work({ ends: (record) => !stalled(record), left: () => left().length });
  return left();
}

describe('a key with a record that never ends', () => {
  it('blocks no other partition, however many records wait behind it', async () => {
    const appended = appending(fc.constantFrom(STALLED, 2, 3));
    const property = fc.asyncProperty(appended, fc.integer({ min: 4, max: 40 }), async (all, maxBuffered) => {
      expect(await leftBeside(all, maxBuffered, ({ partition }) => partition !== 0)).toEqual([]);
    });
    await fc.assert(property, { numRuns: 150 });
  });

  it('blocks no other key of its partition while the window has room for the records behind it', async () => {
    const behind = { partition: 0, keys: Array<number>(30).fill(STALLED) };
    const property = fc.asyncProperty(appending(fc.integer({ min: 2, max: 9 })), async (all) => {
      expect(await leftBeside([behind, ...all], 60, (record) => !stalled(record))).toEqual([]);
    });
    await fc.assert(property, { numRuns: 150 });
  });
});
