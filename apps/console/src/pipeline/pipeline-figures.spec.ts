import { describe, expect, it } from '@jest/globals';
import type { Kafka } from 'kafkajs';
import { Registry } from 'prom-client';
import { GONE_AFTER_MS, REPORTED_STATES } from '#orders/consumer/consumers.js';
import type { ConsumerState } from './consumer-state.js';
import { ConsumerWatch, type WatchedConsumer, type WatchedSnapshot } from './consumer-watch.js';
import { CountedSnapshots, pipelineFigures, type PipelineFigures } from './pipeline-figures.js';
import { exposePipeline, exposeReplicas, TopicReplicas } from './pipeline-metrics.js';
import type { PipelineSnapshot, SeenConsumer } from './pipeline-snapshots.js';

/** Returns the heartbeat of a ready consumer that has saved nothing yet. */
function aHeartbeat(change: Partial<WatchedConsumer> = {}): WatchedConsumer {
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
    inFlight: 10,
    inFlightLimit: 100,
    inFlightSet: 100,
    ratePerSecond: 5,
    finished: 0,
    deadLettered: 0,
    rebalances: 1,
    cpuSeconds: 1,
    machineLoad: 0.1,
    ...change,
  };
}

/** A topic whose partitions, from 0 on, have these positions. */
function positions(...offsets: number[]): Map<number, number> {
  return new Map(offsets.entries());
}

/** Snapshots in which a consumer has saved these orders. */
function saved(...counts: number[]): Partial<WatchedSnapshot>[] {
  return counts.map((finished) => ({ consumers: [aHeartbeat({ finished })] }));
}

/** Returns the figures after snapshots of a pipeline without lag, one second apart unless they say otherwise. */
function figuresAfter(...snapshots: Partial<WatchedSnapshot>[]): PipelineFigures {
  const counted = new CountedSnapshots();
  const idle = { ends: positions(100), committed: positions(100), consumers: [], deadLetters: 0 };
  const lists = snapshots.map((change, second) => counted.add({ at: 1_000 * second, ...idle, ...change }));
  return pipelineFigures(lists.at(-1) ?? []);
}

function snapshotAt(second: number, consumers: readonly unknown[] | null): PipelineSnapshot {
  return {
    at: 1_000 * second,
    ends: null,
    committed: null,
    consumers: consumers as readonly SeenConsumer[] | null,
    deadLetters: null,
  };
}

/** States of the consumers in the last of these snapshots, one second apart. */
function statesAfter(...snapshots: (readonly unknown[] | null)[]): ConsumerState[] | undefined {
  const watch = new ConsumerWatch();
  const watched = snapshots.map((consumers, second) => watch.add(snapshotAt(second, consumers)));
  return watched.at(-1)?.consumers?.map(({ state }) => state);
}

