import { describe, expect, it } from '@jest/globals';
import type { ParallelConsumerOptions } from '../options.js';
import { consuming } from './gated-consumer.js';

const halting: Partial<ParallelConsumerOptions> = { onDeadLetter: 'stop', classify: () => 'poison' };

describe("a consumer with onDeadLetter: 'stop'", () => {
  it('drains, commits up to the record, leaves the group, becomes failed and publishes nothing', async () => {
    const { broker, clock, gate, log, consumer, committed, letters } = await consuming(halting, (topic) => {
      for (const name of ['good', 'bad', 'running', 'more']) topic.append(0, name, name);
    });
    await gate.end('good');
    await gate.fail('bad', new Error('no order'));
    expect(consumer.status).toMatchObject({ state: 'failed', ready: false });
    await gate.end('running');
    await gate.end('more');
    await clock.advance(1_000);
    expect(committed()).toBe(1);
    expect(letters()).toEqual([]);
    expect(broker.group.size).toBe(0);
    expect(log.matching(/consumer stops/)).toMatchObject([
      { partition: 0, offset: 1, code: 'Error', reason: 'no order' },
    ]);
  });

  it('does not wait for records that fail during the stop', async () => {
    const { clock, gate, consumer } = await consuming({ ...halting, drainTimeoutMs: 60_000 }, (topic) => {
      for (const name of ['bad', 'worse']) topic.append(0, name, name);
    });
    await gate.fail('bad', new Error('no order'));
    await gate.fail('worse', new Error('no order either'));
    await clock.advance(1_000);
    expect(await consumer.stop()).toEqual({ finished: 0, deadLettered: 0, handedOver: 2, lost: 0 });
  });

  it('accepts further calls of stop after the failure', async () => {
    const { clock, gate, consumer } = await consuming(halting, (topic) => topic.append(0, 'bad', 'bad'));
    await gate.fail('bad', new Error('no order'));
    await clock.advance(1_000);
    expect(await consumer.stop()).toEqual(await consumer.stop());
    expect(consumer.status.state).toBe('failed');
  });
});
