import { describe, expect, it } from '@jest/globals';
import { CountedSnapshots } from './counted-snapshots.js';
import { pipelineFigures } from './pipeline-figures.js';
import type { PipelineSnapshot, SeenConsumer } from './pipeline-snapshots.js';
import type { PipelineResponse } from './pipeline-response.js';

function consumer(id: string, finished: number, others: Partial<SeenConsumer> = {}): SeenConsumer {
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
    ...others,
  };
}

function look(second: number, others: Partial<PipelineSnapshot> = {}): PipelineSnapshot {
  const [ends, committed] = [new Map([[0, 100]]), new Map([[0, 100]])];
  return { at: second * 1_000, ends, committed, consumers: [], deadLetters: 0, ...others };
}

function figuresOf(...looks: PipelineSnapshot[]): PipelineResponse {
  const counted = new CountedSnapshots();
  return pipelineFigures(looks.map((each) => counted.add(each)).at(-1) ?? [], []);
}

describe('the figures of the pipeline', () => {
  it('have no rates at the first look, and those of the last seconds from then on', () => {
    const [first, second] = [look(0), look(1, { ends: new Map([[0, 400]]) })];
    expect(figuresOf(first).producedPerSecond).toBeNull();
    expect(figuresOf(first, second).producedPerSecond).toBe(300);
    const later = Array.from({ length: 10 }, (_, at) => look(at + 2, { ends: new Map([[0, 400]]) }));
    expect(figuresOf(first, second, ...later).producedPerSecond).toBe(0);
  });

  it('count what is saved over consumers that come and go', () => {
    const looks = [
      look(0, { consumers: [consumer('a', 1_000_000)] }),
      look(1, { consumers: [consumer('a', 1_000_100), consumer('b', 30)] }),
      look(2, { consumers: [consumer('b', 80)] }),
    ];
    expect(figuresOf(...looks).savedPerSecond).toBe((100 + 80) / 2);
  });

  it('do not take dead letters for saved', () => {
    const looks = [
      look(0, { consumers: [consumer('a', 10)] }),
      look(1, { consumers: [consumer('a', 30, { deadLettered: 5 })] }),
    ];
    expect(figuresOf(...looks).savedPerSecond).toBe(15);
  });

  it('say how long the rest takes: nothing where nothing is left, and unknown where nothing is saved', () => {
    const behind = { ends: new Map([[0, 700]]), committed: new Map([[0, 100]]) };
    const saving = (second: number): PipelineSnapshot =>
      look(second, { ...behind, consumers: [consumer('a', 200 * second)] });
    expect(figuresOf(saving(0), saving(1)).secondsToDrain).toBe(3);
    expect(figuresOf(look(0, behind), look(1, behind)).secondsToDrain).toBeNull();
    expect(figuresOf(look(0), look(1)).secondsToDrain).toBe(0);
  });

  it('tell each partition with its owner and its lag', () => {
    const partitions = [{ partition: 1, committable: 5, lagRecords: 7, lagSeconds: 2.5 }];
    const figures = figuresOf(
      look(0, {
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

  it('do not know how old the lag is of a partition that nobody owns', () => {
    expect(figuresOf(look(0, { ends: new Map([[0, 101]]) })).lagSeconds).toBeNull();
  });

  it('do not know how old that is which came after the last fetch of its owner, and tell the oldest of the rest', () => {
    const [ends, committed] = [0, 1].map((lag) => new Map([0, 1].map((partition) => [partition, 10 - 5 * lag])));
    const partitions = [
      { partition: 0, committable: 5, lagRecords: 0, lagSeconds: 0 },
      { partition: 1, committable: 5, lagRecords: 3, lagSeconds: 4 },
    ];
    const figures = figuresOf(
      look(0, { ends: ends ?? null, committed: committed ?? null, consumers: [consumer('a', 0, { partitions })] }),
    );
    expect(figures.partitions?.map(({ lagSeconds }) => lagSeconds)).toEqual([null, 4]);
    expect(figures.lagSeconds).toBe(4);
  });

  it('tell a consumer that is not heard of with nothing but that', () => {
    const figures = figuresOf(look(0, { consumers: [consumer('b', 9, { ageMs: 6_000 }), consumer('a', 9)] }));
    expect(figures.inFlight).toBe(10);
    expect(figures.consumers).toMatchObject([
      { id: 'a', inFlight: 10, silentSeconds: 0.3 },
      { id: 'b', inFlight: null, ratePerSecond: null, partitions: null, silentSeconds: 6 },
    ]);
  });

  it('know nothing of what is away, and the rest', () => {
    const kafkaAway = figuresOf(look(0), look(1, { ends: null, committed: null, deadLetters: 4 }));
    expect(kafkaAway).toMatchObject({ producedPerSecond: null, savedPerSecond: 0, lagRecords: null, deadLetters: 4 });
    expect([kafkaAway.partitions, kafkaAway.lagSeconds, kafkaAway.secondsToDrain]).toEqual([null, null, null]);
    const mongoAway = figuresOf(look(0), look(1, { consumers: null, deadLetters: null }));
    expect(mongoAway).toMatchObject({ producedPerSecond: 0, savedPerSecond: null, inFlight: null, consumers: null });
    expect(mongoAway.deadLetters).toBeNull();
  });

  it('have rates again once what was away has been there for two looks', () => {
    const away = Array.from({ length: 8 }, (_, at) => look(at + 1, { ends: null }));
    expect(figuresOf(look(0), ...away, look(9)).producedPerSecond).toBeNull();
    const back = [look(9), look(10, { ends: new Map([[0, 150]]) })];
    expect(figuresOf(look(0), ...away, ...back).producedPerSecond).toBe(50);
  });
});
