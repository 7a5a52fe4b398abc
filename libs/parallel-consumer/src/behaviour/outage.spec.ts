import { describe, expect, it } from '@jest/globals';
import { pause } from '@orders-pipeline/clock';
import { ManualClock, settle } from '@orders-pipeline/clock/testing';
import type { RecordHandler } from '../attempts/record-handler.js';
import type { FailureKind } from '../failures/failure.js';
import type { ParallelConsumerOptions } from '../options.js';
import { consuming } from './gated-consumer.js';

const HOUR_MS = 3_600_000;
const IN_FLIGHT = 30;
const RECORDS = 100;

class KindError extends Error {
  constructor(readonly kind: FailureKind) {
    super(`a failure of the kind ${kind}`);
  }
}

const unavailable = new KindError('environment');
const refuse = () => Promise.reject(unavailable);
const classify = (error: unknown): FailureKind => (error instanceof KindError ? error.kind : 'environment');

/** Starts a consumer whose handler needs a dependency that fails, or hangs, until it is repaired. */
async function consumingDuringOutage(
  fail: (call: number, signal: AbortSignal) => Promise<void>,
  options: Partial<ParallelConsumerOptions> = {},
) {
  let calls = 0;
  let unfinished = 0;
  let isAvailable = false;
  const handler: RecordHandler = async (_, { signal }) => {
    calls += 1;
    if (isAvailable) return;
    unfinished += 1;
    await fail(calls - 1, signal).finally(() => {
      unfinished -= 1;
    });
  };
  const started = await consuming(
    { handler, classify, inFlight: IN_FLIGHT, commitIntervalMs: 60_000, ...options },
    (topic) => {
      for (let number = 0; number < RECORDS; number += 1) topic.append(number % 2, `key-${number}`, `r${number}`);
    },
  );
  const repair = (): void => {
    isAvailable = true;
  };
  return { ...started, repair, unfinished: () => unfinished };
}

describe('a dependency that hangs for an hour', () => {
  it.each<[string, (call: number, signal: AbortSignal) => Promise<void>]>([
    ['ignores its signal', () => new Promise(() => undefined)],
    ['ends by its signal', async (_, signal) => pause(new ManualClock(), HOUR_MS, signal)],
  ])(
    'costs no record, and no more than one further call for each time limit, with a handler that %s',
    async (_, hanging) => {
      const defaults = { classify: undefined } as unknown as Partial<ParallelConsumerOptions>;
      const { clock, consumer, letters, repair, unfinished } = await consumingDuringOutage(hanging, defaults);
      await clock.advance(HOUR_MS);
      expect(letters()).toEqual([]);
      expect(consumer.status).toMatchObject({ finished: 0, suspendedBecause: 'environment' });
      expect(unfinished()).toBeLessThanOrEqual(IN_FLIGHT + HOUR_MS / 305_000);
      repair();
      await clock.advance(600_000);
      expect(consumer.status).toMatchObject({ finished: RECORDS, deadLettered: 0, ready: true });
    },
  );

  it.each([
    ['all calls hang', () => true],
    ['every second call hangs', (call: number) => call % 2 === 0],
  ])('holds at most twice the in-flight limit when abandoned attempts are retried and %s', async (_, hangs) => {
    const started: (() => void)[] = [];
    const hanging = (call: number) =>
      hangs(call) ? new Promise<void>((resolve) => void started.push(resolve)) : Promise.resolve();
    const { clock, consumer, unfinished } = await consumingDuringOutage(hanging, {
      classify: () => 'retriable',
      maxAttempts: 1_000,
      inFlight: 4,
      attemptTimeoutMs: 10_000,
    });
    await clock.advance(200_000);
    // Beyond the limit, one attempt at a time, and one for each of them within 200 s.
    expect(unfinished()).toBeLessThanOrEqual(8 + 200_000 / 15_000);
    expect(unfinished()).toBeGreaterThanOrEqual(8);
    expect(consumer.status).toMatchObject({ inFlight: 1, inFlightBound: 'limit' });
    for (const end of started.splice(0)) end();
    await settle();
    expect(consumer.status.inFlight).toBeGreaterThanOrEqual(3);
  });
});

