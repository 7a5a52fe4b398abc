import type { ConsumedRecord } from '../records/record.js';
import type { Rebalancing } from '../kafka/held-partitions.js';
import { FakeKafka } from '../testing/fake-kafka.js';
import { ManualClock, settle } from '@orders-pipeline/clock/testing';
import type { PauseScope } from '../window/pauses.js';
import { ModelInvariants, type WorldOptions } from './model-invariants.js';
import { ModelLedger } from './model-ledger.js';
import { ModelMember } from './model-member.js';
import type { ModelCommand } from './model-commands.js';

const TOPIC = 'orders';
const DEAD_LETTERS = 'dead';
const GROUP = 'savers';
const MAX_MEMBERS = 3;
/** Consecutive steps without progress after which the world counts as stuck. */
const MAX_IDLE_STEPS = 60;
const STEP_MS = 500;

/** The work to complete. */
interface Work {
  /** Selects the records whose handlers end; those of other records never end. */
  readonly ends: (record: ConsumedRecord) => boolean;
  readonly left: () => number;
}

/**
 * A topic and a group of one to three engines, driven by commands. After every command it checks the invariants; `heal` ends all
 * failures and checks that all work completes.
 */
export class ModelWorld {
  readonly clock = new ManualClock();
  readonly kafka = new FakeKafka();
  readonly ledger: ModelLedger;
  private members: ModelMember[] = [];
  private readonly invariants: ModelInvariants;

  constructor(
    private readonly options: WorldOptions,
    private readonly partitions: number,
    private readonly rebalancing: Rebalancing,
  ) {
    this.kafka.createTopic(TOPIC, partitions);
    this.kafka.createTopic(DEAD_LETTERS, partitions);
    this.ledger = new ModelLedger(this.kafka, DEAD_LETTERS, options.ordering, partitions);
    const committed = (partition: number) => this.kafka.group(GROUP).committed({ topic: TOPIC, partition });
    this.invariants = new ModelInvariants(options, this.ledger, partitions, committed);
  }

  /** @throws Error naming the invariant that the command broke */
  async apply(command: ModelCommand): Promise<void> {
    this.perform(command);
    if (command.type === 'pass') await this.clock.advance(command.ms);
    await settle();
    this.invariants.check(this.members);
  }

  /** Ends all failures, completes all work and stops all members. @throws Error when work remains */
  async heal(): Promise<void> {
    for (const { broker, consumer } of this.members) {
      broker.failing = {};
      for (const scope of consumer.status.paused) consumer.resume(scope);
    }
    for (const member of this.members) if (member.state === 'expired') this.rejoin(member);
    if (this.alive().length === 0) this.join();
    await this.work({ ends: () => true, left: () => this.left() });
    const leaving = this.alive().map((member) => member.leave());
    await this.clock.advance(60_000);
    await Promise.all(leaving);
    this.invariants.check(this.members);
  }

  /**
   * Lets handlers succeed and time advance until no work is left.
   * @throws Error after 60 steps without progress
   */
  async work({ ends, left }: Work): Promise<void> {
    let idle = 0;
    for (let before = left(); before > 0;) {
      for (const { runs } of this.members) for (const run of runs.filter(({ record }) => ends(record))) run.end('done');
      this.fetch();
      await this.clock.advance(STEP_MS);
      this.invariants.check(this.members);
      const now = left();
      idle = now < before ? 0 : idle + 1;
      before = now;
      if (idle > MAX_IDLE_STEPS) throw new Error(`stuck: ${this.describeRest()}`);
    }
  }

  private perform(command: ModelCommand): void {
    switch (command.type) {
      case 'append':
        return this.append(command);
      case 'fetch':
        return this.fetch();
      case 'take':
        return this.pick(
          this.members.flatMap(({ runs }) => runs),
          command.run,
        )?.take();
      case 'end':
        return this.pick(
          this.members.flatMap(({ runs }) => runs),
          command.run,
        )?.end(command.ending, command.next);
      case 'pass':
        return;
      case 'join':
        return this.join();
      case 'leave':
        return void this.pick(this.alive(), command.member)?.leave();
      case 'crash':
        return this.crash(this.pick(this.alive(), command.member));
      case 'expire':
        return this.expire(this.pick(this.alive(), command.member));
      case 'rejoin':
        return this.rejoin(this.members.find(({ state }) => state === 'expired'));
      case 'force':
        return this.force(command.owners);
      case 'fail':
        return this.fail(command);
      case 'pause':
      case 'resume':
        return this.pick(this.alive(), command.member)?.consumer[command.type](scopeOf(command.key));
      case 'resize':
        return this.pick(this.alive(), command.member)?.consumer.setInFlight(command.limit);
      case 'miss':
        return this.miss(this.pick(this.alive(), command.member));
      case 'delete':
        return this.deleteCommitted(command.partition % this.partitions);
    }
  }