describe('pipeline figures', () => {
  const [sent100, sent400] = [{ ends: positions(100) }, { ends: positions(400) }];
  const outage = Array.from({ length: 8 }, () => ({ ends: null }));

  it.each<[string, Partial<WatchedSnapshot>[], number | null]>([
    ['is unknown in the first snapshot', [sent100], null],
    ['is that since the first snapshot', [sent100, sent400], 300],
    ['is that of the last seconds', [sent100, ...Array.from({ length: 11 }, () => sent400)], 0],
    ['is unknown in the first snapshot after an outage', [sent100, ...outage, sent100], null],
    ['is known in the second snapshot after an outage', [sent100, ...outage, sent100, { ends: positions(150) }], 50],
  ])('have a rate of produced records that %s', (_, snapshots, rate) => {
    expect(figuresAfter(...snapshots).producedPerSecond).toBe(rate);
  });

  it('count saved orders across consumers that start and stop', () => {
    const [before, both, after] = [
      [aHeartbeat({ finished: 1_000_000 })],
      [aHeartbeat({ finished: 1_000_100 }), aHeartbeat({ _id: 'b', finished: 30 })],
      [aHeartbeat({ _id: 'b', finished: 80 })],
    ];
    const { savedPerSecond } = figuresAfter({ consumers: before }, { consumers: both }, { consumers: after });
    expect(savedPerSecond).toBe((100 + 80) / 2);
  });

  it('do not count dead letters as saved', () => {
    const after = { consumers: [aHeartbeat({ finished: 30, deadLettered: 5 })] };
    expect(figuresAfter(...saved(10), after).savedPerSecond).toBe(15);
  });

  describe('the time to drain', () => {
    const behind = { ends: positions(700), committed: positions(100) };
    /** A snapshot with a backlog of 600 orders, of which 200 are saved each second. */
    const saving = (second: number, state: ConsumerState = 'ready'): Partial<WatchedSnapshot> => ({
      ...behind,
      at: 1_000 * second,
      consumers: [aHeartbeat({ finished: 200 * second, state })],
    });

    it.each<[string, Partial<WatchedSnapshot>[], number | null]>([
      ['is the lag divided by the rate', [saving(0), saving(1)], 3],
      ['is unknown when nothing is being saved', [behind, behind], null],
      ['is 0 without lag', [{}, {}], 0],
      // The rate is still that of an idle pipeline.
      ['is unknown in the first seconds of a backlog', [...saved(0), saving(1), saving(2)], null],
      ['is known some seconds after a backlog began', [{}, saving(1), saving(6), saving(7)], 3],
      ['is unknown while the consumers rebalance', [saving(0), saving(1, 'rebalancing')], null],
      ['is unknown until the rates are those of afterwards', [saving(1, 'rebalancing'), saving(2), saving(5)], null],
      ['is known some seconds after a rebalance', [saving(1, 'rebalancing'), saving(5), saving(7)], 3],
    ])('%s', (_, snapshots, seconds) => {
      expect(figuresAfter(...snapshots).secondsToDrain).toBe(seconds);
    });

    it('is unknown while a change disturbs the rates', () => {
      const counted = new CountedSnapshots();
      const all = [0, 1].map((second) => counted.add({ deadLetters: 0, ...saving(second) } as WatchedSnapshot)).at(-1);
      expect(pipelineFigures(all ?? [], true).secondsToDrain).toBeNull();
    });
  });

  it('have rates of the consumers over the same time as that of the pipeline, so that they add up to it', () => {
    const late = aHeartbeat({ _id: 'b', finished: 400, ratePerSecond: 99 });
    const rates = figuresAfter(...saved(1_000, 2_000), { consumers: [aHeartbeat({ finished: 3_000 }), late] });
    expect(rates.consumers?.map(({ ratePerSecond }) => ratePerSecond)).toEqual([1_000, 200]);
    expect(rates.savedPerSecond).toBe(1_200);
  });

  it('list each partition with its owner and its lag', () => {
    const oldest = { offset: 5, accountId: 'acc-1', takenSeconds: 1, attempt: 1 };
    // It is committed since the heartbeat.
    const done = { partition: 0, committable: 2, lagRecords: 1, lagSeconds: 1, oldest: { ...oldest, offset: 2 } };
    const partitions = [done, { partition: 1, committable: 5, lagRecords: 7, lagSeconds: 2.5, oldest }];
    const ends = new Map([...positions(3, 12)].toReversed());
    const figures = figuresAfter({ ends, committed: positions(3, 5), consumers: [aHeartbeat({ partitions })] });
    expect(figures.partitions).toEqual([
      { partition: 0, endOffset: 3, committedOffset: 3, lagRecords: 0, lagSeconds: 0, oldest: null, owner: 'a' },
      { partition: 1, endOffset: 12, committedOffset: 5, lagRecords: 7, lagSeconds: 2.5, oldest, owner: 'a' },
    ]);
    expect([figures.lagRecords, figures.lagSeconds]).toEqual([7, 2.5]);
  });

  it('have an unknown lag in seconds when a partition without an owner has lag', () => {
    expect(figuresAfter({ ends: positions(101) }).lagSeconds).toBeNull();
  });

  it('do not know the oldest record of a consumer of an earlier version', () => {
    const partitions = [{ partition: 0, committable: 5, lagRecords: 7, lagSeconds: 2.5 }];
    const consumers = [aHeartbeat({ partitions })];
    const figures = figuresAfter({ ends: positions(12), committed: positions(5), consumers });
    expect(figures.partitions?.[0]).toMatchObject({ lagSeconds: 2.5, oldest: null });
  });

  it('leave the age of records written after the last fetch unknown, and report the oldest of the rest', () => {
    const partitions = [
      { partition: 0, committable: 5, lagRecords: 0, lagSeconds: 0 },
      { partition: 1, committable: 5, lagRecords: 3, lagSeconds: 4 },
    ];
    const consumers = [aHeartbeat({ partitions })];
    const figures = figuresAfter({ ends: positions(10, 10), committed: positions(5, 5), consumers });
    expect(figures.partitions?.map(({ lagSeconds }) => lagSeconds)).toEqual([null, 4]);
    expect(figures.lagSeconds).toBe(4);
  });

  it('list a consumer without heartbeats, without figures', () => {
    const silent = aHeartbeat({ _id: 'b', name: 'consumer-2', ageMs: 6_000, state: 'silent' });
    const figures = figuresAfter({ consumers: [silent, aHeartbeat()] });
    expect(figures.inFlight).toBe(10);
    expect(figures.consumers).toMatchObject([
      { id: 'a', inFlight: 10, silentSeconds: 0.3, state: 'ready' },
      { id: 'b', state: 'silent', inFlight: null, ratePerSecond: null, partitions: null, silentSeconds: 6 },
    ]);
  });

  it.each([
    [
      'Kafka',
      { ends: null, committed: null, deadLetters: 4 },
      { producedPerSecond: null, savedPerSecond: 0, lagRecords: null, lagSeconds: null, secondsToDrain: null },
      { partitions: null, deadLetters: 4 },
    ],
    [
      'MongoDB',
      { consumers: null, deadLetters: null },
      { producedPerSecond: 0, savedPerSecond: null },
      { inFlight: null, consumers: null, deadLetters: null },
    ],
  ])('mark only the values of an unavailable %s as unknown', (_, unknown, rates, others) => {
    expect(figuresAfter({}, unknown)).toMatchObject({ ...rates, ...others });
  });
});

