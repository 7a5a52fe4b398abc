import { describe, expect, it } from '@jest/globals';
import type { PipelineResponse } from '../../src/pipeline/pipeline-response.js';
import type { OwnScaling } from './own-scalings.js';
import { runningConsumers, scalingNotice, type InFlightLimit } from './scaling-notice.js';

type Consumer = NonNullable<PipelineResponse['consumers']>[number];

function pipeline(
  running: number,
  others: Partial<PipelineResponse> = {},
  set: number | 'auto' = 500,
): PipelineResponse {
  const consumers = Array.from({ length: running }, () => ({ state: 'ready', inFlightSet: set }) as Consumer);
  const state = { scaling: null, scalingRequests: 1, configuredConsumers: others.scaling?.count ?? running };
  return { consumers, changes: [], ...state, ...others } as PipelineResponse;
}

const THREE = { count: 3, at: 100, request: 1 };

/** The notice after this page's request for a number of consumers. */
function notice(latest: PipelineResponse, now: number, scaling: OwnScaling | null = THREE): string | null {
  return scalingNotice(latest, { scaling, limit: null }, now);
}

/** The notice three seconds, or more, after this page's request for a limit. */
function limited(latest: PipelineResponse, limit: InFlightLimit, now = 103): string | null {
  return scalingNotice(latest, { scaling: null, limit: { limit, at: 100 } }, now);
}

describe('the notice on a scaling', () => {
  it('says how many consumers run until the requested number does, and for some seconds that it does', () => {
    expect(notice(pipeline(1, { scalingRequests: 0 }), 101)).toBe('Scaling to 3 consumers.');
    const pending = pipeline(2, { scaling: { count: 3, secondsAgo: 2 } });
    expect(notice(pending, 102)).toBe('Scaling to 3 consumers: 2 running.');
    expect(notice(pipeline(3), 110)).toBe('3 consumers running, as requested.');
    expect(notice(pipeline(3), 116)).toBeNull();
  });

  it('says that another user has requested another number', () => {
    const pending = pipeline(2, { scaling: { count: 5, secondsAgo: 1 }, scalingRequests: 2 });
    expect(notice(pending, 103)).toMatch(/^Another user has requested 5 after your 3. Scaling to 5/);
    expect(notice(pending, 103, null)).toBe('Scaling to 5 consumers: 2 running.');
    expect(notice(pipeline(5, { scalingRequests: 2 }), 110)).toBe(
      'Another user has requested 5 after your 3. 5 of 5 consumers running.',
    );
    expect(notice(pipeline(2), 110)).toBe('The number has changed since your request. 2 of 2 consumers running.');
  });

  it('takes no request of this page for that of another user, while the console still reports an older one', () => {
    const pendingThree = pipeline(2, { scaling: { count: 3, secondsAgo: 6 }, scalingRequests: 1 });
    for (const request of [null, 2])
      expect(notice(pendingThree, 106, { count: 1, at: 106, request })).toBe('Scaling to 1 consumer.');
    const pendingOne = pipeline(3, { scaling: { count: 1, secondsAgo: 1 }, scalingRequests: 2 });
    expect(notice(pendingOne, 107, { count: 1, at: 106, request: 2 })).toBe('Scaling to 1 consumer: 3 running.');
  });

  it.each([
    ['starts', 'starting', 2],
    ['has died', 'dead', 2],
    ['sends no heartbeats', 'silent', 2],
    // It may have died, so nothing is announced as done, but it counts until it has.
    ['sends its heartbeats late', 'late', 3],
  ] as const)('counts those that run beside a consumer that %s', (_, state, running) => {
    const consumers = ['ready', 'rebalancing', state].map((each) => ({ state: each }) as Consumer);
    const latest = pipeline(0, { consumers, configuredConsumers: 3 });
    expect(runningConsumers(latest)).toBe(running);
    expect(notice(latest, 110)).toBe(`${running} of 3 consumers running.`);
    expect(notice({ ...latest, scaling: { count: 3, secondsAgo: 2 } }, 102)).toBe(
      `Scaling to 3 consumers: ${running} running.`,
    );
  });

  it('names a consumer that died until its partitions are assigned to others', () => {
    const crash = { consumer: 'consumer-2', partitions: 4, reassignedAfterSeconds: null, hasReturned: false };
    const changes = (...each: (typeof crash | { reassignedAfterSeconds: number })[]): PipelineResponse['changes'] =>
      each.map((change) => ({ crash: change }) as PipelineResponse['changes'][number]);
    expect(notice(pipeline(3, { changes: changes(crash) }), 110)).toBe(
      '3 consumers requested: consumer-2 died, and is being replaced.',
    );
    expect(notice(pipeline(3, { changes: changes({ ...crash, reassignedAfterSeconds: 9 }) }), 110)).toBe(
      '3 consumers running, as requested.',
    );
  });

  it('points to the log when the consumers do not come', () => {
    const pending = pipeline(2, { scaling: { count: 3, secondsAgo: 61 } });
    expect(notice(pending, 161)).toMatch(/2 running after 60 s; see the log/);
  });

  it('says in how many consumers a limit is in effect', () => {
    expect(limited(pipeline(2, {}, 900), 500)).toBe('Limit 500: in effect in 0 of 2 consumers.');
    expect(limited(pipeline(2), 500)).toBe('Limit 500 in effect in each consumer.');
    expect(limited(pipeline(2, {}, 'auto'), 'auto')).toMatch(/^Auto limit in effect/);
    expect(limited(pipeline(2), null)).toMatch(/that it was started with/);
    expect(limited(pipeline(2), 500, 120)).toBeNull();
  });
});
