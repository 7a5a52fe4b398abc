import { describe, expect, it } from '@jest/globals';
import type { Clock } from '@orders-pipeline/clock';
import { endedProducers, type Expansion, type RegisteredProducer } from '#orders/topics/topic-partitions.js';
import { DEAD_LETTER_TOPIC, ORDERS_TOPIC } from '#orders/topics/topics.js';
import { expansionChanged, ExpandTopics, type ExpansionParts, type ExpansionRecord } from './expand-topics.js';

const FROM = 3;
const TO = 6;
const DAY_MS = 24 * 60 * 60 * 1_000;

/** A pipeline with two producers. Each step takes a turn of the world; an expansion can be killed before any of its calls, or after it. */
class World {
  readonly counts = new Map([
    [ORDERS_TOPIC, FROM],
    [DEAD_LETTER_TOPIC, FROM],
  ]);
  readonly lines: string[] = [];
  expansion: Expansion | null = null;
  partitions = FROM;
  ends: readonly number[] | undefined;
  /** Why sending would break the order of an account. */
  broken: string | undefined;
  producers = ['a', 'b'].map((id): RegisteredProducer => ({ id, host: 'h', pid: 1, at: new Date(0), closedFor: null }));
  backlog = 5;
  consumes = true;
  silent: string | undefined;
  readonly interruption = new AbortController();
  private time = 0;
  /** Calls until the expansion is killed; negative: never. */
  private left = -1;

  /** Runs an expansion until it ends or is killed. @param killedAt the call before or after which it is killed; two for each call */
  async expand(killedAt = -1): Promise<string> {
    this.left = killedAt;
    return new ExpandTopics(this.parts()).run(TO).then(() => 'done', codeOf);
  }

  async abort(): Promise<string> {
    this.left = -1;
    return new ExpandTopics(this.parts()).abort().then(String, codeOf);
  }

  /** Lets time pass. */
  pass(milliseconds: number): void {
    this.time += milliseconds;
  }

  private parts(): ExpansionParts {
    const clock: Clock = {
      now: () => this.time,
      after: (ms, run) => {
        this.time += ms;
        queueMicrotask(run);
        return () => undefined;
      },
    };
    return {
      record: this.killable(this.record() as unknown as ExpansionRecord),
      topics: this.killable({
        partitionsOf: async (topic: string) => this.counts.get(topic) ?? 0,
        grow: async (topic: string, count: number) => this.grow(topic, count),
        isKnown: async (topic: string, count: number) => this.counts.get(topic) === count,
      }),
      positions: this.killable({
        ends: async () => positions(100),
        committed: async () => {
          if (this.consumes && this.backlog > 0) this.backlog -= 1;
          return positions(100 - this.backlog);
        },
      }),
      now: () => new Date(this.time),
      signal: this.interruption.signal,
      clock,
      waitMs: 20_000,
      print: (line) => void this.lines.push(line),
    };
  }

  private record() {
    const is = (id: string, phase: Expansion['phase']): void => {
      if (this.expansion?.id !== id || this.expansion.phase !== phase) throw expansionChanged();
    };
    return {
      read: async () => {
        this.live();
        return { producers: this.producers, expansion: this.expansion, earlier: [] };
      },
      removeEnded: async () => {
        const { $lt } = endedProducers(new Date(this.time)).at;
        this.producers = this.producers.filter(({ at }) => at >= $lt);
      },
      begin: async (from: number, to: number) =>
        (this.expansion ??= { id: 'one', from, to, phase: 'closing', startedAt: new Date(0) }),
      beginGrowing: async (expansion: Expansion, ends: readonly number[]) => {
        is(expansion.id, 'closing');
        this.expansion = { ...expansion, phase: 'growing' };
        this.ends = ends;
      },
      complete: async ({ id, to }: Expansion) => {
        is(id, 'growing');
        if ([...this.counts.values()].some((count) => count !== to)) this.broken = 'completed before it has grown';
        [this.expansion, this.partitions] = [null, to];
      },
      abort: async ({ id, from }: Expansion) => {
        is(id, 'closing');
        [this.expansion, this.partitions] = [null, from];
      },
    };
  }

  /** What the producers do within a moment. */
  private live(): void {
    this.producers = this.producers.map((each) =>
      each.id === this.silent ? each : { ...each, at: new Date(this.time), closedFor: this.expansion?.id ?? null },
    );
  }

