import { describe, expect, it } from '@jest/globals';
import { ManualClock, settle } from '@orders-pipeline/clock/testing';
import type { ForwardedRequest, LegacyAnswer, LegacyPort } from '../sides/legacy-answers.js';
import { SideAwayError } from '../sides/side.js';
import { UnfencedWrites } from './posted-orders.js';

const ANSWER: LegacyAnswer = { status: 201, headers: {}, body: '{"number":1}' };

/** A legacy system that answers with one outcome after another. */
class ScriptedLegacy implements LegacyPort {
  readonly bodies: string[] = [];

  constructor(private readonly outcomes: (LegacyAnswer | Error)[]) {}

  async post({ body }: ForwardedRequest): Promise<LegacyAnswer> {
    this.bodies.push(body);
    const outcome = this.outcomes.shift() ?? ANSWER;
    if (outcome instanceof Error) throw outcome;
    return Promise.resolve(outcome);
  }

  async highestNumber(): Promise<number> {
    return Promise.resolve(0);
  }
}

async function post(body: string, ...outcomes: (LegacyAnswer | Error)[]) {
  const clock = new ManualClock();
  const legacy = new ScriptedLegacy(outcomes);
  let ends = 0;
  const writes = new UnfencedWrites({ legacy, clock, random: () => 0, randomId: () => 'id-1' });
  const answer = await writes.post({ path: '/orders', headers: {}, body }, () => (ends += 1));
  await settle();
  return { clock, bodies: legacy.bodies, answer, ends: () => ends };
}

describe('writes of off', () => {
  it('add an id, leave all else as it came, and return the answer unchanged', async () => {
    const { bodies, answer, ends } = await post(' {"price": 1e308,"x":0.10}');
    expect(bodies).toEqual([' {"id":"id-1","price": 1e308,"x":0.10}']);
    expect(answer).toBe(ANSWER);
    expect(ends()).toBe(1);
  });

  it.each(['{"id":"own"}', '{}', '[]', 'null', '{"half', ''])('leave %s as it is', async (body) => {
    expect((await post(body)).bodies).toEqual([body]);
  });

  it('repeat a write without an answer under the same id, and end it once the outcome is known', async () => {
    const busy = { ...ANSWER, status: 503 };
    const { clock, bodies, answer, ends } = await post('{"a":1}', new Error('time-out'), new Error('time-out'), busy);
    expect(answer.status).toBe(503);
    expect(JSON.parse(String(answer.body))).toMatchObject({ code: 'outcome-unknown', statusCode: 503 });
    expect(ends()).toBe(0);
    await clock.advance(500);
    expect(ends()).toBe(0);
    await clock.advance(10_000);
    expect(ends()).toBe(1);
    expect(new Set(bodies)).toEqual(new Set(['{"id":"id-1","a":1}']));
    expect(bodies).toHaveLength(4);
  });

  it('do not repeat a write that was not sent', async () => {
    const { clock, bodies, answer, ends } = await post(
      '{"a":1}',
      new SideAwayError('legacy', 'breaker-open', 'it is away'),
    );
    expect(JSON.parse(String(answer.body))).toMatchObject({ code: 'legacy-away', statusCode: 503 });
    expect(ends()).toBe(1);
    await clock.advance(10_000);
    expect(bodies).toHaveLength(1);
  });
});
