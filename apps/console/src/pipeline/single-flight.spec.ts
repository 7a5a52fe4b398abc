import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '#parallel-consumer/testing/manual-clock.js';
import { SingleFlight } from './single-flight.js';

describe('a question to what may be away', () => {
  it('is answered, or unknown after a while or by an error', async () => {
    const clock = new ManualClock();
    expect(await new SingleFlight(async () => 5, clock, 900).answer()).toBe(5);
    const refused = new SingleFlight(async () => Promise.reject(new Error('away')), clock, 900);
    expect(await refused.answer()).toBeNull();
    const silent = new SingleFlight(async () => Promise.withResolvers<number>().promise, clock, 900).answer();
    await clock.advance(900);
    expect(await silent).toBeNull();
  });

  it('is not asked again while it waits', async () => {
    const clock = new ManualClock();
    const answers: PromiseWithResolvers<number>[] = [];
    const ask = async (): Promise<number> => {
      const answer = Promise.withResolvers<number>();
      answers.push(answer);
      return answer.promise;
    };
    const patient = new SingleFlight(ask, clock, 900);
    const first = patient.answer();
    await clock.advance(900);
    expect([await first, await patient.answer(), answers.length]).toEqual([null, null, 1]);
    answers[0]?.resolve(1);
    await new Promise((resolve) => setImmediate(resolve));
    const again = patient.answer();
    answers[1]?.resolve(2);
    expect(await again).toBe(2);
  });
});
