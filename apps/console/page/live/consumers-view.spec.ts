import { describe, expect, it } from '@jest/globals';
import type { ReportedChange, ReportedConsumer } from '../../src/pipeline/pipeline-response.js';
import { aChange, aConsumer } from '../../src/pipeline/testing/a-pipeline.js';
import { crashNotice, namesOf, shownConsumers, waitingNotice } from './consumers-view.js';

function crash(secondsAgo: number, others: Partial<NonNullable<ReportedChange['crash']>> = {}): ReportedChange {
  const fields = { consumer: 'consumer-3', partitions: 4, reassignedAfterSeconds: null, hasReturned: false, ...others };
  return aChange({ kind: 'crash', secondsAgo, crash: fields });
}

function waiting(name: string, notReadyBecause: string): ReportedConsumer {
  return aConsumer({ name, state: 'waiting', notReadyBecause });
}

const REBALANCE = aChange({ kind: 'rebalance', secondsAgo: 1 });
const REASSIGNED = { reassignedAfterSeconds: 9 };

describe('the notice on a crash', () => {
  it.each<[string, ReportedChange[], boolean, RegExp]>([
    [
      'names the consumer while its partitions are being reassigned',
      [REBALANCE, crash(3), REBALANCE],
      true,
      /^consumer-3 died; its partitions are being reassigned, within about 15 s. Other consumers may wait until then; no order is lost.$/,
    ],
    [
      'is one for several consumers',
      [crash(9), crash(3, { consumer: 'consumer-1' })],
      true,
      /^consumer-3 and consumer-1 died; their partitions are being/,
    ],
    ['says what to do without a consumer', [crash(40)], true, /still have no consumer. Start a consumer/],
    ['says how long it took', [crash(12, REASSIGNED)], false, /its 4 partitions were reassigned after 9 s/],
    [
      'says that there were no partitions',
      [crash(1, { partitions: 0, reassignedAfterSeconds: 0 })],
      false,
      /it had no partitions/,
    ],
    ['says that the consumer returned', [crash(9, { ...REASSIGNED, hasReturned: true })], false, /works again/],
  ])('%s', (_, changes, isOngoing, text) => {
    expect(crashNotice(changes)).toEqual({ isOngoing, text: expect.stringMatching(text) });
  });

  it('does not change from second to second, and is shown for a minute', () => {
    const [early, late, gone] = [12, 60, 61].map((seconds) => crashNotice([crash(seconds, REASSIGNED)]));
    expect([late, gone]).toEqual([early, null]);
  });

  it('is none without a crash', () => {
    expect(crashNotice([REBALANCE])).toBeNull();
  });
});

describe('the notice on consumers that can not work', () => {
  it('is absent while all work', () => {
    expect(waitingNotice([aConsumer()])).toBeNull();
  });

  it('has the reason, and what to do about a mass failure of records', () => {
    const reason = 'suspended since noon: mass failure: more than the allowed share of records failed permanently';
    expect(waitingNotice([aConsumer(), waiting('consumer-2', reason)])).toMatch(
      /^consumer-2 saves nothing: suspended since noon: mass failure: more than the allowed share of records failed permanently\. Its orders wait; none is lost\. Read a dead letter .* POISON_SHARE=1/,
    );
  });

  it('names each, and what to do once', () => {
    const reason = 'suspended since noon: a dependency of the handler is unavailable';
    expect(waitingNotice([waiting('consumer-1', reason), waiting('consumer-2', reason)])).toBe(
      `consumer-1 saves nothing: ${reason}. consumer-2 saves nothing: ${reason}. Their orders wait; none is lost. They go on once MongoDB answers.`,
    );
  });
});

describe('the consumers in the table', () => {
  it('do not include dead ones, so that a name that was taken over appears once', () => {
    const dead = aConsumer({ id: 'a1', state: 'dead' });
    const others = [aConsumer({ id: 'b2' }), aConsumer({ id: 'c3', state: 'silent' })];
    expect(shownConsumers([dead, ...others])).toEqual(others);
  });

  it('have different names', () => {
    const consumers = [['a1b2c3', 'host'] as const, ['d4e5f6', 'host'] as const, ['c3', 'consumer-4'] as const];
    const names = namesOf(consumers.map(([id, name]) => aConsumer({ id, name })));
    expect([...names.values()]).toEqual(['host (a1b2)', 'host (d4e5)', 'consumer-4']);
  });
});