describe('the state of a consumer', () => {
  const old = aHeartbeat({ ageMs: 1_800 });
  const replacement = aHeartbeat({ _id: 'b', startedAt: new Date(9), ageMs: 100, pid: 2 });
  const { state: _, ...unreported } = aHeartbeat();

  it.each(REPORTED_STATES)('is the one in its heartbeat: %s', (state) => {
    expect(statesAfter([aHeartbeat({ state })])).toEqual([state]);
  });

  it.each<[string, object[], ConsumerState[]]>([
    ['ready, after a heartbeat of a version that reports none', [unreported], ['ready']],
    ['waiting, after one with a reason', [{ ...unreported, notReadyBecause: 'suspended' }], ['waiting']],
    ['dead, as soon as a new process has its name', [old, replacement], ['dead', 'ready']],
    ['ready, while both send heartbeats', [{ ...old, ageMs: 900 }, replacement], ['ready', 'ready']],
    ['ready, beside a namesake on another host', [{ ...old, host: 'there' }, replacement], ['ready', 'ready']],
  ])('is %s', (_name, consumers, states) => {
    expect(statesAfter(consumers)).toEqual(states);
  });

  it('is `late` after two seconds without a heartbeat, and `dead` after four', () => {
    const ages = [300, 300, 300, 300, 300, 1_000, 2_000, 3_000, 4_000, 5_000].map((ageMs) => [aHeartbeat({ ageMs })]);
    const states = [6, 7, 8, 9, 10].map((count) => statesAfter(...ages.slice(0, count))?.[0]);
    expect(states).toEqual(['ready', 'ready', 'late', 'late', 'dead']);
  });

  it('is `silent`, not `dead`, when the heartbeats could not be read for some time', () => {
    const silent = [aHeartbeat({ ageMs: 20_000 })];
    expect(statesAfter([aHeartbeat()], null, silent)).toEqual(['silent']);
    expect(statesAfter([aHeartbeat()], null, silent, silent, silent, silent, silent)).toEqual(['dead']);
    const watch = new ConsumerWatch();
    for (const second of [0, 1, 2, 3, 4]) watch.add(snapshotAt(second, [aHeartbeat()]));
    expect(watch.add(snapshotAt(60, silent)).consumers?.[0]?.state).toBe('silent');
  });
});

