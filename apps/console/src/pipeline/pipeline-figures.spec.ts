import { describe, expect, it } from '@jest/globals';
import { CountedSnapshots } from './counted-snapshots.js';
import { pipelineFigures, type PipelineFigures } from './pipeline-figures.js';
import type { WatchedConsumer, WatchedSnapshot } from '../consumers/consumer-watch.js';

function consumer(id: string, finished: number, others: Partial<WatchedConsumer> = {}): WatchedConsumer {
  return {
    _id: id,
    name: id,
    host: 'here',
    pid: 1,
    startedAt: new Date(0),
    at: new Date(0),
    ageMs: 300,
    notReadyBecause: null,
    partitions: [],
    inFlight: 10,
    inFlightLimit: 100,
    inFlightSet: 100,
    ratePerSecond: 5,
    finished,
    deadLettered: 0,
    rebalances: 1,
    cpuSeconds: 1,
    machineLoad: 0.1,
    state: 'ready',
    ...others,
  };
}

function snapshot(second: number, others: Partial<WatchedSnapshot> = {}): WatchedSnapshot {
  const [ends, committed] = [new Map([[0, 100]]), new Map([[0, 100]])];
  return { at: second * 1_000, ends, committed, consumers: [], deadLetters: 0, ...others };
}

function figuresFor(...snapshots: WatchedSnapshot[]): PipelineFigures {
  const counted = new CountedSnapshots();
  return pipelineFigures(snapshots.map((each) => counted.add(each)).at(-1) ?? []);
}

