import { describe, expect, it } from '@jest/globals';
import type { ConsumerState } from '../pipeline/consumer-state.js';
import type { ScalingVerdict } from '../pipeline/pipeline-response.js';
import type { ObservedConsumer, ObservationWindow } from './observation.js';
import { PipelineChanges } from './pipeline-changes.js';
import { scalingVerdict } from './scaling.js';
import { backlogForVerdict } from './verdict-timing.js';

interface Second {
  /** What each consumer saves in it. */
  readonly each?: number;
  /** `null`: the consumers differ. */
  readonly inFlightSet?: number | 'auto' | null;
  readonly lag?: number;
}

type Uncounted = Pick<ObservedConsumer, 'name' | 'state' | 'partitions' | 'silentMs'>;

/** Simulates consumers that each save a fixed number of orders per second, observed once a second. Partition n belongs to consumer n. */
class SimulatedRun {
  readonly changes = new PipelineChanges();
  private second = 0;
  /** What each living consumer has counted. */
  private readonly counts = new Map<string, Pick<ObservedConsumer, 'saved' | 'rebalances'>>();
  /** Consumers beside the numbered ones, and those whose state differs. */
  private readonly others = new Map<string, Uncounted>();

  seconds(count: number, consumers: number, set: Second = {}): this {
    for (let second = 0; second < count; second += 1) this.observe(consumers, set);
    return this;
  }

  unknown(): this {
    this.second += 1;
    this.changes.add(undefined);
    return this;
  }

  rebalance(): this {
    for (const [id, counts] of this.counts) this.counts.set(id, { ...counts, rebalances: counts.rebalances + 1 });
    return this;
  }

  /** Sets what the following observations say about one consumer; `null`: nothing special. */
  set(id: string, state: ConsumerState | null, others: Partial<Uncounted> = {}): this {
    if (state === null) this.others.delete(id);
    else this.others.set(id, { name: id, state, partitions: [Number(id.slice(1))], silentMs: 0, ...others });
    return this;
  }

  /** The changes, as `13 s: 1 to 2, 2000 to 3800/s, 1.90 times the throughput`. @param requested the number of consumers that was requested */
  story(requested: number | null = null): string[] {
    return this.changes.list(requested).map(({ at, kind, from, to, before, after, verdict, crash }) => {
      const time = `${at / 1_000} s:`;
      if (crash !== null) return `${time} ${crash.consumer} died, reassigned after ${crash.reassignedAfterSeconds} s`;
      if (kind === 'rebalance') return `${time} rebalance`;
      const limit = from?.inFlight === to?.inFlight ? '' : ` limit ${from?.inFlight} to ${to?.inFlight}`;
      const change = `${from?.consumers} to ${to?.consumers}${limit}`;
      return `${time} ${change}, ${before} to ${after}/s, ${verdict === null ? 'measuring' : verdict.text}`;
    });
  }

  private observe(count: number, { each = 2_000, inFlightSet = 1_000, lag = 100_000 }: Second): void {
    this.second += 1;
    const numbered = Array.from({ length: count }, (_, n) => `c${n}`);
    const uncounted = new Map<string, Uncounted>(
      numbered.map((name, n) => [name, { name, state: 'ready', partitions: [n], silentMs: 0 }]),
    );
    for (const [id, consumer] of this.others) uncounted.set(id, consumer);
    const alive = [...uncounted].filter(([, { state }]) => state !== 'dead').map(([id]) => id);
    for (const id of this.counts.keys()) if (!alive.includes(id)) this.counts.delete(id);
    for (const id of alive) {
      const { saved, rebalances } = this.counts.get(id) ?? { saved: 0, rebalances: 1 };
      this.counts.set(id, { saved: saved + each, rebalances });
    }
    const heartbeat = { heartbeatAt: this.second * 1_000, cpuSeconds: this.second * 0.2, saved: 0, rebalances: 0 };
    const consumers = [...uncounted].map(
      ([id, consumer]) => [id, { ...consumer, ...heartbeat, ...this.counts.get(id) }] as const,
    );
    const inFlightLimit = alive.length * (inFlightSet === 'auto' ? 5_000 : (inFlightSet ?? 750));
    this.changes.add({
      at: this.second * 1_000,
      consumers: new Map(consumers),
      partitions: 12,
      inFlight: Math.min(lag, inFlightLimit),
      inFlightLimit,
      lagRecords: lag,
      inFlightSet,
      machineLoad: 0.5,
    });
  }
}

