import { describe, expect, it } from '@jest/globals';
import type { RecordHandler, TakenRecord } from '../attempts/record-handler.js';
import { consuming } from './gated-consumer.js';

/** Consumes three records of one key; the first attempt takes the second record, and then resolves. */
async function consumingTaken(use: (taken: TakenRecord) => void) {
  const handled: string[] = [];
  const waiting = Promise.withResolvers<undefined>();
  const handler: RecordHandler = async (record, attempt) => {
    handled.push(String(record.value));
    if (String(record.value) !== 'a1') return;
    await waiting.promise;
    const taken = attempt.takeNext();
    if (taken !== undefined) use(taken);
  };
  const started = await consuming({ handler }, ({ append }) => {
    for (const name of ['a1', 'a2', 'a3']) append(0, 'a', name);
  });
  waiting.resolve(undefined);
  await started.clock.advance(1_000);
  return { ...started, handled };
}

describe('a record that was taken together with the one before', () => {
  it('is done when it was reported, and the next one follows', async () => {
    const { handled, committed } = await consumingTaken((taken) => taken.report());
    expect(handled).toEqual(['a1', 'a3']);
    expect(committed()).toBe(3);
  });

  it('is tried by itself if nothing was reported', async () => {
    const { handled, committed } = await consumingTaken(() => undefined);
    expect(handled).toEqual(['a1', 'a2', 'a3']);
    expect(committed()).toBe(3);
  });

  it('is retried after its own failure, before the next one', async () => {
    const { handled, committed } = await consumingTaken((taken) => taken.report(new Error('once')));
    expect(handled).toEqual(['a1', 'a2', 'a3']);
    expect(committed()).toBe(3);
  });
});
