import { describe, expect, it } from '@jest/globals';
import type { PipelineSnapshot, SeenConsumer } from '../pipeline/pipeline-snapshots.js';
import type { ConsumerState } from './consumer-state.js';
import { ConsumerWatch } from './consumer-watch.js';

function consumer(others: Partial<SeenConsumer> = {}): SeenConsumer {
  const partition = { partition: 0, committable: 0, lagRecords: 0, lagSeconds: null };
  return {
    _id: 'a',
    name: 'consumer-1',
    host: 'here',
    pid: 1,
    startedAt: new Date(0),
    at: new Date(0),
    ageMs: 300,
    notReadyBecause: null,
    partitions: [partition],
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
  it.each<[ConsumerState, Partial<SeenConsumer>]>([
    ['ready', {}],
    ['idle', { partitions: [] }],
    ['starting', { notReadyBecause: 'the consumer is starting', partitions: [] }],
    ['draining', { notReadyBecause: 'the consumer is draining' }],
    ['rebalancing', { notReadyBecause: 'not a member of the consumer group' }],
    ['waiting', { notReadyBecause: 'suspended since 2026-01-01: a dependency of the handler is unavailable' }],
  ])('is `%s` by its heartbeat %j', (state, others) => {
    expect(statesAfter([consumer(others)])).toEqual([state]);
  });

  it('is `dead` after four seconds without a heartbeat', () => {
    const silent = [1_000, 2_000, 3_000, 4_000, 5_000].map((ageMs) => [consumer({ ageMs })]);
    expect(statesAfter(...silent.slice(0, 4))).toEqual(['ready']);
    expect(statesAfter(...silent)).toEqual(['dead']);
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
