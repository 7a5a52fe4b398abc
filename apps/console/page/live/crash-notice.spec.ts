import { describe, expect, it } from '@jest/globals';
import type { PipelineResponse } from '../../src/pipeline/pipeline-response.js';
import { crashNotice } from './crash-notice.js';

type Change = PipelineResponse['changes'][number];

const NONE = { at: '', from: null, to: null, before: null, after: null, verdict: null } as const;

function crash(secondsAgo: number, others: Partial<NonNullable<Change['crash']>> = {}): Change {
  const fields = { consumer: 'consumer-3', partitions: 4, reassignedAfterSeconds: null, hasReturned: false, ...others };
  return { ...NONE, kind: 'crash', secondsAgo, crash: fields };
}

const REBALANCE: Change = { ...NONE, kind: 'rebalance', secondsAgo: 1, crash: null };

describe('the notice on a crash', () => {
  it('names the consumer while its partitions are being reassigned', () => {
    expect(crashNotice([REBALANCE, crash(3), REBALANCE])).toEqual({
      isOngoing: true,
      text: 'consumer-3 died; its partitions are being reassigned, within about 15 s. Other consumers may wait until then; no order is lost.',
    });
  });

  it('is one for several consumers', () => {
    const notice = crashNotice([crash(9), crash(3, { consumer: 'consumer-1' })]);
    expect(notice?.text).toMatch(/^consumer-3 and consumer-1 died; their partitions are being/);
  });

  it('says what to do when the partitions still have no consumer', () => {
    expect(crashNotice([crash(40)])?.text).toMatch(/still have no consumer. Start a consumer/);
  });

  it('says how long it took, for a minute, and does not change from second to second', () => {
    const [early, late, gone] = [12, 60, 61].map((seconds) =>
      crashNotice([crash(seconds, { reassignedAfterSeconds: 9 })]),
    );
    expect(early).toMatchObject({
      isOngoing: false,
      text: expect.stringMatching(/its 4 partitions were reassigned after 9 s/),
    });
    expect(late).toEqual(early);
    expect(gone).toBeNull();
  });

  it('says that the consumer had no partitions, or that it works again', () => {
    expect(crashNotice([crash(1, { partitions: 0, reassignedAfterSeconds: 0 })])?.text).toMatch(/it had no partitions/);
    expect(crashNotice([crash(9, { hasReturned: true, reassignedAfterSeconds: 7 })])?.text).toMatch(/works again/);
  });

  it('is none without a crash', () => {
    expect(crashNotice([REBALANCE])).toBeNull();
  });
});