describe('the metrics of the pipeline', () => {
  const known = {
    at: 0,
    ends: positions(100, 50),
    committed: positions(40, 50),
    consumers: [aHeartbeat(), aHeartbeat({ ageMs: GONE_AFTER_MS + 1 })],
    deadLetters: 3,
  } as PipelineSnapshot;
  const produced = [
    'pipeline_topic_records_total{partition="0"} 100',
    'pipeline_topic_records_total{partition="1"} 50',
  ];

  it.each<[string, PipelineSnapshot | undefined, string[]]>([
    [
      'are those of the newest snapshot',
      known,
      [
        ...produced,
        'pipeline_committed_records_total{partition="0"} 40',
        'pipeline_committed_records_total{partition="1"} 50',
        'pipeline_lag_records{partition="0"} 60',
        'pipeline_lag_records{partition="1"} 0',
        'pipeline_dead_letters_pending 3',
        'pipeline_consumers 1',
      ],
    ],
    [
      'leave out unknown values and values derived from them',
      { ...known, committed: null, consumers: null },
      [...produced, 'pipeline_dead_letters_pending 3'],
    ],
    ['are none of nothing', { ...known, ends: null, committed: null, consumers: null, deadLetters: null }, []],
    ['are none before the first snapshot', undefined, []],
  ])('%s, however often they are scraped', async (_, snapshot, expected) => {
    const registry = new Registry();
    exposePipeline(() => snapshot, registry);
    await registry.metrics();
    const lines = (await registry.metrics()).split('\n');
    expect(lines.filter((line) => line !== '' && !line.startsWith('#'))).toEqual(expected);
  });
});

describe('under-replicated partitions', () => {
  it('are counted by topic', async () => {
    const replicas = [1, 2, 3];
    const topics = [
      { name: 'orders.v1', partitions: [3, 2, 1].map((inSync) => ({ replicas, isr: replicas.slice(0, inSync) })) },
      { name: 'orders.v1.dead-letter', partitions: [{ replicas, isr: replicas }] },
    ];
    const admin = {
      connect: async () => undefined,
      disconnect: async () => undefined,
      fetchTopicMetadata: async () => ({ topics }),
    };
    const names = topics.map(({ name }) => name);
    const counts = new TopicReplicas({ admin: () => admin } as unknown as Kafka, names).underReplicated();
    expect(Object.fromEntries(await counts)).toEqual({ 'orders.v1': 2, 'orders.v1.dead-letter': 0 });
  });

  it('have no sample while Kafka does not answer', async () => {
    const registry = new Registry();
    const answers = [new Map([['orders.v1', 2]]), null];
    exposeReplicas(async () => answers.shift() ?? null, registry);
    expect(await registry.metrics()).toContain('pipeline_under_replicated_partitions{topic="orders.v1"} 2');
    expect(await registry.metrics()).not.toContain('pipeline_under_replicated_partitions{');
  });
});
