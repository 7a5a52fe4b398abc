import { beforeEach, describe, expect, it } from '@jest/globals';
import { ManualClock, settle } from '@orders-pipeline/clock/testing';
import type { OpenWrite } from './bucket-store.js';
import { OpenIntents } from './open-intents.js';

const ASKED = { from: 1, to: 1_000 };
const UNABORTED = new AbortController().signal;

function openWrite(seq: number, other: OpenWrite['new'] = 'open'): OpenWrite {
  return { bucket: seq % 3, seq, number: seq, answering: 'legacy', legacy: 'stored', new: other };
}

describe('OpenIntents', () => {
  let clock: ManualClock;
  let open: OpenWrite[];
  let queries: string[];
  let failure: Error | undefined;
  let intents: OpenIntents;

  beforeEach(() => {
    clock = new ManualClock();
    open = [openWrite(1), openWrite(2)];
    queries = [];
    failure = undefined;
    const store = {
      findOpen: async () => {
        queries.push('find');
        return Promise.resolve([...open]);
      },
      openIn: async (buckets: readonly number[]) => {
        queries.push('poll');
        if (failure !== undefined) throw failure;
        return Promise.resolve(open.filter(({ bucket }) => buckets.includes(bucket)));
      },
    };
    intents = new OpenIntents(store, { latest: undefined }, clock);
  });

  /** Begins reads, and returns how each has ended so far. */
  async function read(count: number, signal = UNABORTED): Promise<string[]> {
    const ends: string[] = [];
    for (let at = 0; at < count; at += 1)
      void intents.untilReadable('new', ASKED, signal).then(
        () => ends.push('readable'),
        (error: unknown) => ends.push(String(error)),
      );
    await settle();
    return ends;
  }

  it('asks once every 20 ms for all reads that wait', async () => {
    const ends = await read(100);
    await clock.advance(20);
    await clock.advance(20);
    expect(ends).toEqual([]);
    expect(queries.filter((query) => query === 'poll')).toHaveLength(2);
    open = [openWrite(1, 'readable')];
    await clock.advance(20);
    expect(ends).toEqual(Array.from({ length: 100 }, () => 'readable'));
    await clock.advance(1_000);
    expect(queries.filter((query) => query === 'poll')).toHaveLength(3);
  });

  it('is not prolonged by writes that are admitted later', async () => {
    const ends = await read(1);
    open = [openWrite(4), openWrite(5)];
    await clock.advance(20);
    expect(ends).toEqual(['readable']);
  });

  it('gives up after 2 s, or when the client disconnects', async () => {
    const leaving = new AbortController();
    const [ends, left] = [await read(1), await read(1, leaving.signal)];
    leaving.abort(new Error('disconnected'));
    await clock.advance(20);
    expect(left).toEqual(['Error: disconnected']);
    for (let at = 0; at < 100; at += 1) await clock.advance(20);
    expect(ends).toEqual([expect.stringContaining('the target still misses 2 of the orders')]);
  });

  it('passes on an error of the store to the reads that wait, and serves later ones', async () => {
    const ends = await read(2);
    failure = new Error('MongoDB is unavailable');
    await clock.advance(20);
    expect(ends).toEqual(['Error: MongoDB is unavailable', 'Error: MongoDB is unavailable']);
    failure = undefined;
    const later = await read(1);
    open = [];
    await clock.advance(20);
    expect(later).toEqual(['readable']);
  });
});
