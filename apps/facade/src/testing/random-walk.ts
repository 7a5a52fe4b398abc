import { stagesOf, CAPABILITIES } from '../stages/capability.js';
import { ChangeRefusal } from '../stages/change-refusal.js';
import { positionOf, READ_CAPABILITIES } from '../stages/migration-snapshot.js';
import { GIVE_UP_MS, SimulatedClient, type Journal } from './simulated-client.js';
import type { SideMood } from './simulated-side.js';
import { SimulatedWorld, type SimulatedInstance } from './simulated-world.js';
import { checkEnd } from './walk-checks.js';

const INSTANCES = ['a', 'b', 'c'];
const CLIENTS = 4;

/** All stages in an order in which they can be reached. */
export const CLIMB = [
  ['writes', 'dualwrite'],
  ...(['shadow', 'live'] as const).flatMap((stage) => READ_CAPABILITIES.map((read) => [read, stage] as const)),
  ['writes', 'live'],
  ...READ_CAPABILITIES.map((read) => [read, 'complete'] as const),
  ['writes', 'complete'],
] as const;

export interface WalkResult {
  readonly defects: readonly string[];
  /** How much the walk has tried. */
  readonly acknowledged: number;
  readonly reads: number;
  readonly changes: number;
}

/** One course of events: clients, changes of stages, faults and crashes, chosen by a seed, against what must hold. */
export class RandomWalk {
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

  /** Goes up in calm weather. */
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
        side.mood = this.world.pick<SideMood>(['slow', 'away', 'silent', 'refusing', 'silent']);
        await this.world.wait(this.world.pick([200, 1_000, 3_000]));
        side.mood = 'up';
      } else if (chance < 0.7) await this.crash();
      else if (chance < 0.85) {
        world.weather = { delayMs: this.world.pick([6, 60, 600]), lossRate: this.world.pick([0, 0.02, 0.1]) };
        await this.world.wait(this.world.pick([500, 2_000]));
        world.weather = { delayMs: 6, lossRate: 0 };
      } else {
        world.isDatabaseAway = true;
        await this.world.wait(this.world.pick([300, 2_500]));
        world.isDatabaseAway = false;
      }
    }
  }

  /** Kills an instance; its successor has its name, or it stays away for a while. */
  private async crash(): Promise<void> {
    const instance = this.world.anyInstance();
    if (instance === undefined) return;
    this.world.kill(instance);
    await this.world.wait(this.world.pick([0, 300, 4_000]));
    this.world.start(instance.name);
  }

  private heal(): void {
    const { world } = this;
    world.weather = { delayMs: 6, lossRate: 0 };
    world.isDatabaseAway = false;
    for (const side of Object.values(world.sides)) side.mood = 'up';
    for (const name of INSTANCES) if (!world.instances.some((instance) => instance.name === name)) world.start(name);
  }
}
