import { describe, expect, it } from '@jest/globals';
import { anAttempt } from '../testing/an-attempt.js';
import { ManualClock, settle } from '@orders-pipeline/clock/testing';
import * as fc from 'fast-check';
import type { RecordHandler } from '../attempts/record-handler.js';
import { DEAD_LETTER_HEADERS } from '../attempts/dead-letter.js';
import type { FailureKind } from '../failures/failure.js';
import { ParallelConsumer } from '../parallel-consumer.js';
import type { ConsumedRecord } from '../records/record.js';
import { FakeBroker } from '../testing/fake-broker.js';
import { FakeKafka } from '../testing/fake-kafka.js';
import { RETRY_HEADERS, retryTopics } from './retry-topics.js';

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
const STEPS = [
  { topic: 'retry-1m', delayMs: 60_000 },
  { topic: 'retry-10m', delayMs: 600_000 },
];
const ATTEMPTS = 2;

class CodedError extends Error {
  constructor(readonly code: FailureKind) {
    super(`failed: ${code}`);
  }
}

const classify = (error: unknown): FailureKind => (error instanceof CodedError ? error.code : 'retriable');

/** Consumes `in` with two retry topics. */
class World {
  readonly kafka = new FakeKafka();
  readonly clock = new ManualClock();
  readonly handled: { readonly topic: string; readonly value: string; readonly afterMs: number }[] = [];
  private readonly members: { readonly consumer: ParallelConsumer; readonly broker: FakeBroker }[] = [];

  /** @param fail throws the failure of an attempt */
  constructor(private readonly fail: (value: string, record: ConsumedRecord) => void) {
    this.kafka.createTopic('in', 3);
    for (const { topic } of STEPS) this.kafka.createTopic(topic, 2);
    this.kafka.createTopic('dead', 3);
  }

  async start(): Promise<void> {
    const topics = ['in', ...STEPS.map(({ topic }) => topic)];
    const inner = new FakeBroker(this.kafka, { topic: topics, groupId: 'group', clock: this.clock });
    const handle: RecordHandler = async (record) => {
      const { topic, timestamp } = record;
      const value = String(record.value);
      this.handled.push({ topic, value, afterMs: this.clock.now() - timestamp });
      this.fail(value, record);
    };
    const options = { steps: STEPS, attempts: ATTEMPTS, classify, clock: this.clock };
    const { broker, handler } = retryTopics(inner, handle, options);
    const others = {
      deadLetterTopic: 'dead',
      clock: this.clock,
      logger: quiet,
      random: () => 1,
      commitIntervalMs: 5_000,
    };
    const consumer = new ParallelConsumer({ handler, classify, maxAttempts: ATTEMPTS, ...others }, broker);
    this.members.push({ consumer, broker: inner });
    await consumer.start();
  }

  /** Lets some time pass, in which all members fetch. */
  async pass(ms: number): Promise<void> {
    for (const { broker } of this.members) await broker.fetch();
    await this.clock.advance(ms);
    for (const { broker } of this.members) await broker.fetch();
    await this.clock.advance(5_000);
  }

  failPublishing(fails: boolean): void {
    for (const { broker } of this.members) broker.failing = fails ? { publish: new Error('no leader') } : {};
  }

  async crash(): Promise<void> {
    const { consumer, broker } = this.members.shift() ?? {};
    broker?.kill();
    const stopped = consumer?.stop();
    await this.clock.advance(60_000);
    await stopped;
  }

  async stop(): Promise<void> {
    const stopped = this.members.map(async ({ consumer }) => consumer.stop());
    await settle();
    await this.clock.advance(60_000);
    await Promise.all(stopped);
  }

  dead(): ConsumedRecord[] {
    return this.kafka.records('dead');
  }
}

const DONE: RecordHandler = async () => undefined;
const STEP = { topic: 'retry-1m', delayMs: 1 };

function idleBroker(): FakeBroker {
  return new FakeBroker(new FakeKafka(), { topic: ['in', 'retry-1m'], groupId: 'group' });
}

