import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import type { LegacyRecord } from '#legacy/translation/to-legacy.js';
import { readKey, SIDE_TEXTS, type SideName } from '../sides/side.js';
import type { LegacyAnswer } from '../sides/legacy-answers.js';
import { stagesOf, CAPABILITIES, positionOf, READ_CAPABILITIES } from '../stages/stages.js';
import { ChangeRefusal } from '../stages/change-rules.js';
import { SimulatedWorld, type SideBehaviour, type SimulatedInstance } from '../testing/simulated-world.js';

/** A client without an answer for this long gives up. */
const GIVE_UP_MS = 12_000;
const ACCOUNTS = ['acc-0', 'acc-1', 'acc-2', 'acc-3', 'acc-4', 'acc-5'];

/** What the clients have seen, and what was wrong with it. */
interface Journal {
  /** The acknowledged orders by id. */
  readonly acked: Map<string, LegacyRecord>;
  reads: number;
  readonly defects: string[];
}

/** A client that writes and reads, one request after another. */
class SimulatedClient {
  /** What it has written or read: it must find it again. */
  private readonly known = new Map<string, LegacyRecord>();

  constructor(
    private readonly world: SimulatedWorld,
    private readonly journal: Journal,
    private readonly number: number,
  ) {}

  /** Writes and reads, one after another. It must find its own writes, and what it has read before. */
  async run(isOver: () => boolean): Promise<void> {
    for (let turn = 0; !isOver(); turn += 1) {
      await this.world.wait(this.world.pick([0, 5, 30, 200]));
      const instance = this.world.anyInstance();
      if (instance === undefined) continue;
      if (this.known.size === 0 || this.world.random() < 0.5) await this.write(instance, `${this.number}-${turn}`);
      else await this.read(instance);
    }
  }

  private async write(instance: SimulatedInstance, unique: string): Promise<void> {
    const { world } = this;
    const order = {
      accountId: world.pick(ACCOUNTS),
      side: 'buy',
      symbol: `S${unique}`,
      quantity: 1 + Math.floor(world.random() * 9_000),
      price: 12.5,
      currency: 'EUR',
      ...(world.random() < 0.4 && { id: world.nextId() }),
      ...(world.random() < 0.1 && { number: 1 + Math.floor(world.random() * 400) }),
    };
    const repeats = 'id' in order ? 3 : 1;
    for (let attempt = 0; attempt < repeats; attempt += 1) {
      const answer = await this.post(instance, JSON.stringify(order));
      if (answer === undefined) return;
      if (answer.status === 200 || answer.status === 201) {
        const record = JSON.parse(String(answer.body)) as LegacyRecord;
        this.acknowledge(record);
        this.known.set(record.id, record);
        // Often the client asks again although it has its answer.
        if (world.random() < 0.4) return;
      } else if (answer.status !== 503) {
        const id = 'id' in order ? order.id : '';
        if (this.journal.acked.has(id) && !world.diverged.has(id))
          this.journal.defects.push(`a repeat of ${id} was answered with ${answer.status}`);
        return;
      }
    }
  }

  /** @returns `undefined` if the client gave up: its instance died */
  private async post({ runtime }: SimulatedInstance, body: string): Promise<LegacyAnswer | undefined> {
    const signal = new AbortController().signal;
    const answer = runtime.orders.post({ path: '/orders', headers: {}, body }, signal).catch(() => undefined);
    return Promise.race([answer, this.world.wait(GIVE_UP_MS).then(() => undefined)]);
  }

  private acknowledge(record: LegacyRecord): void {
    const { id, number } = record;
    const admitted = this.world.buckets.admitted.get(id);
    const side: SideName = admitted?.answering ?? 'legacy';
    if (!this.world.sides[side].accepted.has(id))
      this.journal.defects.push(`${id} was acknowledged before ${SIDE_TEXTS[side]} had it`);
    const before = this.journal.acked.get(id);
    if (before === undefined) this.journal.acked.set(id, record);
    else if (before.number !== number) this.journal.defects.push(`${id} was acknowledged under two numbers`);
  }

  private async read(instance: SimulatedInstance): Promise<void> {
    const all = [...this.known.values()];
    const one = this.world.pick(all);
    const start = Math.max(1, one.number - Math.floor(this.world.random() * 20));
    const read =
      this.world.random() < 0.5
        ? ({ capability: 'read-by-id', id: one.id } as const)
        : ({ capability: 'read-by-range', start, end: start + 25 } as const);
    const answer = this.world.read(instance, read, readKey(read)).catch(() => undefined);
    const found = await Promise.race([answer, this.world.wait(GIVE_UP_MS).then(() => undefined)]);
    if (found === undefined) return;
    this.journal.reads += 1;
    const foundIds = new Set(found.map(({ id }) => id));
    const expected = all.filter(({ id, number }) =>
      read.capability === 'read-by-id' ? id === read.id : number >= read.start && number <= read.end,
    );
    for (const { id, number } of expected)
      if (!foundIds.has(id) && !this.world.diverged.has(id))
        this.journal.defects.push(
          `at ${this.world.clock.now()}: a client no longer finds ${id} (number ${number}) by ${read.capability}`,
        );
    for (const record of found) this.known.set(record.id, record);
  }
}