describe('an outage that was recognised once', () => {
  it.each<[string, (call: number, minute: number) => FailureKind]>([
    [
      'errors of three kinds in turn',
      (call) => (['environment', 'retriable', 'poison'] as const)[call % 3] ?? 'poison',
    ],
    [
      'errors of one kind after another',
      (_, minute) => (minute < 1 ? 'environment' : minute < 30 ? 'retriable' : 'poison'),
    ],
    ['one error of the environment, and retriable ones', (call) => (call === 0 ? 'environment' : 'retriable')],
  ])('dead-letters no good record in an hour of %s', async (_, kindOf) => {
    const clockOf: { current?: ManualClock } = {};
    const minute = () => (clockOf.current?.now() ?? 0) / 60_000;
    const failing = (call: number) => Promise.reject(new KindError(kindOf(call, minute())));
    const { clock, consumer, letters, repair } = await consumingDuringOutage(failing, { maxAttempts: 2 });
    clockOf.current = clock;
    await clock.advance(HOUR_MS);
    expect(letters()).toEqual([]);
    expect(consumer.status).toMatchObject({ finished: 0, ready: false, suspendedBecause: 'environment' });
    repair();
    await clock.advance(60_000);
    expect(consumer.status).toMatchObject({ finished: RECORDS, deadLettered: 0, ready: true });
  });

  it('does not count the failures of attempts that it met, also in the turn in which it begins', async () => {
    const { clock, gate, consumer, letters } = await consuming({ classify, maxAttempts: 1 }, (topic) => {
      for (const name of ['a', 'b', 'c', 'd']) topic.append(0, name, name);
    });
    void gate.fail('a', new KindError('poison'));
    await gate.fail('b', unavailable);
    await gate.fail('c', new KindError('retriable'));
    await clock.advance(200);
    for (const name of ['a', 'b', 'c']) await gate.end(name);
    // It began before the outage, and fails after it.
    await gate.fail('d', new KindError('retriable'));
    await gate.end('d');
    for (const name of ['a', 'b', 'c']) await gate.end(name);
    expect(letters()).toEqual([]);
    expect(consumer.status).toMatchObject({ finished: 4, retries: 0, ready: true });
    expect(gate.attempts('d').map(({ number }) => number)).toEqual([1, 1]);
  });

  it('does not begin again by an attempt that began before it', async () => {
    const { clock, gate, consumer, log } = await consuming({ classify }, (topic) => {
      for (const name of ['a', 'b']) topic.append(0, name, name);
    });
    await gate.fail('a', unavailable);
    await clock.advance(200);
    await gate.end('a');
    expect(consumer.status.ready).toBe(true);
    await gate.fail('b', unavailable);
    expect(consumer.status.ready).toBe(true);
    expect(gate.attempts('b')).toHaveLength(2);
    expect(log.matching(/dependency unavailable/)).toHaveLength(1);
  });

  it('does not begin by an attempt of a revoked partition', async () => {
    const { broker, gate, consumer } = await consuming({ classify, drainTimeoutMs: 0 }, (topic) =>
      topic.append(0, 'a', 'aborted'),
    );
    await broker.group.rebalance([[1]]);
    await gate.fail('aborted', unavailable);
    expect(consumer.status).toMatchObject({ ready: true, taken: 0, inFlight: 0 });
  });
});

describe('a failed probe', () => {
  it.each(['retriable', 'poison'] as const)(
    'of the kind %s keeps the consumer suspended, and the next one takes another record',
    async (kind) => {
      const { clock, gate, consumer, letters, log } = await consuming(
        { classify, inFlight: 1, maxAttempts: 1 },
        (topic) => {
          for (const name of ['bad', 'worse', 'good']) topic.append(0, name, name);
        },
      );
      await gate.fail('bad', unavailable);
      // The window has room for two records: it must not be blocked by bad ones.
      for (const name of ['worse', 'bad', 'worse', 'bad', 'worse']) {
        await clock.advance(5_000);
        await gate.fail(name, new KindError(kind));
      }
      expect(gate.started).toContain('good');
      expect(consumer.status).toMatchObject({ ready: false, retries: 0, inFlight: 1 });
      expect(letters()).toEqual([]);
      expect(log.matching(/still suspended: a probe failed/)[0]).toMatchObject({
        offset: 1,
        kind,
        reason: `a failure of the kind ${kind}`,
      });
      await gate.end('good');
      expect(consumer.status.ready).toBe(true);
      for (const name of ['bad', 'worse', 'bad']) await gate.fail(name, new KindError(kind));
      expect(new Set(letters().map(({ value }) => value))).toEqual(new Set(['bad', 'worse']));
    },
  );

  it('of the only record is repeated with it', async () => {
    const { clock, gate, consumer } = await consuming({ classify }, (topic) => topic.append(0, 'a', 'a'));
    await gate.fail('a', unavailable);
    for (let probe = 0; probe < 3; probe += 1) {
      await clock.advance(5_000);
      await gate.fail('a', new KindError('retriable'));
    }
    await clock.advance(5_000);
    await gate.end('a');
    expect(gate.attempts('a').map(({ number }) => number)).toEqual([1, 1, 1, 1, 1]);
    expect(consumer.status).toMatchObject({ finished: 1, ready: true });
  });

  it('dead-letters its record once the consumer has been suspended for suspensionDeadLetterMs', async () => {
    const options = { suspensionDeadLetterMs: 600_000, environmentBackOff: { initialMs: 5_000, maxMs: 5_000 } };
    const { clock, consumer, letters, repair } = await consumingDuringOutage(refuse, options);
    await clock.advance(599_000);
    expect(letters()).toEqual([]);
    await clock.advance(60_000);
    expect(letters()).toHaveLength(12);
    expect(consumer.status).toMatchObject({ deadLettered: 12, suspendedBecause: 'environment' });
    repair();
    await clock.advance(10_000);
    expect(consumer.status).toMatchObject({ finished: RECORDS, deadLettered: 12, ready: true });
  });

  it("stops the consumer after suspensionDeadLetterMs with onDeadLetter: 'stop'", async () => {
    const options = { suspensionDeadLetterMs: 60_000, onDeadLetter: 'stop' as const };
    const { clock, consumer } = await consumingDuringOutage(refuse, options);
    await clock.advance(59_000);
    expect(consumer.status.state).toBe('running');
    await clock.advance(10_000);
    expect(consumer.status.state).toBe('failed');
  });
});