/** Returns a run whose consumers have been the same for twelve seconds, so that a change can be compared with them. */
function settled(consumers: number, set: Second = {}): SimulatedRun {
  return new SimulatedRun().seconds(12, consumers, set);
}

const [IDLE, FEW] = [{ each: 0, lag: 0 }, { lag: 500 }];

describe('the changes of a pipeline', () => {
  it.each<[string, SimulatedRun, string[]]>([
    ['are none without a change', settled(2).seconds(18, 2), []],
    ['are a scaling at once', settled(1).seconds(2, 2), ['13 s: 1 to 2, 2000 to null/s, measuring']],
    [
      'have a verdict once it has settled',
      settled(1).seconds(2, 2).seconds(11, 2, { each: 1_900 }),
      ['13 s: 1 to 2, 2000 to 3800/s, 1.90 times the throughput'],
    ],
    [
      'merge scalings in a row',
      settled(1).seconds(3, 2).seconds(3, 3).seconds(15, 4),
      ['13 s: 1 to 4, 2000 to 8000/s, 4.00 times the throughput'],
    ],
    [
      'have a step back',
      settled(1).seconds(9, 3).seconds(4, 1),
      ['13 s: 1 to 3, 2000 to null/s, no verdict: changed again after 9 s', '22 s: 3 to 1, 6000 to null/s, measuring'],
    ],
    [
      'judge the step back',
      settled(1).seconds(9, 3).seconds(13, 1),
      [
        '13 s: 1 to 3, 2000 to null/s, no verdict: changed again after 9 s',
        '22 s: 3 to 1, 6000 to 2000/s, 0.33 times the throughput, slower, as expected with less capacity',
      ],
    ],
    [
      'do not compare with what had not settled',
      settled(1).seconds(4, 3).seconds(20, 1),
      [
        '13 s: 1 to 3, 2000 to null/s, no verdict: changed again after 4 s',
        '17 s: 3 to 1, null to null/s, no verdict: the configuration before ran too short to be compared with',
      ],
    ],
    [
      'have a second limit',
      new SimulatedRun().seconds(4, 2).seconds(4, 2, { inFlightSet: 500 }).seconds(4, 2),
      [
        '5 s: 2 to 2 limit 1000 to 500, 4000 to null/s, no verdict: changed again after 4 s',
        '9 s: 2 to 2 limit 500 to 1000, null to null/s, measuring',
      ],
    ],
    [
      'have no limit while the consumers differ',
      new SimulatedRun().seconds(4, 2).seconds(1, 2, { inFlightSet: null }),
      [],
    ],
    [
      'have a limit once the consumers no longer differ',
      new SimulatedRun().seconds(4, 2).seconds(1, 2, { inFlightSet: null }).seconds(1, 2, { inFlightSet: 500 }),
      ['6 s: 2 to 2 limit 1000 to 500, 4000 to null/s, measuring'],
    ],
    [
      'judge a change of the limit',
      settled(1).seconds(12, 1, { inFlightSet: 500, each: 1_000 }),
      [
        '13 s: 1 to 1 limit 1000 to 500, 2000 to 1000/s, 0.50 times the throughput, slower, as expected with less capacity',
      ],
    ],
    ['are none of an automatic limit', new SimulatedRun().seconds(30, 1, { inFlightSet: 'auto' }), []],
    ['are a rebalance', new SimulatedRun().seconds(5, 2).rebalance().seconds(3, 2), ['6 s: rebalance']],
    [
      'are a scaling and a later rebalance',
      settled(2).seconds(12, 3).rebalance().seconds(3, 3),
      ['13 s: 2 to 3, 4000 to 6000/s, 1.50 times the throughput', '25 s: rebalance'],
    ],
    [
      'do not have the rebalance that a scaling causes',
      new SimulatedRun().seconds(9, 2).seconds(2, 3).rebalance().seconds(3, 3),
      ['10 s: 2 to 3, 4000 to null/s, measuring'],
    ],
    [
      'have no verdict, and no rates, when there is too little work',
      settled(1, FEW).seconds(13, 2, FEW),
      [
        '13 s: 1 to 2, null to null/s, no verdict: before the change there was too little to save; generate orders first',
      ],
    ],
    [
      'use the seconds until the backlog ends: at least four',
      settled(3, { each: 4_000 }).seconds(9, 1, { each: 4_000 }).seconds(1, 1, { each: 100, lag: 0 }),
      ['13 s: 3 to 1, 12000 to 4000/s, 0.33 times the throughput, slower, as expected with less capacity'],
    ],
    [
      'have no rate when the backlog ends sooner',
      settled(3).seconds(6, 1).seconds(12, 1, { each: 20, lag: 0 }),
      ['13 s: 3 to 1, 6000 to null/s, no verdict: after the change the backlog lasted 2 s, a verdict needs 4 s'],
    ],
    [
      'count draining consumers as gone: a drain is not the time before',
      settled(3)
        .set('c1', 'draining')
        .set('c2', 'draining')
        .seconds(3, 3, { each: 100 })
        .set('c1', null)
        .set('c2', null)
        .seconds(13, 1),
      ['13 s: 3 to 1, 6000 to 2000/s, 0.33 times the throughput, slower, as expected with less capacity'],
    ],
    ['are none for an unknown snapshot', settled(2).unknown().unknown().seconds(3, 2), []],
    [
      'compare with the time since there is enough work',
      new SimulatedRun().seconds(8, 1, IDLE).seconds(2, 1, { each: 700 }).seconds(4, 1).seconds(12, 2),
      ['15 s: 1 to 2, 2000 to 4000/s, 2.00 times the throughput'],
    ],
    [
      'have no verdict soon after there was nothing to save',
      new SimulatedRun().seconds(8, 1, IDLE).seconds(3, 1).seconds(12, 2),
      [
        '12 s: 1 to 2, null to null/s, no verdict: before the change there was too little to save; generate orders first',
      ],
    ],
    [
      'keep a verdict for an hour',
      settled(1).seconds(3_590, 2),
      ['13 s: 1 to 2, 2000 to 4000/s, 2.00 times the throughput'],
    ],
  ])('%s', (_, run, story) => {
    expect(run.story()).toEqual(story);
  });

  it('have the requested number of consumers from the first one on that starts or drains', () => {
    const run = settled(1).seconds(1, 2);
    const [three, two] = ['13 s: 1 to 3, 2000 to null/s, measuring', '13 s: 1 to 2, 2000 to null/s, measuring'];
    expect([3, null, 1, 2].flatMap((requested) => run.story(requested))).toEqual([three, two, two, two]);
    const judged = '13 s: 1 to 2, 2000 to 4000/s, 2.00 times the throughput';
    expect(run.seconds(12, 2).story(3)).toEqual([judged]);
    expect(run.seconds(1, 1).story(3)).toEqual([judged, '26 s: 2 to 1, 4000 to null/s, measuring']);
  });

  it('are none while the consumers of a new pipeline start one after another', () => {
    const run = new SimulatedRun().seconds(5, 0).set('c0', 'starting', { partitions: [] }).seconds(2, 1);
    run.set('c1', 'starting', { partitions: [] }).seconds(1, 2).set('c0', null).set('c1', null).seconds(20, 4);
    expect(run.story()).toEqual([]);
    expect(run.seconds(1, 3).story()).toEqual(['29 s: 4 to 3, 8000 to null/s, measuring']);
  });

  it('have no verdict after a minute in which the pipeline did not settle', () => {
    const run = settled(1);
    for (let turn = 0; turn < 20; turn += 1) run.seconds(4, 2).rebalance();
    const text = expect.stringMatching(/did not settle within a minute/);
    expect(run.changes.list()[0]?.verdict).toEqual({ outcome: 'unknown', factor: null, bound: null, text });
  });

  it('are at most 50, of the last hour', () => {
    const run = settled(1).seconds(3_590, 2);
    for (let turn = 0; turn < 60; turn += 1) run.rebalance().seconds(1, 2);
    expect(run.changes.list().map(({ kind }) => kind)).toEqual(Array.from({ length: 20 }, () => 'rebalance'));
  });
});