describe('pipeline figures', () => {
  it('have no rates in the first snapshot, and rates over the last seconds afterwards', () => {
    const [first, second] = [snapshot(0), snapshot(1, { ends: new Map([[0, 400]]) })];
    expect(figuresFor(first).producedPerSecond).toBeNull();
    expect(figuresFor(first, second).producedPerSecond).toBe(300);
    const later = Array.from({ length: 10 }, (_, at) => snapshot(at + 2, { ends: new Map([[0, 400]]) }));
    expect(figuresFor(first, second, ...later).producedPerSecond).toBe(0);
  });

  it('count saved orders across consumers that start and stop', () => {
    const snapshots = [
      snapshot(0, { consumers: [consumer('a', 1_000_000)] }),
      snapshot(1, { consumers: [consumer('a', 1_000_100), consumer('b', 30)] }),
      snapshot(2, { consumers: [consumer('b', 80)] }),
    ];
    expect(figuresFor(...snapshots).savedPerSecond).toBe((100 + 80) / 2);
  });

  it('do not count dead letters as saved', () => {
    const snapshots = [
      snapshot(0, { consumers: [consumer('a', 10)] }),
      snapshot(1, { consumers: [consumer('a', 30, { deadLettered: 5 })] }),
    ];
    expect(figuresFor(...snapshots).savedPerSecond).toBe(15);
  });

  it('have a time to drain: 0 without lag, unknown when nothing is being saved', () => {
    const behind = { ends: new Map([[0, 700]]), committed: new Map([[0, 100]]) };
    const saving = (second: number): WatchedSnapshot =>
      snapshot(second, { ...behind, consumers: [consumer('a', 200 * second)] });
    expect(figuresFor(saving(0), saving(1)).secondsToDrain).toBe(3);
    expect(figuresFor(snapshot(0, behind), snapshot(1, behind)).secondsToDrain).toBeNull();
    expect(figuresFor(snapshot(0), snapshot(1)).secondsToDrain).toBe(0);
  });

  it('have no time to drain in the first seconds of a backlog: the rate is still that of an idle pipeline', () => {
    const behind = { ends: new Map([[0, 700]]), committed: new Map([[0, 100]]) };
    const saving = (second: number): WatchedSnapshot =>
      snapshot(second, { ...behind, consumers: [consumer('a', 200 * second)] });
    expect(figuresFor(snapshot(0, { consumers: [consumer('a', 0)] }), saving(1), saving(2)).secondsToDrain).toBeNull();
    expect(figuresFor(snapshot(0), ...[1, 6, 7].map(saving)).secondsToDrain).toBe(3);
  });

  it('have no time to drain while the consumers rebalance, and until the rates are those of afterwards', () => {
    const behind = { ends: new Map([[0, 700]]), committed: new Map([[0, 100]]) };
    const at = (second: number, state: WatchedConsumer['state']): WatchedSnapshot =>
      snapshot(second, { ...behind, consumers: [consumer('a', 200 * second, { state })] });
    const before = [at(0, 'ready'), at(1, 'rebalancing')];
    expect(figuresFor(...before).secondsToDrain).toBeNull();
    expect(figuresFor(...before, at(2, 'ready'), at(5, 'ready')).secondsToDrain).toBeNull();
    expect(figuresFor(...before, at(5, 'ready'), at(7, 'ready')).secondsToDrain).toBe(3);
    const counted = new CountedSnapshots();
    const steady = [at(0, 'ready'), at(1, 'ready')].map((each) => counted.add(each)).at(-1) ?? [];
    expect([pipelineFigures(steady).secondsToDrain, pipelineFigures(steady, true).secondsToDrain]).toEqual([3, null]);
  });

  it('have rates of the consumers over the same time as that of the pipeline, so that they add up to it', () => {
    const rates = figuresFor(
      snapshot(0, { consumers: [consumer('a', 1_000)] }),
      snapshot(1, { consumers: [consumer('a', 2_000, { ratePerSecond: 77 })] }),
      snapshot(2, { consumers: [consumer('a', 3_000), consumer('b', 400, { ratePerSecond: 99 })] }),
    );
    expect(rates.consumers?.map(({ ratePerSecond }) => ratePerSecond)).toEqual([1_000, 200]);
    expect(rates.savedPerSecond).toBe(1_200);
  });

  it('list each partition with its owner and its lag', () => {
    const partitions = [{ partition: 1, committable: 5, lagRecords: 7, lagSeconds: 2.5 }];
    const figures = figuresFor(
      snapshot(0, {
        ends: new Map([
          [1, 12],
          [0, 3],
        ]),
        committed: new Map([
          [0, 3],
          [1, 5],
        ]),
        consumers: [consumer('a', 0, { partitions })],
      }),
    );
    expect(figures.partitions).toEqual([
      { partition: 0, endOffset: 3, committedOffset: 3, lagRecords: 0, lagSeconds: 0, owner: null },
      { partition: 1, endOffset: 12, committedOffset: 5, lagRecords: 7, lagSeconds: 2.5, owner: 'a' },
    ]);
    expect([figures.lagRecords, figures.lagSeconds]).toEqual([7, 2.5]);
  });

  it('have an unknown lag in seconds when a partition without an owner has lag', () => {
    expect(figuresFor(snapshot(0, { ends: new Map([[0, 101]]) })).lagSeconds).toBeNull();
  });

  it('leave the age of records written after the last fetch unknown, and report the oldest of the rest', () => {
    const [ends, committed] = [0, 1].map((lag) => new Map([0, 1].map((partition) => [partition, 10 - 5 * lag])));
    const partitions = [
      { partition: 0, committable: 5, lagRecords: 0, lagSeconds: 0 },
      { partition: 1, committable: 5, lagRecords: 3, lagSeconds: 4 },
    ];
    const figures = figuresFor(
      snapshot(0, { ends: ends ?? null, committed: committed ?? null, consumers: [consumer('a', 0, { partitions })] }),
    );
    expect(figures.partitions?.map(({ lagSeconds }) => lagSeconds)).toEqual([null, 4]);
    expect(figures.lagSeconds).toBe(4);
  });

  it('list a consumer without heartbeats, without figures', () => {
    const figures = figuresFor(
      snapshot(0, { consumers: [consumer('b', 9, { ageMs: 6_000, state: 'silent' }), consumer('a', 9)] }),
    );
    expect(figures.inFlight).toBe(10);
    expect(figures.consumers).toMatchObject([
      { id: 'a', inFlight: 10, silentSeconds: 0.3, state: 'ready' },
      { id: 'b', state: 'silent', inFlight: null, ratePerSecond: null, partitions: null, silentSeconds: 6 },
    ]);
  });

  it('mark only the values of an unavailable server as unknown', () => {
    const withoutKafka = figuresFor(snapshot(0), snapshot(1, { ends: null, committed: null, deadLetters: 4 }));
    expect(withoutKafka).toMatchObject({
      producedPerSecond: null,
      savedPerSecond: 0,
      lagRecords: null,
      deadLetters: 4,
    });
    expect([withoutKafka.partitions, withoutKafka.lagSeconds, withoutKafka.secondsToDrain]).toEqual([null, null, null]);
    const withoutMongo = figuresFor(snapshot(0), snapshot(1, { consumers: null, deadLetters: null }));
    expect(withoutMongo).toMatchObject({ producedPerSecond: 0, savedPerSecond: null, inFlight: null, consumers: null });
    expect(withoutMongo.deadLetters).toBeNull();
  });

  it('have rates again after two snapshots with a recovered server', () => {
    const outage = Array.from({ length: 8 }, (_, at) => snapshot(at + 1, { ends: null }));
    expect(figuresFor(snapshot(0), ...outage, snapshot(9)).producedPerSecond).toBeNull();
    const back = [snapshot(9), snapshot(10, { ends: new Map([[0, 150]]) })];
    expect(figuresFor(snapshot(0), ...outage, ...back).producedPerSecond).toBe(50);
  });
});