/** Adds what is wrong once everything has ended: open intents, orders that are missing, doubled, or in another order. */
async function checkEnd(world: SimulatedWorld, { acked, defects }: Journal): Promise<void> {
  const { sides, buckets, diverged, store } = world;
  const open = (await buckets.openBuckets()).flatMap((bucket) => bucket.open);
  if (open.length > 0) defects.push(`${open.length} intents are still open: ${JSON.stringify(open[0]?.lastError)}`);
  const { change } = await store.read();
  if (change !== null) defects.push(`the change to ${change.stage} is still pending`);
  for (const { id } of acked.values()) {
    const admitted = buckets.admitted.get(id);
    for (const side of ['legacy', 'new'] as const) {
      const mustHave = admitted === undefined ? side === 'legacy' : admitted[side] !== 'none';
      if (mustHave && !sides[side].accepted.has(id) && !diverged.has(id))
        defects.push(`${id} is missing on ${SIDE_TEXTS[side]}`);
    }
  }
  for (const [id, { legacy }] of sides.legacy.accepted) {
    const other = sides.new.accepted.get(id);
    if (other !== undefined && other.legacy.number !== legacy.number) defects.push(`${id} has two numbers`);
  }
  for (const side of ['legacy', 'new'] as const) checkOrder(world, side, { acked, defects });
}

/** Each account's writes are stored in the order in which they were admitted. */
function checkOrder(
  { sides, buckets }: SimulatedWorld,
  side: SideName,
  { acked, defects }: Pick<Journal, 'acked' | 'defects'>,
): void {
  const places = new Map([...sides[side].accepted.keys()].map((id, at) => [id, at]));
  for (const ids of buckets.byAccount.values()) {
    const written = ids.filter((id) => buckets.admitted.get(id)?.[side] !== 'none' && places.has(id) && acked.has(id));
    const positions = written.map((id) => places.get(id) ?? 0);
    const wrong = positions.findIndex((place, at) => at > 0 && place < (positions[at - 1] ?? 0));
    if (wrong > 0)
      defects.push(`${SIDE_TEXTS[side]} has ${written[wrong]} before ${written[wrong - 1]}, which was admitted first`);
  }
}

const INSTANCES = ['a', 'b', 'c'];
const CLIENTS = 4;

/** All stages in an order in which they can be reached. */
const CLIMB = [
  ['writes', 'dualwrite'],
  ...(['shadow', 'live'] as const).flatMap((stage) => READ_CAPABILITIES.map((read) => [read, stage] as const)),
  ['writes', 'live'],
  ...READ_CAPABILITIES.map((read) => [read, 'complete'] as const),
  ['writes', 'complete'],
] as const;

interface WalkResult {
  readonly defects: readonly string[];
  /** How much the walk has tried. */
  readonly acknowledged: number;
  readonly reads: number;
  readonly changes: number;
}

/** One course of events: clients, changes of stages, faults and crashes, chosen by a seed, against what must hold. */
class RandomWalk {
  private readonly world: SimulatedWorld;
  private readonly journal: Journal = { acked: new Map(), reads: 0, defects: [] };
  private isOver = false;
  private changes = 0;

  /** @param height how many stages are climbed first, at most `CLIMB.length` */
  constructor(
    seed: number,
    private readonly height: number,
    private readonly milliseconds: number,
  ) {
    this.world = new SimulatedWorld(seed);
  }

  async run(): Promise<WalkResult> {
    const { world } = this;
    for (const name of INSTANCES) world.start(name);
    const climbed = this.climb();
    await this.settle(climbed);
    const running = [
      ...Array.from({ length: CLIENTS }, async (_, at) =>
        new SimulatedClient(world, this.journal, at).run(() => this.isOver),
      ),
      this.operator(),
      this.operator(),
      this.faults(),
    ];
    await world.clock.advance(this.milliseconds);
    this.isOver = true;
    this.heal();
    await this.settle(Promise.all(running));
    await checkEnd(world, this.journal);
    const { defects, acked, reads } = this.journal;
    const { changes } = this;
    // The number of an order that the legacy system has refused is free there.
    const numbers = [...world.sides.legacy.defects, ...world.sides.new.defects].filter(
      (defect) => ![...world.diverged].some((id) => defect.includes(id)),
    );
    return { defects: [...defects, ...numbers], acknowledged: acked.size, reads, changes };
  }

  /** Goes up over a calm network. */
  private async climb(): Promise<void> {
    const [first] = this.world.instances;
    await this.world.wait(100);
    for (const [capability, stage] of CLIMB.slice(0, this.height)) {
      await first?.runtime.changes.request({ capability, stage, reason: 'climb' }, 'operator');
    }
  }

