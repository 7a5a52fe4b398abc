import { describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { ManualClock } from '@orders-pipeline/clock/testing';
import { LegacyTimeZone } from '#legacy/translation/legacy-time-zone.js';
import { aLegacyOrder, idOf } from '#orders/testing/an-order.js';
import type { WriteReports } from '../migration/migration-ports.js';
import { NumberBlocks } from './number-blocks.js';
import { bucketOf } from '../stages/migration-snapshot.js';
import { anIntent } from '../testing/migration-builders.js';
import { MemoryBucketStore, MemoryNumberStore } from '../testing/memory-stores.js';
import { LIMITS, SimulatedSide } from '../testing/simulated-world.js';
import { FencedWrites } from './fenced-writes.js';

/**
 * The writes of one instance in `dualwrite`, beside one that is killed after it has admitted orders and before it has written them. There is
 * no outbox worker: its lease may be that of the dead instance for seconds.
 */
async function besideTheDead(admitted: readonly number[]) {
  const clock = new ManualClock();
  const store = new MemoryBucketStore(clock);
  await store.raise({ epoch: 1, period: 1, stage: 'dualwrite', percent: 100 });
  for (const number of admitted)
    await store.admit({
      bucket: bucketOf('acc-1'),
      epoch: 1,
      intent: anIntent(number, { isIdGiven: true }),
      ...LIMITS.admission,
    });
  const numbers = new MemoryNumberStore();
  const legacy = new SimulatedSide('legacy', clock, () => 0, 0);
  const sides = { legacy, new: new SimulatedSide('new', clock, () => 0, 0) };
  const ports = {
    buckets: store,
    numbers,
    sides: { answering: sides, outbox: sides },
    reports: { observed: () => undefined } as unknown as WriteReports,
    zone: new LegacyTimeZone('UTC'),
    clock,
    randomId: () => idOf(99),
    identity: { name: 'b', process: 'b-1', place: 'b' },
    limits: LIMITS,
    logger: pino({ level: 'silent' }),
  };
  const writes = new FencedWrites(ports, new NumberBlocks(numbers, 10));
  const post = async (number: number) => {
    const { legacy: _, ...request } = aLegacyOrder({ number });
    const answer = writes.post(request, clock.now() + 2_000, new AbortController().signal);
    await clock.advance(5_000);
    return answer;
  };
  return { legacy, post };
}

describe('writes while another instance is dead', () => {
  it.each([
    ['answer a repeat of its write, and not with an unknown outcome', [1], 1, 200],
    ['store the writes of an account in their order, whichever of them is repeated', [1, 2], 2, 200],
    ['store a later write of the same account behind it', [1], 2, 201],
  ])('%s', async (_what, admitted, posted, status) => {
    const { legacy, post } = await besideTheDead(admitted);
    expect(await post(posted)).toMatchObject({ status });
    expect([...legacy.accepted.keys()]).toEqual([...new Set([...admitted, posted])].map(idOf));
  });

  it('get an unknown outcome while the answering side is away too', async () => {
    const { legacy, post } = await besideTheDead([1]);
    legacy.mood = 'away';
    expect(await post(2)).toMatchObject({ status: 503, body: expect.stringContaining('outcome-unknown') });
  });
});