/** Consumer c2 of three dies; a new process replaces it two seconds later, and gets its partition after nine seconds. */
function crashed(before = settled(3)): SimulatedRun {
  const run = before.set('c2', 'dead').seconds(2, 3).set('c9', 'rebalancing', { name: 'c2', partitions: [] });
  run.set('c0', 'rebalancing').set('c1', 'rebalancing').seconds(7, 3, { each: 0 }).set('c0', null).set('c1', null);
  return run
    .set('c9', 'ready', { name: 'c2', partitions: [2] })
    .rebalance()
    .seconds(2, 3);
}

describe('a crash', () => {
  const DIED = '13 s: c2 died, reassigned after 9 s';

  it('is one change: neither the replacement nor the rebalances are another', () => {
    const run = crashed();
    const crash = { consumer: 'c2', partitions: 1, reassignedAfterSeconds: 9, hasReturned: false };
    expect(run.changes.list()).toMatchObject([{ kind: 'crash', at: 13_000, crash, from: null, verdict: null }]);
    expect(run.set('c2', null).seconds(60, 2).story()).toEqual([DIED]);
  });

  it('begins with the last heartbeat, not when it is noticed', () => {
    const run = settled(3).set('c2', 'late').seconds(3, 3).set('c2', 'dead', { silentMs: 4_000 }).seconds(5, 3);
    run.set('c1', 'ready', { partitions: [1, 2] }).seconds(1, 3);
    expect(run.story()).toEqual(['12 s: c2 died, reassigned after 9 s']);
  });

  it('does not change how many consumers are configured', () => {
    const run = new SimulatedRun();
    expect(run.changes.configuredConsumers).toBeNull();
    run.seconds(12, 3).set('c2', 'dead').seconds(2, 3);
    expect(run.changes.configuredConsumers).toBe(3);
    run.set('c9', 'starting', { name: 'c2', partitions: [] }).seconds(2, 3);
    expect(run.changes.configuredConsumers).toBe(3);
    run.set('c9', 'draining').seconds(1, 3);
    expect(run.changes.configuredConsumers).toBe(2);
  });

  it('disturbs the figures until some seconds after its partitions are assigned', () => {
    const run = crashed();
    expect(run.changes.isDisturbed(24_000)).toBe(true);
    run.seconds(6, 3);
    expect(run.changes.isDisturbed(30_000)).toBe(false);
  });

  it('delays the verdict that is due, which then compares with the replaced consumer', () => {
    const run = crashed(settled(1).seconds(8, 3));
    expect(run.story()).toEqual(['13 s: 1 to 3, 2000 to null/s, measuring', '21 s: c2 died, reassigned after 9 s']);
    expect(run.seconds(20, 3).story()).toEqual([
      '13 s: 1 to 3, 2000 to 6000/s, 3.00 times the throughput; c2 died while it was being measured',
      '21 s: c2 died, reassigned after 9 s',
    ]);
  });

  it('leaves a verdict as it is, even if it was given a moment before', () => {
    const scaled = settled(1).seconds(11, 3);
    expect(scaled.changes.list()[0]?.verdict).toBeNull();
    const [verdict] = scaled.seconds(1, 3).story();
    expect(verdict).toContain('3.00 times the throughput');
    expect(crashed(scaled).seconds(20, 3).story()).toEqual([verdict, expect.stringContaining('c2 died')]);
  });

  it('is awaited while heartbeats are late: no verdict is given on figures that lack them', () => {
    const run = settled(1).seconds(8, 3).set('c2', 'late').seconds(10, 3, { each: 1_800 });
    expect(run.story()).toEqual(['13 s: 1 to 3, 2000 to null/s, measuring']);
    expect(run.set('c2', null).seconds(1, 3).story()).toEqual([
      '13 s: 1 to 3, 2000 to 5600/s, 2.80 times the throughput',
    ]);
  });

  it('is the reason for no verdict when the pipeline does not settle', () => {
    const run = settled(1).seconds(8, 3).set('c2', 'dead').set('c0', 'rebalancing').seconds(60, 3);
    expect(run.story()[0]).toMatch(/did not settle within a minute; c2 died while it was being measured/);
  });

  it('of the only consumer changes neither the number nor the limit, and does not delay later verdicts for ever', () => {
    const run = settled(1).set('c0', 'dead').seconds(90, 1);
    expect(run.story()).toEqual(['13 s: c0 died, reassigned after null s']);
    expect(run.changes.isDisturbed(103_000)).toBe(false);
  });

  it('was none if the consumer sends heartbeats again', () => {
    const run = settled(3).set('c2', 'dead').seconds(6, 3).set('c2', null).seconds(30, 3);
    expect(run.changes.list()).toMatchObject([{ kind: 'crash', crash: { hasReturned: true } }]);
  });
});

