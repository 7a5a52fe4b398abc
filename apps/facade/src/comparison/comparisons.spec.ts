import { beforeEach, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { ManualClock, settle } from '@orders-pipeline/clock/testing';
import { LegacyTimeZone } from '#legacy/translation/legacy-time-zone.js';
import { aLegacyRecord, anOrderResponse, idOf } from '#orders/testing/an-order.js';
import { type LegacyRead, type SideName, SideUnavailableError } from '../sides/side.js';
import { StillOpenError } from '../writes/open-intents.js';
import {
  ComparisonBudget,
  type ComparisonDependencies,
  ComparisonQueue,
  type ComparisonJob,
  Comparisons,
  recheck,
} from './comparisons.js';
import { differencesOf, type Difference } from './differences.js';
import { IgnoreRules } from './ignore-rules.js';
import type { FoundMismatch } from './mismatches.js';
import { type Observation, bucketOf, percentileMs } from './observations.js';

const ZONE = new LegacyTimeZone('UTC');
const ID = idOf(7);
/** An order as the legacy system answers it, and as the query API answers it. */
const ORDER = JSON.stringify(aLegacyRecord({ number: 7 }));
const RESPONSE = anOrderResponse({ id: ID, legacy: { number: 7, filled: [] } });
const HTML = '<html>Bad gateway</html>';
const READ: LegacyRead = { capability: 'read-by-id', id: ID };

function given(text: string, status = 200) {
  return { status, contentType: 'application/json', bytes: Uint8Array.from(Buffer.from(text)) };
}

/** Returns the comparison of a read that the legacy system has answered with this body. */
function jobWith(legacy: string, status = 200): ComparisonJob {
  const answered = { side: 'legacy', answer: given(legacy, status) } as const;
  return { capability: 'read-by-id', version: 3, key: ID, read: READ, answered };
}

describe('comparisons', () => {
  /** What the sides answer when they are asked; `null`: the target does not have the order. */
  let legacy: () => Promise<string>;
  let other: () => Promise<object | null>;
  let untilReadable: (side: SideName) => Promise<void>;
  let asked: string[];
  let clock: ManualClock;
  let samples: boolean[];
  let observed: Pick<Observation, 'side' | 'failed'>[];
  let stored: FoundMismatch[];
  let store: (found: FoundMismatch) => Promise<boolean>;
  let events: string[];
  let rules: IgnoreRules;
  let isCompared: boolean;
  let dependencies: ComparisonDependencies;
  let comparisons: Comparisons;

  beforeEach(() => {
    legacy = async () => ORDER;
    other = async () => RESPONSE;
    untilReadable = async () => undefined;
    [asked, samples, observed, stored, events] = [[], [], [], [], []];
    clock = new ManualClock();
    store = async (found) => stored.push(found) > 0;
    rules = new IgnoreRules([]);
    isCompared = true;
    dependencies = {
      sides: {
        legacy: {
          read: async () => {
            asked.push('legacy');
            return given(await legacy());
          },
        },
        new: {
          reads: {
            bodies: async function* () {
              asked.push('new');
              const answer = await other();
              if (answer !== null) yield Uint8Array.from(Buffer.from(JSON.stringify(answer)));
            },
          },
        },
      } as unknown as ComparisonDependencies['sides'],
      comparer: { compare: async (pair) => differencesOf(pair, ZONE) },
      intents: {
        untilReadable: async (side) => {
          asked.push(`wait ${side}`);
          await untilReadable(side);
        },
      },
      stages: { isCompared: () => isCompared },
      observations: {
        record: ({ side, failed }) => void observed.push({ side, failed }),
        sample: (_capability, _version, matched) => void samples.push(matched),
      },
      mismatches: { store: async (found) => store(found) },
      rules: () => rules,
      metrics: {
        comparisonEnded: (_capability, outcome) => void events.push(outcome),
        comparisonDropped: (reason) => void events.push(reason),
        queuedComparisons: () => undefined,
      },
      logger: pino({ level: 'error' }, { write: (line) => events.push(line) }),
      clock,
      perSecond: 10_000,
    };
    comparisons = new Comparisons(dependencies);
  });

  async function offer(job = jobWith(ORDER)): Promise<void> {
    comparisons.offer(job);
    for (let turn = 0; turn < 5; turn += 1) await settle();
  }

  it('ask only the other side, and count equal answers', async () => {
    await offer();
    expect({ asked, samples, observed, events, stored }).toEqual({
      asked: ['new'],
      samples: [true],
      observed: [{ side: 'new', failed: false }],
      events: ['equal'],
      stored: [],
    });
  });

  it('ask both sides again once open writes are final: a write explains a missing order', async () => {
    const final = Promise.withResolvers<void>();
    let isSaved = false;
    other = async () => (isSaved ? RESPONSE : null);
    untilReadable = async () => final.promise;
    await offer();
    expect(asked).toEqual(['new', 'wait legacy', 'wait new']);
    expect(samples).toEqual([]);
    isSaved = true;
    final.resolve();
    await settle();
    expect(asked.slice(3)).toEqual(['legacy', 'new']);
    expect({ samples, stored, events }).toEqual({ samples: [true], stored: [], events: ['equal'] });
  });

  it('store what still differs, with the field, both values and both answers', async () => {
    other = async () => ({ ...RESPONSE, symbol: 'EVEN' });
    await offer();
    expect(stored).toEqual([
      {
        capability: 'read-by-id',
        version: 3,
        key: ID,
        recheck: 'differs',
        paths: [{ path: 'symbol', legacy: '"ACME"', new: '"EVEN"' }],
        legacyRaw: ORDER,
        newRaw: JSON.stringify({ ...RESPONSE, symbol: 'EVEN' }),
      },
    ]);
    expect({ samples, events }).toEqual({ samples: [false], events: ['differs'] });
  });

  it.each([
    ['was HTML once, as a sample that is equal', ORDER, RESPONSE, 'passed'],
    ['stays HTML, as a mismatch', HTML, null, 'differs'],
  ])('report a legacy answer that %s, with its code and the answer itself', async (_what, later, created, verdict) => {
    legacy = async () => later;
    other = async () => created;
    await offer(jobWith(HTML));
    expect(stored).toMatchObject([{ code: 'html', recheck: verdict, legacyRaw: HTML }]);
    expect(samples).toEqual([verdict === 'passed']);
  });

  it('decide nothing while writes are open', async () => {
    other = async () => null;
    untilReadable = async (side) => {
      if (side === 'new') throw new StillOpenError('still open');
    };
    await offer();
    expect(asked.filter((name) => name === 'wait new')).toHaveLength(5);
    expect(asked).not.toContain('legacy');
    expect({ samples, stored }).toEqual({ samples: [], stored: [] });
    expect(events).toEqual(['undecided']);
  });

  it('decide nothing about reads that are not compared any more: an order may be on one side only', async () => {
    other = async () => {
      isCompared = false;
      return null;
    };
    await offer();
    expect(asked).toContain('legacy');
    expect({ samples, stored, events }).toEqual({ samples: [], stored: [], events: ['undecided'] });
  });

  it('count a side that gives no answer as its failure, not as a mismatch', async () => {
    other = async () => {
      throw new SideUnavailableError('new', 'time-out', 'no headers');
    };
    await offer();
    await offer(jobWith('{"statusCode": 500}', 500));
    expect({ samples, stored, events, observed }).toEqual({
      samples: [],
      stored: [],
      events: ['unanswered'],
      observed: [{ side: 'new', failed: true }],
    });
  });

  it.each(['breaker-open', 'overloaded'] as const)(
    'count nothing for a side that was not asked: %s',
    async (reason) => {
      other = async () => {
        throw new SideUnavailableError('new', reason, 'it failed');
      };
      await offer();
      expect({ events, observed }).toEqual({ events: ['unanswered'], observed: [] });
    },
  );

  it('ignore what a valid rule names', async () => {
    other = async () => ({ ...RESPONSE, symbol: 'EVEN' });
    rules = new IgnoreRules([{ path: 'symbol', expires: '2027-01-31', reason: 'renamed' }]);
    await offer();
    expect(events).toEqual(['equal']);
  });

  it('leave out what is beyond the budget', async () => {
    comparisons = new Comparisons({ ...dependencies, perSecond: 0 });
    await offer();
    expect(asked).toEqual([]);
  });

  it('ask both sides for a written order', async () => {
    await offer({ capability: 'writes', version: 1, key: ID, read: READ });
    expect(asked.toSorted()).toEqual(['legacy', 'new']);
    expect(samples).toEqual([true]);
  });

  it('never wait for a side that hangs: few requests at a time, a bounded queue, and the rest is dropped', async () => {
    other = async () => new Promise(() => undefined);
    for (let at = 0; at < 3_000; at += 1) comparisons.offer(jobWith(ORDER));
    await settle();
    expect(asked).toHaveLength(4);
    expect(events.filter((event) => event === 'queue-full')).toHaveLength(2_000);
  });

  it('store a mismatch once MongoDB takes it again', async () => {
    other = async () => ({ ...RESPONSE, symbol: 'EVEN' });
    let failures = 2;
    store = async (found) => {
      if ((failures -= 1) >= 0) throw new Error('MongoDB is unavailable');
      return stored.push(found) > 0;
    };
    await offer();
    expect(stored).toEqual([]);
    await clock.advance(10_000);
    expect(stored).toHaveLength(1);
    expect(samples).toEqual([false]);
  });
});

describe('the queue of comparisons', () => {
  it('drops what has waited for more than a second: the gate is about what is answered now', () => {
    const queue = new ComparisonQueue();
    const fresh = jobWith('fresh');
    queue.add(jobWith('old'), 0);
    queue.add(jobWith('old too'), 499);
    queue.add(fresh, 500);
    let overdue = 0;
    const take = (now: number) => queue.take(now, () => (overdue += 1));
    expect(take(1_500)).toBe(fresh);
    expect(overdue).toBe(2);
    expect(take(1_500)).toBeUndefined();
    expect(queue.length).toBe(0);
  });

  it('counts no bytes of what was taken or dropped', () => {
    const queue = new ComparisonQueue();
    const large = jobWith('x'.repeat(1024 * 1024));
    for (let now = 0; now < 500_000; now += 1_000) {
      expect(queue.add(large, now)).toBe(true);
      if (now % 2_000 === 0) queue.take(now, () => undefined);
    }
  });
});

describe('the budget of comparisons', () => {
  let now: number;
  beforeEach(() => {
    now = 0;
  });

  /** Offers answers evenly. @returns how many are compared */
  function compared(budget: ComparisonBudget, perSecond: number, seconds: number): number {
    let count = 0;
    for (let nth = 0; nth < perSecond * seconds; nth += 1) {
      now += 1_000 / perSecond;
      if (budget.take()) count += 1;
    }
    return count;
  }

  it.each([
    ['all answers below it', 100, 90, 90],
    ['the same number however many answers there are', 100, 10_000, 100],
    ['nothing with 0', 0, 1_000, 0],
  ])('compares %s', (_what, limit, answers, expected) => {
    const budget = new ComparisonBudget(limit, () => now);
    compared(budget, answers, 1);
    expect(Math.round(compared(budget, answers, 10) / 10)).toBe(expected);
  });

  it('makes up for one second without answers, not for more', () => {
    const budget = new ComparisonBudget(100, () => now);
    compared(budget, 1_000, 1);
    now += 60_000;
    expect(Array.from({ length: 300 }, () => budget.take()).filter(Boolean)).toHaveLength(100);
  });
});

const PRICE: Difference = { path: '7.price', legacy: '1', new: '2' };
const missing = (number: number): Difference => ({ path: String(number), legacy: '{}' });

/** Returns what each round finds; the last one for ever. */
function rounds(...found: readonly (readonly Difference[])[]) {
  let round = -1;
  return async () => found[Math.min((round += 1), found.length - 1)] ?? [];
}

describe('the re-check of a difference', () => {
  it('finds that a write explains it: an order was missing, and is there', async () => {
    expect(await recheck([missing(7)], rounds([]))).toEqual({ verdict: 'equal' });
  });

  it('confirms a difference that is there again, and only that one', async () => {
    const found = await recheck([PRICE, missing(8)], rounds([PRICE, missing(9)]));
    expect(found).toEqual({ verdict: 'differs', differences: [PRICE] });
    expect(await recheck([missing(8)], rounds([missing(8)]))).toMatchObject({ verdict: 'differs' });
  });

  it('does not confirm orders that are missing one after another while writes go on', async () => {
    const writing = rounds([missing(8)], [missing(9)], [missing(10)], [missing(11)], []);
    expect(await recheck([missing(7)], writing)).toEqual({ verdict: 'undecided' });
  });

  it('confirms what is missing in a later round, once it stays', async () => {
    const found = await recheck([missing(7)], rounds([missing(8)], [missing(9)], [missing(9), missing(10)]));
    expect(found).toEqual({ verdict: 'differs', differences: [missing(9)] });
  });

  it('reports a field that has another value each time: no order ever changes', async () => {
    const changing = [3, 4, 5, 6].map((value) => [{ ...PRICE, legacy: String(value) }]);
    expect(await recheck([PRICE], rounds(...changing))).toEqual({
      verdict: 'differs',
      differences: [expect.objectContaining({ path: '7.price', legacy: '6', code: 'changes-between-reads' })],
    });
  });

  it('reports what passes without a write: a field that differed once, an answer that was HTML once', async () => {
    const html: Difference = { path: 'answer', code: 'html', detail: 'is HTML' };
    expect(await recheck([PRICE, missing(8)], rounds([]))).toEqual({
      verdict: 'passed',
      differences: [expect.objectContaining({ path: '7.price', code: 'changes-between-reads' })],
    });
    expect(await recheck([html], rounds([]))).toEqual({ verdict: 'passed', differences: [html] });
  });
});

function countsOf(times: readonly number[]): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const ms of times) counts[bucketOf(ms)] = (counts[bucketOf(ms)] ?? 0) + 1;
  return counts;
}

describe('percentiles of counted latencies', () => {
  it('are at most 9 % too high, and never too low', () => {
    const times = Array.from({ length: 1_000 }, (_, at) => (at + 1) / 10);
    for (const [part, exact] of [
      [0.5, 50],
      [0.99, 99],
      [1, 100],
    ] as const) {
      const found = percentileMs(countsOf(times), part) ?? 0;
      expect(found).toBeGreaterThanOrEqual(exact);
      expect(found).toBeLessThanOrEqual(exact * 1.1);
    }
  });

  it('have a bounded number of buckets, whatever the time', () => {
    const buckets = [0, 0.001, 0.1, 1e9, Number.POSITIVE_INFINITY, Number.NaN, -1].map(bucketOf);
    expect(buckets).toEqual([0, 0, 0, 144, 144, 0, 0]);
    expect(percentileMs(countsOf([1e9]), 0.99)).toBeGreaterThan(25_000);
  });

  it('are null without any time', () => {
    expect(percentileMs({}, 0.99)).toBeNull();
  });
});