  private grow(topic: string, count: number): void {
    if (this.producers.some(({ closedFor }) => closedFor === null)) this.broken = 'a producer may send';
    if (this.backlog > 0) this.broken = 'records are not committed';
    if (topic === ORDERS_TOPIC && this.counts.get(DEAD_LETTER_TOPIC) !== count)
      this.broken = 'no place for dead letters';
    this.counts.set(topic, count);
  }

  private killable<T extends object>(target: T): T {
    return new Proxy(target, {
      get: (object, name) => {
        const method = Reflect.get(object, name) as (...args: unknown[]) => Promise<unknown>;
        return async (...args: unknown[]) => {
          this.kill();
          const result = await method.apply(object, args);
          this.kill();
          return result;
        };
      },
    });
  }

  private kill(): void {
    if (this.left === 0) throw new Error('killed');
    this.left -= 1;
  }
}

/** Returns offsets, that of the first partition and 100 on both others. */
function positions(first: number): Map<number, number> {
  return new Map([first, 100, 100].entries());
}

function codeOf(error: Error): string {
  return 'code' in error ? String(error.code) : String(error);
}

/** What a pipeline is in after an expansion, and after one that was aborted. */
const EXPANDED = {
  broken: undefined,
  expansion: null,
  partitions: TO,
  ends: [100, 100, 100],
  counts: new Map([
    [ORDERS_TOPIC, TO],
    [DEAD_LETTER_TOPIC, TO],
  ]),
};
const AS_BEFORE = { broken: undefined, expansion: null, partitions: FROM, counts: new World().counts };

/** Yields worlds whose expansions are killed, each at another step. */
async function* killedWorlds(): AsyncGenerator<World> {
  for (let at = 0; ; at += 1) {
    const world = new World();
    if ((await world.expand(at)) === 'done') return;
    yield world;
  }
}

describe('adding partitions', () => {
  it('waits for producers and consumers, grows the dead letters first, and records the ends', async () => {
    const world = new World();
    expect(await world.expand()).toBe('done');
    expect(world).toMatchObject(EXPANDED);
    expect(await world.expand()).toBe('done');
    expect(world.lines.at(-1)).toBe(`Topic ${ORDERS_TOPIC} has ${TO} partitions.`);
  });

  it('can be killed at any step and run again', async () => {
    let kills = 0;
    for await (const world of killedWorlds()) {
      kills += 1;
      expect(await world.expand()).toBe('done');
      expect(world).toMatchObject(EXPANDED);
    }
    expect(kills).toBeGreaterThan(30);
  });

  it('can be aborted after a kill while it closes, and not later', async () => {
    const outcomes = new Set<string>();
    for await (const world of killedWorlds()) {
      const isGrowing = world.expansion?.phase === 'growing';
      const outcome = await world.abort();
      outcomes.add(outcome);
      expect([outcome === 'too-late', world.expansion === null]).toEqual([isGrowing, !isGrowing]);
      // The kill may come right after the expansion was completed.
      expect(world.partitions).toBe(world.counts.get(ORDERS_TOPIC) === TO && !isGrowing ? TO : FROM);
    }
    expect(outcomes).toEqual(new Set(['false', 'too-late', 'true']));
  });

  it('refuses before anything stops while a producer is silent, and names it', async () => {
    const world = new World();
    world.silent = 'b';
    world.pass(30_000);
    expect(await world.expand()).toBe('silent-producer');
    expect(world.expansion).toBe(null);
  });

  it('does not wait for a producer that has been silent for a day', async () => {
    const world = new World();
    world.silent = 'b';
    world.pass(DAY_MS);
    expect(await world.expand()).toBe('silent-producer');
    world.pass(1);
    expect(await world.expand()).toBe('done');
    expect(world.producers.map(({ id }) => id)).toEqual(['a']);
  });

  it.each<[string, code: string, change: (world: World) => void, lastLine: string]>([
    ['a producer does not close', 'not-closed', (world) => (world.silent = 'b'), 'add --gone b'],
    ['the consumers do not commit', 'not-committed', (world) => (world.consumes = false), '5 records'],
    ['a signal comes', 'not-committed', ({ interruption }) => interruption.abort(), 'All producers have closed.'],
  ])('aborts by itself if %s', async (_, code, change, lastLine) => {
    const world = new World();
    change(world);
    expect(await world.expand()).toBe(code);
    expect(world).toMatchObject(AS_BEFORE);
    expect(world.lines.at(-1)).toContain(lastLine);
  });
});