describe('the verdict on a scaling', () => {
  const one: ObservationWindow = {
    seconds: 8,
    consumers: 1,
    partitions: 12,
    inFlightLimit: 1_000,
    isAuto: false,
    savedPerSecond: 2_000,
    used: 0.98,
    hadWork: true,
    consumerCores: 0.3,
    machineLoad: 0.4,
  };
  const two = { ...one, consumers: 2, inFlightLimit: 2_000 };
  const auto = { isAuto: true, inFlightLimit: 9_000 };

  it.each<[string, Partial<ObservationWindow>, ScalingVerdict['outcome'], string, ScalingVerdict['bound']]>([
    ['a gain', { savedPerSecond: 3_800 }, 'faster', '1.90 times the throughput', null],
    [
      'a gain and its limit',
      { savedPerSecond: 2_800, machineLoad: 0.97 },
      'faster',
      '1.40 times the throughput; now bound by CPU',
      'cpu',
    ],
    ['a gain of an automatic limit', { ...auto, savedPerSecond: 3_900 }, 'faster', '1.95 times the throughput', null],
    ['a slowdown', { savedPerSecond: 1_500 }, 'slower', '0.75 times the throughput, slower', 'database'],
    [
      'no gain when some consumers have no partition',
      { consumers: 13 },
      'no-gain',
      '1.02 times the throughput, no gain: bound by ',
      'partitions',
    ],
    [
      'no gain when a consumer uses its one thread',
      { consumerCores: 0.97 },
      'no-gain',
      '1.02 times the throughput, no gain: bound by ',
      'cpu',
    ],
    [
      'no gain when the machine is busy',
      { machineLoad: 0.96 },
      'no-gain',
      '1.02 times the throughput, no gain: bound by ',
      'cpu',
    ],
    [
      'no gain when the limit is not used up',
      { used: 0.4 },
      'no-gain',
      '1.02 times the throughput, no gain: bound by ',
      'keys',
    ],
    ['no gain when nothing else is busy', {}, 'no-gain', '1.02 times the throughput, no gain: bound by ', 'database'],
  ])('reports %s', (_, after, outcome, text, bound) => {
    const before = { ...one, isAuto: after.isAuto ?? false };
    const verdict = scalingVerdict(before, { ...two, savedPerSecond: 2_040, ...after });
    expect(verdict).toMatchObject({ outcome, bound, text: expect.stringContaining(text) });
  });

  it.each([
    [2_000, '0.50 times the throughput, slower, as expected with less capacity'],
    [3_900, '0.97 times the throughput, as fast as before with less capacity'],
  ])('expects no gain from less capacity: %d/s', (savedPerSecond, text) => {
    expect(scalingVerdict({ ...two, savedPerSecond: 4_000 }, { ...one, savedPerSecond }).text).toBe(text);
  });

  it('is unknown when nothing was saved before', () => {
    const verdict = scalingVerdict({ ...one, savedPerSecond: 0 }, { ...two, savedPerSecond: 500 });
    expect(verdict).toMatchObject({ outcome: 'unknown', factor: null, bound: null });
  });

  it.each([
    [{ to: 4 }, 16_000 + 56_000 + 8_000],
    [{ savedPerSecond: 4_000, to: 4 }, 160_000],
    // Fewer consumers may be as fast.
    [{ savedPerSecond: 17_751, from: 3, inFlightLimit: 18_000 }, 190_000],
    [{ savedPerSecond: 0, to: 2, inFlightLimit: 0 }, 0],
  ])('needs a backlog that grows with the rate, the consumers and the orders in flight: %j', (change, orders) => {
    expect(backlogForVerdict({ savedPerSecond: 2_000, from: 1, to: 1, inFlightLimit: 1_000, ...change })).toBe(orders);
  });
});