  /** Lets everything end that can, for at most 40 s. */
  private async settle(running: Promise<unknown>): Promise<void> {
    let hasEnded = false;
    void running.then(() => (hasEnded = true));
    for (let step = 0; step < 200; step += 1) {
      await this.world.clock.advance(200);
      const { change } = await this.world.store.read();
      if (hasEnded && change === null && (await this.world.buckets.openBuckets()).length === 0) return;
    }
  }

  /** Changes stages and percentages, holds, and backfills. */
  private async operator(): Promise<void> {
    const { world } = this;
    while (!this.isOver) {
      await this.world.wait(this.world.pick([100, 400, 1_500]));
      if (world.random() < 0.4) world.backfill();
      const instance = this.world.anyInstance();
      if (instance === undefined) continue;
      await Promise.race([this.change(instance).catch(() => undefined), this.world.wait(GIVE_UP_MS)]);
    }
  }

  private async change({ runtime }: SimulatedInstance): Promise<void> {
    const { world } = this;
    if (world.random() < 0.05) {
      await runtime.changes.hold(true, 'pause', 'operator');
      await this.world.wait(300);
      await runtime.changes.hold(false, 'go on', 'operator');
    }
    const before = await world.store.read();
    const capability = world.random() < 0.5 ? 'writes' : this.world.pick(CAPABILITIES);
    const stages = stagesOf(capability);
    const current = before.capabilities[capability];
    const step = this.world.pick([-1, 0, 1, 1, 1]);
    const stage = stages[stages.indexOf(current.stage) + step] ?? current.stage;
    // The last stage ends the walk's freedom: rarely.
    if (stage === 'complete' && world.random() < 0.7) return;
    const percent = this.world.pick([10, 50, 100, 100, 100]);
    try {
      const isBack = positionOf(capability, { stage, percent }) < positionOf(capability, current);
      await runtime.changes.request({ capability, stage, percent, reason: 'walk', force: isBack }, 'operator');
      this.changes += 1;
    } catch (error) {
      if (!(error instanceof ChangeRefusal)) throw error;
    }
  }

  private async faults(): Promise<void> {
    const { world } = this;
    while (!this.isOver) {
      await this.world.wait(this.world.pick([100, 500, 1_500]));
      const chance = world.random();
      if (chance < 0.4) {
        const side = world.sides[this.world.pick(['legacy', 'new'] as const)];
        side.behaviour = this.world.pick<SideBehaviour>(['slow', 'unavailable', 'silent', 'refusing', 'silent']);
        await this.world.wait(this.world.pick([200, 1_000, 3_000]));
        side.behaviour = 'up';
      } else if (chance < 0.7) await this.crash();
      else if (chance < 0.85) {
        world.network = { delayMs: this.world.pick([6, 60, 600]), lossRate: this.world.pick([0, 0.02, 0.1]) };
        await this.world.wait(this.world.pick([500, 2_000]));
        world.network = { delayMs: 6, lossRate: 0 };
      } else {
        world.isDatabaseUnavailable = true;
        await this.world.wait(this.world.pick([300, 2_500]));
        world.isDatabaseUnavailable = false;
      }
    }
  }

  /** Kills an instance; its successor has its name, or it is missing for a while. */
  private async crash(): Promise<void> {
    const instance = this.world.anyInstance();
    if (instance === undefined) return;
    this.world.kill(instance);
    await this.world.wait(this.world.pick([0, 300, 4_000]));
    this.world.start(instance.name);
  }

  private heal(): void {
    const { world } = this;
    world.network = { delayMs: 6, lossRate: 0 };
    world.isDatabaseUnavailable = false;
    for (const side of Object.values(world.sides)) side.behaviour = 'up';
    for (const name of INSTANCES) if (!world.instances.some((instance) => instance.name === name)) world.start(name);
  }
}

const WALK_MS = 10_000;
const { MODEL_RUNS = '25' } = process.env;
/** A defect that needs a rare course of events is found by a long run: `MODEL_RUNS=1000`. */
const RUNS = MODEL_RUNS === 'all' ? 45 : Number(MODEL_RUNS);

describe('random walks over stages, faults, crashes and clients', () => {
  it('lose, double and reorder nothing, and each client reads its own writes', async () => {
    const total = { acknowledged: 0, reads: 0, changes: 0 };
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 2 ** 31 - 1 }), fc.nat(CLIMB.length), async (seed, height) => {
        const { defects, ...counts } = await new RandomWalk(seed, height, WALK_MS).run();
        expect(defects).toEqual([]);
        for (const name of ['acknowledged', 'reads', 'changes'] as const) total[name] += counts[name];
      }),
      // From each stage at least once, whatever the seeds.
      {
        numRuns: RUNS,
        endOnFailure: true,
        examples: [...CLIMB.keys(), CLIMB.length].map((height) => [height + 1, height]),
      },
    );
    // A walk that does nothing tests nothing.
    expect(Math.min(...Object.values(total))).toBeGreaterThan(RUNS);
  });
});
