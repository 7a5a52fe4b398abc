import { describe, expect, it } from '@jest/globals';
import type { PipelineResponse } from '../../src/pipeline/pipeline-response.js';
import { waitingNotice } from './waiting-notice.js';

type Consumer = NonNullable<PipelineResponse['consumers']>[number];

const READY: Consumer = {
  id: 'a',
  name: 'consumer-1',
  partitions: [0],
  ratePerSecond: 0,
  inFlight: 0,
  inFlightLimit: 10,
  inFlightSet: 10,
  rebalances: 1,
  state: 'ready',
  notReadyBecause: null,
  silentSeconds: 0,
};

function waiting(name: string, notReadyBecause: string): Consumer {
  return { ...READY, name, state: 'waiting', notReadyBecause };
}

describe('the notice on consumers that can not work', () => {
  it('is absent while all work', () => {
    expect(waitingNotice([READY])).toBeNull();
  });

  it('has the reason, and what to do about poison', () => {
    const text = waitingNotice([READY, waiting('consumer-2', 'suspended since noon: nearly all records are poison')]);
    expect(text).toMatch(
      /^consumer-2 saves nothing: suspended since noon: nearly all records are poison\. Its orders wait; none is lost\. Read a dead letter .* POISON_SHARE=1/,
    );
  });

  it('names each, and what to do once', () => {
    const reason = 'suspended since noon: a dependency of the handler is unavailable';
    expect(waitingNotice([waiting('consumer-1', reason), waiting('consumer-2', reason)])).toBe(
      `consumer-1 saves nothing: ${reason}. consumer-2 saves nothing: ${reason}. Their orders wait; none is lost. They go on once MongoDB answers.`,
    );
  });
});
