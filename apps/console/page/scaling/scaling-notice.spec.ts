import { describe, expect, it } from '@jest/globals';
import type { PipelineResponse, ReportedChange } from '../../src/pipeline/pipeline-response.js';
import { aChange, aConsumer, aPipeline } from '../../src/pipeline/testing/a-pipeline.js';
import {
  OwnScalings,
  wantedConsumers,
  runningConsumers,
  scalingNotice,
  type OwnScaling,
  type InFlightLimit,
} from './scaling-notice.js';

/** A state with this many running consumers, after one request. */
function running(
  count: number,
  others: Partial<PipelineResponse> = {},
  inFlightSet: number | 'auto' = 500,
): PipelineResponse {
  const consumers = Array.from({ length: count }, () => aConsumer({ inFlightSet }));
  return aPipeline({ consumers, scalingRequests: 1, configuredConsumers: others.scaling?.count ?? count, ...others });
}

/** A state that the console read after so many requests. */
function stateAfter(scalingRequests: number, configuredConsumers: number | null = 3): PipelineResponse {
  return aPipeline({ scalingRequests, configuredConsumers });
}

const THREE = { count: 3, at: 100, request: 1 };

/** The notice after this page's request for a number of consumers. */
function notice(latest: PipelineResponse, now: number, scaling: OwnScaling | null = THREE): string | null {
  return scalingNotice(latest, { scaling, limit: null }, now);
}

describe('the notice on a scaling', () => {
  it.each([
    [101, running(1, { scalingRequests: 0 }), 'Scaling to 3 consumers.'],
    [102, running(2, { scaling: { count: 3, secondsAgo: 2 } }), 'Scaling to 3 consumers: 2 running.'],
    [110, running(3), '3 consumers running, as requested.'],
    [116, running(3), null],
  ])('at second %d says how many consumers run, until the requested number does', (now, latest, text) => {
    expect(notice(latest, now)).toBe(text);
  });

  it('says that another user has requested another number', () => {
    const pending = running(2, { scaling: { count: 5, secondsAgo: 1 }, scalingRequests: 2 });
    expect(notice(pending, 103)).toMatch(/^Another user has requested 5 after your 3. Scaling to 5/);
    expect(notice(pending, 103, null)).toBe('Scaling to 5 consumers: 2 running.');
    expect(notice(running(5, { scalingRequests: 2 }), 110)).toBe(
      'Another user has requested 5 after your 3. 5 of 5 consumers running.',
    );
    expect(notice(running(2), 110)).toBe('The number has changed since your request. 2 of 2 consumers running.');
  });

  it('takes no request of this page for that of another user, while the console still reports an older one', () => {
    const pendingThree = running(2, { scaling: { count: 3, secondsAgo: 6 }, scalingRequests: 1 });
    for (const request of [null, 2])
      expect(notice(pendingThree, 106, { count: 1, at: 106, request })).toBe('Scaling to 1 consumer.');
    const pendingOne = running(3, { scaling: { count: 1, secondsAgo: 1 }, scalingRequests: 2 });
    expect(notice(pendingOne, 107, { count: 1, at: 106, request: 2 })).toBe('Scaling to 1 consumer: 3 running.');
  });

  it.each([
    ['starts', 'starting', 2],
    ['has died', 'dead', 2],
    ['sends no heartbeats', 'silent', 2],
    // It may have died, so nothing is announced as done, but it counts until it has.
    ['sends its heartbeats late', 'late', 3],
  ] as const)('counts those that run beside a consumer that %s', (_, last, count) => {
    const consumers = (['ready', 'rebalancing', last] as const).map((state) => aConsumer({ state }));
    const latest = running(0, { consumers, configuredConsumers: 3 });
    expect(runningConsumers(latest)).toBe(count);
    expect(notice(latest, 110)).toBe(`${count} of 3 consumers running.`);
    expect(notice({ ...latest, scaling: { count: 3, secondsAgo: 2 } }, 102)).toBe(
      `Scaling to 3 consumers: ${count} running.`,
    );
  });

  it.each([
    [null, '3 consumers requested: consumer-2 died, and is being replaced.'],
    [9, '3 consumers running, as requested.'],
  ])('names a consumer that died until its partitions are assigned to others: %j', (reassignedAfterSeconds, text) => {
    const crash: ReportedChange['crash'] = {
      consumer: 'consumer-2',
      partitions: 4,
      reassignedAfterSeconds,
      hasReturned: false,
    };
    expect(notice(running(3, { changes: [aChange({ kind: 'crash', crash })] }), 110)).toBe(text);
  });

  it('points to the log when the consumers do not come', () => {
    const pending = running(2, { scaling: { count: 3, secondsAgo: 61 } });
    expect(notice(pending, 161)).toMatch(/2 running after 60 s; see the log/);
  });

  it.each<[InFlightLimit, PipelineResponse, number, RegExp]>([
    [500, running(2, {}, 900), 103, /^Limit 500: in effect in 0 of 2 consumers\.$/],
    [500, running(2), 103, /^Limit 500 in effect in each consumer\.$/],
    ['auto', running(2, {}, 'auto'), 103, /^Auto limit in effect/],
    [null, running(2), 103, /that it was started with/],
    [500, running(2), 120, /^nothing$/],
  ])('says in how many consumers the limit %j is in effect', (limit, latest, now, text) => {
    const shown = scalingNotice(latest, { scaling: null, limit: { limit, at: 100 } }, now);
    expect(shown ?? 'nothing').toMatch(text);
  });
});

describe('the scalings of this page', () => {
  it('give the number of consumers while the console still reports that of an older request', () => {
    const own = new OwnScalings();
    own.answered(own.send(3, 100), 1);
    const second = own.send(1, 102);
    expect(wantedConsumers(stateAfter(1, 3), own.last)).toBe(1);
    own.answered(second, 2);
    const states = [stateAfter(1, 3), stateAfter(2, 1), stateAfter(3, 5), stateAfter(2, null)];
    expect(states.map((state) => wantedConsumers(state, own.last))).toEqual([1, 1, 5, null]);
    expect(wantedConsumers(stateAfter(0), null)).toBe(3);
  });

  it('end with the one that the console received last, also when its answer arrives first', () => {
    const own = new OwnScalings();
    const [first, second] = [own.send(3, 100), own.send(1, 100)];
    own.answered(second, 2);
    own.answered(first, 1);
    expect(own.last).toMatchObject({ count: 1, request: 2 });
  });

  it('are none after a failure, whatever answer is still on its way', () => {
    const own = new OwnScalings();
    const sent = own.send(3, 100);
    own.forget();
    own.answered(sent, 1);
    expect(own.last).toBeNull();
  });
});
