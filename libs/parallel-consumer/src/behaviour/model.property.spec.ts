import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { calmCommands, suspendingCommands, wildCommands, type ModelCommand } from './model-commands.js';
import type { Rebalancing } from '../kafka/owned-partitions.js';
import { NEVER_MS, type WorldOptions } from './model-invariants.js';
import { ModelWorld } from './model-world.js';
import type { Ordering } from '../window/ordering.js';

const PARTITIONS = 4;
const REBALANCING = fc.constantFrom<Rebalancing>('eager', 'cooperative');
/** The specs run a third of the sequences; the mutants run all of them, on the unchanged engine too. */
const SHARE = process.env['MODEL_RUNS'] === 'all' ? 1 : 1 / 3;

/** Options with bounds from so small that they block everything to so large that they have no effect. */
function worldOptions(ordering: Ordering): fc.Arbitrary<WorldOptions> {
  return fc.record({
    ordering: fc.constant(ordering),
    inFlight: fc.integer({ min: 1, max: 16 }),
    maxBuffered: fc.constantFrom(60, 20, 10, 5, 1),
    maxBytes: fc.constantFrom(1_000_000, 100_000, 5_000, 700),
    maxUncommittedOffsets: fc.constantFrom(1_000, 1_000, 3),
    maxAttempts: fc.integer({ min: 1, max: 3 }),
    attemptTimeoutMs: fc.constantFrom(NEVER_MS, 2_000),
    attemptGraceMs: fc.constant(1_000),
    retryBackOff: fc.constant({ initialMs: 100, maxMs: 1_000 }),
    environmentBackOff: fc.constant({ initialMs: 200, maxMs: 1_000 }),
    commitIntervalMs: fc.constantFrom(200, 1_000),
    commitCompletedOffsets: fc.boolean(),
    drainTimeoutMs: fc.constantFrom(1_000, 0),
    stalledRecordDeadLetterMs: fc.constantFrom(NEVER_MS, NEVER_MS, 6_000),
    onTruncatedLog: fc.constant('reset' as const),
  });
}

/** Creates a world whose first member has fetched some records of each partition, and applies all commands. */
async function worldAfter(
  options: WorldOptions,
  rebalancing: Rebalancing,
  commands: readonly ModelCommand[],
  sessionTimeoutMs?: number,
): Promise<ModelWorld> {
  const world = new ModelWorld(options, PARTITIONS, rebalancing, sessionTimeoutMs);
  await world.apply({ type: 'join' });
  for (let partition = 0; partition < PARTITIONS; partition += 1)
    await world.apply({ type: 'append', partition, keys: [1, 2, 1, 3, 2, 1], gap: 0, marker: false });
  await world.apply({ type: 'pass', ms: 300 });
  for (const command of commands) await world.apply(command);
  return world;
}

function listsOf(command: fc.Arbitrary<ModelCommand>): fc.Arbitrary<ModelCommand[]> {
  return fc.array(command, { maxLength: 80, size: 'max' });
}

describe('under any sequence of failures', () => {
  it.each([
    ['key', 3, 700],
    ['key', 100, 400],
    ['partition', 3, 400],
    ['unordered', 3, 300],
  ] as const)(
    'nothing is lost, committed early, out of order or beyond the window (ordered by %s, %i keys)',
    async (ordering, keys, numRuns) => {
      const property = fc.asyncProperty(
        worldOptions(ordering),
        REBALANCING,
        listsOf(wildCommands(keys)),
        async (options, rebalancing, commands) => {
          const world = await worldAfter(options, rebalancing, commands);
          await world.heal();
          expect(world.ledger.unaccounted()).toEqual([]);
        },
      );
      await fc.assert(property, { numRuns: Math.ceil(numRuns * SHARE) });
    },
  );
});

describe('when machines are suspended together with their clocks', () => {
  it('nothing is lost, and a sink that compares fences has each key in order', async () => {
    const unlimited = { attemptTimeoutMs: NEVER_MS, stalledRecordDeadLetterMs: NEVER_MS };
    const property = fc.asyncProperty(
      worldOptions('key'),
      REBALANCING,
      listsOf(suspendingCommands(3)),
      async (options, rebalancing, commands) => {
        const world = await worldAfter({ ...options, ...unlimited }, rebalancing, commands);
        await world.heal();
        expect(world.ledger.unaccounted()).toEqual([]);
      },
    );
    await fc.assert(property, { numRuns: Math.ceil(400 * SHARE) });
  });
});

describe('when members join and leave in an orderly way, and drain completely', () => {
  it('each record is handled exactly once', async () => {
    const patient = { drainTimeoutMs: NEVER_MS, attemptTimeoutMs: NEVER_MS, stalledRecordDeadLetterMs: NEVER_MS };
    const calm = { ...patient, commitCompletedOffsets: true };
    const property = fc.asyncProperty(
      worldOptions('key'),
      REBALANCING,
      listsOf(calmCommands(5)),
      async (options, rebalancing, commands) => {
        const world = await worldAfter({ ...options, ...calm }, rebalancing, commands, NEVER_MS);
        await world.heal();
        expect(world.ledger.repeats).toBe(0);
      },
    );
    await fc.assert(property, { numRuns: Math.ceil(200 * SHARE) });
  });
});