  private fetch(): void {
    for (const member of this.alive()) void member.fetch();
  }

  private alive(): ModelMember[] {
    return this.members.filter(({ state }) => state !== 'gone');
  }

  private pick<T>(from: readonly T[], index: number): T | undefined {
    return from[index % from.length];
  }

  private append({ partition, keys, gap, marker }: ModelCommand & { type: 'append' }): void {
    const at = partition % this.partitions;
    const { end } = this.kafka.log(TOPIC, at);
    for (const [index, key] of keys.entries()) {
      const offset = index === 0 ? { offset: end + gap } : {};
      this.kafka.append(TOPIC, at, key === 0 ? null : `key-${key}`, 'order', offset);
      this.ledger.appended(this.kafka.log(TOPIC, at).records.at(-1) as ConsumedRecord);
    }
    if (marker) this.kafka.appendMarker(TOPIC, at);
  }

  private join(): void {
    if (this.alive().length >= MAX_MEMBERS) return;
    const group = { topic: TOPIC, deadLetterTopic: DEAD_LETTERS, rebalancing: this.rebalancing };
    const member = new ModelMember(
      this.kafka,
      group,
      { ...this.options, clock: this.clock, random: () => 0.5 },
      this.invariants,
    );
    this.members.push(member);
    void member.consumer.start();
  }

  private crash(member: ModelMember | undefined): void {
    if (member === undefined) return;
    member.state = 'gone';
    member.broker.kill();
  }

  private expire(member: ModelMember | undefined): void {
    if (member?.state !== 'alive') return;
    member.state = 'expired';
    member.broker.expire();
  }

  private rejoin(member: ModelMember | undefined): void {
    void member?.rejoin();
  }

  /** Starts a generation without the member, in which others own its partitions. */
  private miss(member: ModelMember | undefined): void {
    if (member?.state !== 'alive') return;
    const group = this.kafka.group(GROUP);
    group.missing.add(member.broker.id);
    void group.rebalance();
  }

  private force(owners: readonly number[]): void {
    const inGroup = this.kafka.group(GROUP).size;
    if (inGroup === 0) return;
    const forced = Array.from({ length: inGroup }, (): number[] => []);
    for (let partition = 0; partition < this.partitions; partition += 1)
      forced[(owners[partition] ?? 0) % inGroup]?.push(partition);
    void this.kafka.group(GROUP).rebalance(forced);
  }

  private fail({ member, what, on }: ModelCommand & { type: 'fail' }): void {
    const broker = this.pick(this.alive(), member)?.broker;
    if (broker === undefined) return;
    const { [what]: _before, ...others } = broker.failing;
    broker.failing = on ? { ...others, [what]: new Error(`${what} fails`) } : others;
  }

  private deleteCommitted(partition: number): void {
    const { offset } = this.kafka.group(GROUP).committed({ topic: TOPIC, partition });
    if (offset !== undefined && offset > this.kafka.log(TOPIC, partition).start)
      this.kafka.deleteBefore(TOPIC, partition, offset);
  }

  /** Counts the outstanding records, commits and handler runs. */
  private left(): number {
    return (
      this.ledger.unaccounted().length + this.uncommitted().length + this.members.flatMap(({ runs }) => runs).length
    );
  }

  private uncommitted(): number[] {
    const open: number[] = [];
    for (let partition = 0; partition < this.partitions; partition += 1) {
      const { offset } = this.kafka.group(GROUP).committed({ topic: TOPIC, partition });
      if (this.ledger.isUsed(partition) && offset !== this.kafka.log(TOPIC, partition).end) open.push(partition);
    }
    return open;
  }

  private describeRest(): string {
    const records = this.ledger.unaccounted().map(({ partition, offset }) => `${partition}-${offset}`);
    const status = this.alive().map(({ consumer }) => consumer.status);
    return JSON.stringify({ records, uncommitted: this.uncommitted(), status });
  }
}

function scopeOf(key: number): PauseScope {
  return key === 0 ? {} : { key: `key-${key}` };
}
