import { describe, expect, it } from '@jest/globals';
import type { PipelineResponse } from '../../src/pipeline/pipeline-response.js';
import { scalingNotice } from './scaling-notice.js';

type Consumer = NonNullable<PipelineResponse['consumers']>[number];

function pipeline(
  running: number,
  others: Partial<PipelineResponse> = {},
  set: number | 'auto' = 500,
): PipelineResponse {
  const consumers = Array.from({ length: running }, () => ({ state: 'ready', inFlightSet: set }) as Consumer);
  return { consumers, scaling: null, changes: [], ...others } as PipelineResponse;
}

const THREE = { kind: 'consumers', count: 3, at: 100 } as const;

describe('the notice on a scaling', () => {
  it('says how many consumers run until the requested number does, and for some seconds that it does', () => {
    expect(scalingNotice(pipeline(1), THREE, 101)).toBe('Scaling to 3 consumers.');
    const pending = pipeline(2, { scaling: { count: 3, secondsAgo: 2 } });
    expect(scalingNotice(pending, THREE, 102)).toBe('Scaling to 3 consumers: 2 running.');
    expect(scalingNotice(pipeline(3), THREE, 110)).toBe('3 consumers running, as requested.');
    expect(scalingNotice(pipeline(3), THREE, 116)).toBeNull();
  });

  it('says that another user has requested another number', () => {
    const pending = pipeline(2, { scaling: { count: 5, secondsAgo: 1 } });
    expect(scalingNotice(pending, THREE, 103)).toMatch(/^Another user has requested 5 after your 3. Scaling to 5/);
    expect(scalingNotice(pending, null, 103)).toBe('Scaling to 5 consumers: 2 running.');
    expect(scalingNotice(pipeline(5), THREE, 110)).toMatch(/Another user has changed the number: 5 running/);
  });

  it('does not count consumers as running that start, or whose heartbeats stopped', () => {
    const states = [
      ['ready', 'ready', 'late'],
      ['ready', 'rebalancing', 'starting'],
    ] as const;
    for (const each of states) {
      const consumers = each.map((state) => ({ state }) as Consumer);
      expect(scalingNotice(pipeline(0, { consumers }), THREE, 110)).toBe('2 of 3 consumers running.');
    }
  });

  it('names a consumer that died until its partitions are assigned to others', () => {
    const crash = { consumer: 'consumer-2', partitions: 4, reassignedAfterSeconds: null, hasReturned: false };
    const changes = (...each: (typeof crash | { reassignedAfterSeconds: number })[]): PipelineResponse['changes'] =>
      each.map((change) => ({ crash: change }) as PipelineResponse['changes'][number]);
    expect(scalingNotice(pipeline(3, { changes: changes(crash) }), THREE, 110)).toBe(
      '3 consumers requested: consumer-2 died, and is being replaced.',
    );
    expect(scalingNotice(pipeline(3, { changes: changes({ ...crash, reassignedAfterSeconds: 9 }) }), THREE, 110)).toBe(
      '3 consumers running, as requested.',
    );
  });

  it('points to the log when the consumers do not come', () => {
    const pending = pipeline(2, { scaling: { count: 3, secondsAgo: 61 } });
    expect(scalingNotice(pending, THREE, 161)).toMatch(/2 running after 60 s; see the log/);
  });

  it('says in how many consumers a limit is in effect', () => {
    const limit = { kind: 'limit', limit: 500, at: 100 } as const;
    expect(scalingNotice(pipeline(2, {}, 900), limit, 101)).toBe('Limit 500: in effect in 0 of 2 consumers.');
    expect(scalingNotice(pipeline(2), limit, 103)).toBe('Limit 500 in effect in each consumer.');
    expect(scalingNotice(pipeline(2, {}, 'auto'), { ...limit, limit: 'auto' }, 103)).toMatch(/^Auto limit in effect/);
    expect(scalingNotice(pipeline(2), { ...limit, limit: null }, 103)).toMatch(/that it was started with/);
    expect(scalingNotice(pipeline(2), limit, 120)).toBeNull();
  });
});
