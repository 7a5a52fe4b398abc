import { describe, expect, it } from '@jest/globals';
import { pause, type Clock } from '@orders-pipeline/clock';
import * as fc from 'fast-check';
import type { FailureKind } from '../failures/failure.js';
import type { ParallelConsumer } from '../parallel-consumer.js';
import { consuming } from './gated-consumer.js';

const RECORDS = 60;

class KindError extends Error {
  constructor(readonly kind: FailureKind) {
    super(kind);
  }
}

const classify = (error: unknown): FailureKind => (error instanceof KindError ? error.kind : 'poison');

interface Outage {
  readonly beforeMs: number;
  readonly forMs: number;
  /** The kinds of its failures while the consumer is suspended, in turn. */
  readonly kinds: readonly FailureKind[];
}

const outages: fc.Arbitrary<Outage[]> = fc.array(
  fc.record({
    beforeMs: fc.integer({ min: 1, max: 2_000 }),
    forMs: fc.integer({ min: 1, max: 120_000 }),
    kinds: fc.array(fc.constantFrom<FailureKind>('environment', 'retriable', 'poison'), { minLength: 1, maxLength: 6 }),
  }),
  { minLength: 1, maxLength: 4 },
);
const shapes = fc.record({
  keys: fc.integer({ min: 1, max: RECORDS }),
  inFlight: fc.integer({ min: 1, max: 30 }),
  maxAttempts: fc.integer({ min: 1, max: 3 }),
  handlerMs: fc.array(fc.integer({ min: 0, max: 1_500 }), { minLength: 1, maxLength: 5 }),
});

/** A dependency whose outages begin with `environment` failures, until the consumer has taken one up. */
class Dependency {
  current: Outage | undefined;
  private calls = 0;
  private failures = 0;

  constructor(
    private readonly clock: Clock,
    private readonly handlerMs: readonly number[],
  ) {}

  async call(isSuspended: () => boolean): Promise<void> {
    const ms = this.handlerMs[this.calls % this.handlerMs.length] ?? 0;
    this.calls += 1;
    await pause(this.clock, ms);
    if (this.current === undefined) return;
    const { kinds } = this.current;
    this.failures += 1;
    throw new KindError(isSuspended() ? (kinds[this.failures % kinds.length] ?? 'poison') : 'environment');
  }
}

describe('outages that begin with an `environment` failure', () => {
  it('dead-letter no record and count as no attempt, whatever fails later, and all records are handled after them', async () => {
    const property = fc.asyncProperty(outages, shapes, async (all, { keys, handlerMs, ...options }) => {
      const world: { dependency?: Dependency; consumer?: ParallelConsumer } = {};
      const isSuspended = (): boolean => world.consumer?.status.suspendedSince !== undefined;
      const handler = async (): Promise<void> => world.dependency?.call(isSuspended);
      const { clock, consumer, broker, letters } = await consuming(
        (at) => {
          world.dependency = new Dependency(at, handlerMs);
          return { ...options, handler, classify, commitIntervalMs: 60_000 };
        },
        (topic) => {
          for (let number = 0; number < RECORDS; number += 1)
            topic.append(number % 2, `key-${number % keys}`, String(number));
        },
      );
      world.consumer = consumer;
      for (const outage of all) {
        await clock.advance(outage.beforeMs);
        if (world.dependency !== undefined) world.dependency.current = outage;
        await clock.advance(outage.forMs);
        if (world.dependency !== undefined) world.dependency.current = undefined;
      }
      await clock.advance(120_000);
      await broker.fetch();
      await clock.advance(120_000);
      expect(letters()).toEqual([]);
      expect(consumer.status).toMatchObject({ finished: RECORDS, deadLettered: 0, retries: 0, ready: true });
    });
    await fc.assert(property, { numRuns: 150 });
  });
});