describe('retry topics', () => {
  it('try a record in each topic after its delay, and dead-letter it with its first origin', async () => {
    const world = new World(() => {
      throw new CodedError('retriable');
    });
    world.kafka.append('in', 2, 'key', 'bad', { timestamp: 0, headers: { mine: Buffer.from('kept') } });
    await world.start();
    for (let turn = 0; turn < 4; turn += 1) await world.pass(60_000);
    for (let turn = 0; turn < 4; turn += 1) await world.pass(600_000);
    expect(world.handled.map(({ topic }) => topic)).toEqual(
      ['in', ...STEPS.map(({ topic }) => topic)].flatMap((topic) => [topic, topic]),
    );
    for (const { topic, delayMs } of STEPS)
      for (const attempt of world.handled.filter((each) => each.topic === topic))
        expect(attempt.afterMs).toBeGreaterThanOrEqual(delayMs);
    const [letter, ...others] = world.dead();
    expect(others).toEqual([]);
    expect(texts(letter)).toMatchObject({
      mine: 'kept',
      [RETRY_HEADERS.topic]: 'in',
      [RETRY_HEADERS.partition]: '2',
      [RETRY_HEADERS.offset]: '0',
      [RETRY_HEADERS.errorCode]: 'retriable',
      [RETRY_HEADERS.attempts]: '4',
      [DEAD_LETTER_HEADERS.topic]: 'retry-10m',
      [DEAD_LETTER_HEADERS.attempts]: '2',
    });
    expect(String(letter?.key)).toBe('key');
    await world.stop();
  });

  it('keep repeated and null headers on the way to the dead letters, and each own header once', async () => {
    const world = new World(() => {
      throw new CodedError('retriable');
    });
    const headers = { trace: ['a', 'b'], none: null, [DEAD_LETTER_HEADERS.topic]: ['old', 'older'] };
    world.kafka.produce('in', { partition: 0, key: null, value: Buffer.from('bad'), headers });
    await world.start();
    for (let turn = 0; turn < 4; turn += 1) await world.pass(60_000);
    for (let turn = 0; turn < 4; turn += 1) await world.pass(600_000);
    const [letter] = world.dead();
    const list = letter?.headerList?.map(([name, value]) => [name, value && String(value)]) ?? [];
    expect(list.slice(0, 3)).toEqual([
      ['trace', 'a'],
      ['trace', 'b'],
      ['none', null],
    ]);
    const own = list.slice(3).map(([name]) => name);
    expect(own).toHaveLength(new Set(own).size);
    expect(list).toContainEqual([DEAD_LETTER_HEADERS.topic, 'retry-10m']);
    expect(list).toContainEqual([RETRY_HEADERS.topic, 'in']);
    await world.stop();
  });

  it('let the records behind a failed one go on', async () => {
    const world = new World((value) => {
      if (value === 'bad') throw new CodedError('retriable');
    });
    world.kafka.append('in', 0, 'key', 'bad');
    world.kafka.append('in', 0, 'key', 'good');
    await world.start();
    await world.pass(5_000);
    expect(world.handled.map(({ value }) => value)).toEqual(['bad', 'bad', 'good']);
    await world.stop();
  });

  it.each(['dead', 'retry-10m'])(
    'go on while %s is deleted, and what it should have had is in it in the end',
    async (deleted) => {
      const world = new World((value, { topic }) => {
        if (value === 'poison') throw new CodedError('poison');
        if (value.startsWith('worst') || topic === 'in') throw new CodedError('retriable');
      });
      world.kafka.append('in', 0, 'a', 'poison');
      await world.start();
      world.kafka.deleteTopic(deleted);
      for (let number = 0; number < 3; number += 1) {
        for (const value of [`worst-${number}`, `good-${number}`]) world.kafka.append('in', number, value, value);
        await world.pass(60_000);
        await world.pass(60_000);
      }
      const handled = world.handled.filter(({ topic }) => topic === 'retry-1m').map(({ value }) => value);
      expect(handled.filter((value) => value.startsWith('good'))).toEqual(['good-0', 'good-1', 'good-2']);
      world.kafka.createTopic(deleted, 3);
      for (let turn = 0; turn < 8; turn += 1) await world.pass(600_000);
      const values = world.kafka.records(deleted).map(({ value }) => String(value));
      expect(values.toSorted()).toEqual([...(deleted === 'dead' ? ['poison'] : []), 'worst-0', 'worst-1', 'worst-2']);
      await world.stop();
    },
  );

  it.each(['poison', 'environment'] as const)('take no record whose last attempt fails by %s', async (last) => {
    const failures: FailureKind[] = ['retriable', last];
    const world = new World(() => {
      const failure = failures.shift();
      if (failure !== undefined) throw new CodedError(failure);
    });
    world.kafka.append('in', 0, 'a', 'record');
    await world.start();
    await world.pass(60_000);
    await world.pass(60_000);
    expect(new Set(world.handled.map(({ topic }) => topic))).toEqual(new Set(['in']));
    expect(world.dead()).toHaveLength(last === 'poison' ? 1 : 0);
    await world.stop();
  });

  it('leave poison records to the dead letters, and wait for the environment', async () => {
    let isAway = true;
    const world = new World((value) => {
      if (value === 'poison') throw new CodedError('poison');
      if (isAway) throw new CodedError('environment');
    });
    world.kafka.append('in', 0, 'a', 'poison');
    world.kafka.append('in', 1, 'b', 'fine');
    await world.start();
    for (let turn = 0; turn < 5; turn += 1) await world.pass(60_000);
    isAway = false;
    await world.pass(60_000);
    expect(world.dead().map(({ value }) => String(value))).toEqual(['poison']);
    expect(new Set(world.handled.map(({ topic }) => topic))).toEqual(new Set(['in']));
    expect(world.handled.slice(-2).map(({ value }) => value)).toEqual(['fine', 'poison']);
    await world.stop();
  });

  it('lose no record, and try none early, with whatever fails, and a crash', async () => {
    const inputs = fc.array(fc.record({ partition: fc.nat(2), key: fc.nat(3), failures: fc.nat(8) }), { minLength: 1 });
    const outages = fc.array(fc.nat(20), { maxLength: 5 });
    const property = fc.asyncProperty(inputs, fc.nat(20), outages, async (all, crashAt, withoutLeader) => {
      const left = new Map(all.map(({ failures }, index) => [String(index), failures]));
      const done = new Map<string, number>();
      const world = new World((value) => {
        const failures = left.get(value) ?? 0;
        left.set(value, failures - 1);
        if (failures > 0) throw new CodedError('retriable');
        done.set(value, (done.get(value) ?? 0) + 1);
      });
      for (const [index, { partition, key }] of all.entries())
        world.kafka.append('in', partition, `key-${key}`, String(index));
      await world.start();
      await world.start();
      for (let turn = 0; turn < 30; turn += 1) {
        if (turn === crashAt) await world.crash();
        world.failPublishing(withoutLeader.includes(turn));
        await world.pass(turn < 10 ? 20_000 : 200_000);
      }
      const dead = new Set(world.dead().map(({ value }) => String(value)));
      for (const index of all.keys()) expect(done.has(String(index)) || dead.has(String(index))).toBe(true);
      for (const { topic, afterMs } of world.handled)
        expect(afterMs).toBeGreaterThanOrEqual(STEPS.find((step) => step.topic === topic)?.delayMs ?? 0);
      await world.stop();
    });
    await fc.assert(property, { numRuns: 30 });
  });

  it.each([
    [{}, 'steps is missing'],
    [{ steps: [] }, 'steps must be a list of at least one { topic, delayMs }, got an empty list'],
    [{ steps: [{ topic: '', delayMs: 1 }] }, "steps[0].topic must be a non-empty text, got ''"],
    [{ steps: [{ ...STEP, delay: 5 }] }, 'steps[0].delay is unknown: a step has topic and delayMs'],
    [{ steps: ['retry-1m'] }, 'steps[0].topic must be a non-empty text, got undefined'],
    [{ steps: [{ ...STEP, delayMs: 0 }] }, 'steps[0].delayMs must be a number of ms from 1 to 2147483647, got 0'],
    [{ steps: [STEP, STEP] }, 'steps has the topic retry-1m twice'],
    [
      { steps: [{ ...STEP, topic: 'other' }] },
      'steps has the topic other, which is none of the topics of the broker: in, retry-1m',
    ],
    [
      { steps: [STEP, { ...STEP, topic: 'in' }] },
      'steps has all topics of the broker: it must also read one whose records are tried first',
    ],
    [{ steps: [STEP], attempts: 0 }, 'attempts must be an integer of at least 1, got 0'],
    [{ steps: [STEP], delay: 5 }, 'delay is not an option. The options are steps, attempts, classify, clock'],
  ])('refuse %j', (options, message) => {
    expect(() => retryTopics(idleBroker(), DONE, options as never)).toThrow(message);
  });

  it('refuse a missing broker', () => {
    expect(() => retryTopics(undefined as never, DONE, { steps: [STEP] })).toThrow('broker is missing');
  });

  it('throw the failure of an aborted attempt, whose record is repeated elsewhere', async () => {
    const wrapped = retryTopics(idleBroker(), async () => Promise.reject(new Error('aborted')), { steps: [STEP] });
    const attempt = anAttempt({ number: 3, signal: AbortSignal.abort() });
    await expect(wrapped.handler({ topic: 'in' } as ConsumedRecord, attempt)).rejects.toThrow('aborted');
  });
});

function texts(record: ConsumedRecord | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(record?.headers ?? {}).map(([name, value]) => [name, String(value)]));
}
