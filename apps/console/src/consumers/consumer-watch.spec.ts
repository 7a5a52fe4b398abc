import { describe, expect, it } from '@jest/globals';
import { REPORTED_STATES } from '#orders/consumer/consumer-heartbeat.js';
import type { PipelineSnapshot, SeenConsumer } from '../pipeline/pipeline-snapshots.js';
import type { ConsumerState } from './consumer-state.js';
import { ConsumerWatch } from './consumer-watch.js';

function consumer(others: Partial<SeenConsumer> = {}): SeenConsumer {
  return {
    _id: 'a',
    name: 'consumer-1',
    host: 'here',
    pid: 1,
    startedAt: new Date(0),
    at: new Date(0),
    ageMs: 300,
    state: 'ready',
    notReadyBecause: null,
    partitions: [],
    inFlight: 0,
    inFlightLimit: 100,
    inFlightSet: 100,
    ratePerSecond: 0,
    finished: 0,
    deadLettered: 0,
    rebalances: 1,
    cpuSeconds: 1,
    machineLoad: 0.1,
    ...others,
  };
}

function at(second: number, consumers: readonly SeenConsumer[] | null): PipelineSnapshot {
  return { at: 1_000 * second, ends: null, committed: null, consumers, deadLetters: null };
}

/** States of the consumers in the last of these snapshots, one second apart. */
function statesAfter(...snapshots: (readonly SeenConsumer[] | null)[]): ConsumerState[] | undefined {
  const states = new ConsumerWatch();
  const watched = snapshots.map((consumers, second) => states.add(at(second, consumers)));
  return watched.at(-1)?.consumers?.map(({ state }) => state);
}

describe('the state of a consumer', () => {
  it('is the one in its heartbeat', () => {
    for (const state of REPORTED_STATES) expect(statesAfter([consumer({ state })])).toEqual([state]);
  });

  it('is `ready` or `waiting` after a heartbeat of a version that reports none', () => {
    const { state: _, ...unreported } = consumer();
    expect(statesAfter([unreported])).toEqual(['ready']);
    expect(statesAfter([{ ...unreported, notReadyBecause: 'suspended' }])).toEqual(['waiting']);
  });

  it('is `late` after two seconds without a heartbeat, and `dead` after four', () => {
    const ages = [300, 300, 300, 300, 300, 1_000, 2_000, 3_000, 4_000, 5_000].map((ageMs) => [consumer({ ageMs })]);
    const states = [6, 7, 8, 9, 10].map((count) => statesAfter(...ages.slice(0, count))?.[0]);
    expect(states).toEqual(['ready', 'ready', 'late', 'late', 'dead']);
  });

  it('is `dead` as soon as a new process has its name', () => {
    const old = consumer({ ageMs: 1_800 });
    const replacement = consumer({ _id: 'b', startedAt: new Date(9), ageMs: 100, pid: 2 });
    expect(statesAfter([old, replacement])).toEqual(['dead', 'ready']);
    expect(statesAfter([{ ...old, ageMs: 900 }, replacement])).toEqual(['ready', 'ready']);
    expect(statesAfter([{ ...old, host: 'there' }, replacement])).toEqual(['ready', 'ready']);
  });

  it('is `silent`, not `dead`, when the heartbeats could not be read for some time', () => {
    const old = [consumer({ ageMs: 20_000 })];
    expect(statesAfter([consumer()], null, old)).toEqual(['silent']);
    expect(statesAfter([consumer()], null, old, old, old, old, old)).toEqual(['dead']);
    const states = new ConsumerWatch();
    for (const second of [0, 1, 2, 3, 4]) states.add(at(second, [consumer()]));
    expect(states.add(at(60, old)).consumers?.[0]?.state).toBe('silent');
  });
});
