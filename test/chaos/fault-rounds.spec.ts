import { describe, expect, it } from '@jest/globals';
import type { Cluster } from './cluster/cluster.js';
import { FaultRounds } from './fault-rounds.js';
import type { FaultKind } from './faults/fault.js';
import type { History, NewEvent } from './history/history.js';

const done = async (): Promise<void> => Promise.resolve();

/** Rounds of one kind of fault, over after so many looks at the time, and what is told of them. */
function roundsOf(kind: Partial<Awaited<ReturnType<FaultKind['make']>>>, looks: number) {
  const events: NewEvent[] = [];
  let now = 0;
  const history = { add: (event: NewEvent) => void events.push(event), now: () => (now += 1) } as unknown as History;
  const make = async () => Promise.resolve({ subject: 'it', begin: done, end: done, ...kind });
  const kinds: FaultKind[] = [{ name: 'kind', lastsMs: [0, 0], make }];
  const rounds = new FaultRounds(
    {} as Cluster,
    async () => ({ afterMs: 1 }),
    history,
    () => undefined,
    0,
  );
  const run = async (signal: AbortSignal): Promise<void> => rounds.run(1, kinds, looks, signal);
  return { run, types: () => events.map(({ type }) => type) };
}

describe('rounds of faults', () => {
  it('begin, stand, end and are recovered from', async () => {
    const { run, types } = roundsOf({}, 2);
    await run(new AbortController().signal);
    expect(types()).toEqual(['fault-begins', 'fault-stands', 'fault-ends', 'recovered']);
  });

  it('begin no more once they are interrupted, also in the calm before one', async () => {
    const { run, types } = roundsOf({}, 100);
    await run(AbortSignal.abort());
    expect(types()).toEqual([]);
  });

  it('begin none when their time is over after the calm', async () => {
    const { run, types } = roundsOf({}, 1);
    await run(new AbortController().signal);
    expect(types()).toEqual([]);
  });

  it('tell of one that nobody has noticed', async () => {
    const { run, types } = roundsOf({ hadEffect: () => false }, 2);
    await run(new AbortController().signal);
    expect(types()).toContain('fault-without-effect');
  });

  it('tell of one that could not be done, and undo what of it there is', async () => {
    const undone: string[] = [];
    const fault = {
      begin: async () => Promise.reject(new Error('no')),
      end: async () => Promise.resolve(void undone.push('it')),
    };
    const { run, types } = roundsOf(fault, 2);
    await run(new AbortController().signal);
    expect([types(), undone]).toEqual([['fault-begins', 'fault-failed'], ['it']]);
  });
});
