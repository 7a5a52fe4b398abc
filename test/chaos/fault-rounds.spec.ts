import { describe, expect, it } from '@jest/globals';
import type { Cluster } from './cluster/cluster.js';
import { FaultRounds } from './fault-rounds.js';
import type { FaultKind } from './faults/fault.js';
import type { History, NewEvent } from './history/history.js';

const done = async (): Promise<void> => Promise.resolve();

/** Rounds of one fault kind that end after `clockReads` reads of the clock, and the events that they record. */
function roundsOf(
  kind: Partial<Awaited<ReturnType<FaultKind['make']>>>,
  clockReads: number,
  enough = new AbortController().signal,
  lastsMs = 0,
) {
  const events: NewEvent[] = [];
  let now = 0;
  const history = { add: (event: NewEvent) => void events.push(event), now: () => (now += 1) } as unknown as History;
  const make = async () => Promise.resolve({ subject: 'it', begin: done, end: done, ...kind });
  const kinds: FaultKind[] = [{ name: 'kind', lastsMs: [lastsMs, lastsMs], make }];
  const rounds = new FaultRounds(
    {} as Cluster,
    async () => ({ afterMs: 1 }),
    history,
    () => undefined,
    0,
    enough,
  );
  const run = async (signal: AbortSignal): Promise<void> => rounds.run(1, kinds, clockReads, signal);
  return { run, types: () => events.map(({ type }) => type) };
}

describe('fault rounds', () => {
  it('record the beginning, the full effect, the end and the recovery of a fault', async () => {
    const { run, types } = roundsOf({}, 2);
    await run(new AbortController().signal);
    expect(types()).toEqual(['fault-begins', 'fault-stands', 'fault-ends', 'recovered']);
  });

  it('begin no fault after an interruption in the calm period', async () => {
    const { run, types } = roundsOf({}, 100);
    await run(AbortSignal.abort());
    expect(types()).toEqual([]);
  });

  it('begin no fault when the time is over after the calm period', async () => {
    const { run, types } = roundsOf({}, 1);
    await run(new AbortController().signal);
    expect(types()).toEqual([]);
  });

  it('end a fault at once when the evidence is enough, and begin no further one', async () => {
    const enough = new AbortController();
    const begin = async () => Promise.resolve(enough.abort());
    const { run, types } = roundsOf({ begin }, 100, enough.signal, 60_000);
    await run(new AbortController().signal);
    expect(types()).toEqual(['fault-begins', 'fault-stands', 'fault-ends', 'recovered']);
  });

  it('record a fault without effect', async () => {
    const { run, types } = roundsOf({ hadEffect: () => false }, 2);
    await run(new AbortController().signal);
    expect(types()).toContain('fault-without-effect');
  });

  it('record a fault that failed to begin, and undo its part that began', async () => {
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
