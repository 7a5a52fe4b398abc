import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '@orders-pipeline/clock/testing';
import { SingleFlight } from './single-flight.js';

describe('single flight', () => {
  it('returns the result, or null after the timeout or an error', async () => {
    const clock = new ManualClock();
    expect(await new SingleFlight(async () => 5, clock, 900).result()).toBe(5);
    const refused = new SingleFlight(async () => Promise.reject(new Error('unavailable')), clock, 900);
    expect(await refused.result()).toBeNull();
    const silent = new SingleFlight(async () => Promise.withResolvers<number>().promise, clock, 900).result();
    await clock.advance(900);
    expect(await silent).toBeNull();
  });

  it('sends no request while another one is pending', async () => {
    const clock = new ManualClock();
    const answers: PromiseWithResolvers<number>[] = [];
    const send = async (): Promise<number> => {
      const answer = Promise.withResolvers<number>();
      answers.push(answer);
      return answer.promise;
    };
    const flight = new SingleFlight(send, clock, 900);
    const first = flight.result();
    await clock.advance(900);
    expect([await first, await flight.result(), answers.length]).toEqual([null, null, 1]);
    answers[0]?.resolve(1);
    await new Promise((resolve) => setImmediate(resolve));
    const again = flight.result();
    answers[1]?.resolve(2);
    expect(await again).toBe(2);
  });
});
