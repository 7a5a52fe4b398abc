import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { FakeIntakeStore, itIsAnIntakeStore } from './testing/intake-store.js';
import { FATES, SimulatedProducer, SimulatedWorld, type Fate } from './testing/simulated-intake.js';

const requests = fc.array(
  fc.record({
    size: fc.constantFrom(1, 2, 3, 4, 5, 600),
    key: fc.option(fc.constantFrom('a', 'b', 'c'), { nil: undefined }),
    pauseMs: fc.constantFrom(0, 0, 1, 4, 30),
  }),
  { minLength: 1, maxLength: 8 },
);
const fates = fc.array(fc.constantFrom<Fate>(...FATES, 'fine', 'fine', 'fine', 'fine'), { maxLength: 30 });
const runs = fc.record({ requests, fates });

describe('the intake, whatever fails or crashes at any step', () => {
  it('keeps what it accepted, and knows what became of every number', async () => {
    await fc.assert(
      fc.asyncProperty(runs, runs, requests, fc.boolean(), async (first, second, last, isRecoveredFirst) => {
        const world = new SimulatedWorld();
        const a = new SimulatedProducer('operation-a', world.store, world.topic, [...first.fates]);
        await world.load(a, first.requests);
        expect(a.isUnharmed ? world.unsettled() : []).toEqual([]);
        if (isRecoveredFirst) await world.recover('operation-a');
        const b = new SimulatedProducer('operation-b', world.store, world.topic, [...second.fates]);
        await world.load(b, second.requests);
        // A process that hung goes on, although another one has recovered its work.
        await a.wake();
        await world.recover('operation-b');
        await b.wake();
        const c = new SimulatedProducer('operation-c', world.store, world.topic, []);
        for (const id of ['operation-a', 'operation-b']) await world.recover(id);
        // Nothing fails any more: every request is accepted, also the repeated ones.
        const before = world.sent.length;
        await world.load(c, last);
        expect(world.sent.length - before).toBe(last.length);
        await world.recover('operation-c');
        expect(world.problems()).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });
});

describe('the store of the simulated intake', () => {
  itIsAnIntakeStore(async () => new FakeIntakeStore());
});
