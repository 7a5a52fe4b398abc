import { ManualClock, settle } from '@orders-pipeline/clock/testing';
import { DEAD_LETTER_HEADERS } from '../attempts/dead-letter.js';
import type { Rebalancing } from '../kafka/owned-partitions.js';
import type { ConsumedRecord } from '../records/record.js';
import { SimulatedKafka } from '../simulation/simulated-kafka.js';
import type { CommittedOffset } from '../protocol/offset-requests.js';
import type { PauseScope } from '../window/pauses.js';
import type { ModelCommand } from './model-commands.js';
import { ModelInvariants, type WorldOptions } from './model-invariants.js';
import { ModelLedger } from './model-ledger.js';
import { ModelMember, type ModelRun } from './model-member.js';

const TOPIC = 'orders';
const DEAD_LETTERS = 'dead';
const MAX_MEMBERS = 3;
/** Consecutive steps without progress after which the world counts as stuck: longer than all timeouts and back-offs of the engine. */
const MAX_IDLE_STEPS = 120;
const STEP_MS = 500;

type MemberCommand = Extract<ModelCommand, { readonly member: number }>;

/** The work to complete. */
interface Work {
  /** Selects the records whose handlers end; those of other records never end. */
  readonly ends: (record: ConsumedRecord) => boolean;
  readonly left: () => number;
}

/**
 * A topic, a group of one to three engines in processes of their own, and the Kafka between them, driven by commands. After every command it checks
 * the invariants; `heal` ends all failures and checks that all work completes.
 */
export class ModelWorld {
  readonly clock = new ManualClock();
  readonly kafka = new SimulatedKafka(this.clock);
  readonly ledger: ModelLedger;
  private members: ModelMember[] = [];
  private wasSuspended = false;
  private appended = 0;
  private readonly invariants: ModelInvariants;
  private readonly truncatedPartitions = new Set<number>();

  constructor(
    private readonly options: WorldOptions,
    private readonly partitions: number,
    private readonly rebalancing: Rebalancing,
    private readonly sessionTimeoutMs = 10_000,
  ) {
    this.kafka.createTopic(TOPIC, partitions);
    this.kafka.createTopic(DEAD_LETTERS, partitions);
    this.ledger = new ModelLedger(partitions);
    const { group } = this.kafka;
    const isSuspended = (): boolean => this.wasSuspended;
    this.invariants = new ModelInvariants(TOPIC, options, this.ledger, partitions, {
      committed: (partition) => this.committed(partition),
      ownerOf: (partition) => group.ownerOf({ topic: TOPIC, partition }),
      strayCommits: group.strayCommits,
      get wasSuspended() {
        return isSuspended();
      },
    });
    this.kafka.onProduced = (_topic, { headers }) => {
      const [partition, offset] = [headers[DEAD_LETTER_HEADERS.partition], headers[DEAD_LETTER_HEADERS.offset]];
      const record = this.ledger.inPartition(Number(partition)).find((each) => each.offset === Number(offset));
      if (record === undefined) return;
      this.ledger.deadLettered(record.value);
      this.invariants.deadLettered(record);
    };
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
    this.kafka.silent.clear();
    this.kafka.refusal = undefined;
    for (const { process, consumer } of this.alive()) {
      process.thaw('timers');
      process.reconnect();
      for (const scope of consumer.status.paused) consumer.resume(scope);
    }
    if (this.alive().length === 0) this.join();
    await this.work({ ends: () => true, left: () => this.left() });
    const leaving = this.alive().map(async (member) => member.leave());
    await this.clock.advance(60_000);
    await Promise.all(leaving);
    this.invariants.check(this.members);
  }

  /**
   * Lets handlers succeed and time advance until no work is left.
   * @throws Error after a minute without progress
   */
  async work({ ends, left }: Work): Promise<void> {
    let idle = 0;
    for (let before = left(); before > 0;) {
      for (const run of this.runs().filter(({ record }) => ends(record))) run.end('done');
      await this.clock.advance(STEP_MS);
      this.invariants.check(this.members);
      const now = left();
      idle = now < before ? 0 : idle + 1;
      before = now;
      if (idle > MAX_IDLE_STEPS) throw new Error(`stuck: ${this.describeRest()}`);
    }
  }

  private perform(command: ModelCommand): void {
    if ('member' in command) return this.performOn(this.pick(this.alive(), command.member), command);
    switch (command.type) {
      case 'append':
        return this.append(command);
      case 'take':
        return this.pick(this.runs(), command.run)?.take(command.count);
      case 'end':
        return this.pick(this.runs(), command.run)?.end(command.ending, command.next);
      case 'pass':
        return;
      case 'join':
        return this.join();
      case 'rebalance':
        return this.kafka.group.rebalance();
      case 'fail':
        return this.fail(command);
      case 'delete':
        return this.deleteCommitted(command.partition % this.partitions);
      case 'truncate':
        return this.truncate(command.partition % this.partitions, command.records);
      case 'elect':
        return this.kafka.elect(TOPIC, command.partition % this.partitions);
      case 'move coordinator':
        this.kafka.coordinator = 3 - this.kafka.coordinator;
        return this.kafka.group.move();
    }
  }

  private performOn(member: ModelMember | undefined, command: MemberCommand): void {
    if (member === undefined) return;
    const { process, consumer } = member;
    switch (command.type) {
      case 'leave':
        // A frozen process can't leave.
        if (!process.frozen) void member.leave();
        return;
      case 'crash':
        member.state = 'gone';
        return process.die();
      case 'pause':
      case 'resume':
        return process.frozen ? undefined : consumer[command.type](scopeOf(command.key));
      case 'resize':
        return process.frozen ? undefined : consumer.setInFlight(command.limit);
      case 'cut':
        return process.cutOff(command.way);
      case 'reconnect':
        return process.reconnect();
      case 'freeze':
        return process.freeze();
      case 'suspend':
        this.wasSuspended = true;
        return process.freeze(true);
      case 'thaw':
        return process.thaw(command.first);
      case 'jump':
        return process.frozen ? undefined : process.jump(command.ms);
    }
  }

  private alive(): ModelMember[] {
    return this.members.filter(({ state }) => state !== 'gone');
  }

  private runs(): ModelRun[] {
    return this.members.flatMap(({ runs }) => runs);
  }

  private pick<T>(from: readonly T[], index: number): T | undefined {
    return from[index % from.length];
  }

  private append({ partition: index, keys, gap, marker }: ModelCommand & { type: 'append' }): void {
    const partition = index % this.partitions;
    const records = keys.map((key) => {
      this.appended += 1;
      return { key: key === 0 ? null : `key-${key}`, value: `order-${this.appended}` };
    });
    if (records.length > 0) {
      const { epoch, end } = this.kafka.logOf(TOPIC, partition);
      for (const [at, record] of records.entries()) {
        const appended = { ...record, partition, offset: end + gap + at, epoch };
        this.ledger.appended(appended);
        this.invariants.appended(appended);
      }
      this.kafka.append(TOPIC, partition, records, gap);
    }
    if (marker) this.kafka.appendMarker(TOPIC, partition);
  }

  private join(): void {
    if (this.alive().length >= MAX_MEMBERS) return;
    const { rebalancing, sessionTimeoutMs, kafka, clock, options, invariants } = this;
    const group = { topic: TOPIC, deadLetterTopic: DEAD_LETTERS, groupId: 'savers', rebalancing, sessionTimeoutMs };
    const member = new ModelMember(`member-${this.members.length + 1}`, kafka, clock, group, options, invariants);
    this.members.push(member);
    // Without a node that answers it fails, as a process that can't start does.
    member.consumer.start().catch(() => {
      member.state = 'gone';
      member.process.die();
    });
  }

  private fail({ what, on }: ModelCommand & { type: 'fail' }): void {
    const { kafka } = this;
    if (what === 'publish') kafka.refusal = on ? 'NOT_ENOUGH_REPLICAS' : undefined;
    else if (what === 'records') kafka.refusal = on ? 'INVALID_RECORD' : undefined;
    else if (!on) kafka.silent.delete(what === 'node 1' ? 1 : 2);
    // One node stays: with none, no command could do anything.
    else if (kafka.silent.size === 0) kafka.silent.add(what === 'node 1' ? 1 : 2);
  }

  private committed(partition: number): CommittedOffset {
    const [committed] = this.kafka.group.committed({ groupId: '', topics: new Map([[TOPIC, [partition]]]) });
    if (committed === undefined) throw new Error(`the group has no partition ${partition}`);
    return committed;
  }

  private deleteCommitted(partition: number): void {
    const { start, end } = this.kafka.logOf(TOPIC, partition);
    const unaccounted = this.ledger.unaccounted().find((record) => record.partition === partition);
    // The commit of work from before a truncation says nothing of what came after it: a member that was reset may not have read that,
    // not even a gap, and would stop the partition.
    const limit = this.truncatedPartitions.has(partition)
      ? this.ledger.accountedUntil(partition)
      : (unaccounted?.offset ?? end);
    const offset = Math.min(this.committed(partition).offset, limit);
    if (offset > start) this.kafka.deleteBefore(TOPIC, partition, offset);
  }

  private truncate(partition: number, records: number): void {
    const { end, start } = this.kafka.logOf(TOPIC, partition);
    const left = this.kafka.truncate(TOPIC, partition, Math.max(start, end - records));
    this.truncatedPartitions.add(partition);
    this.ledger.truncated(partition, left);
    this.invariants.truncated(partition, left);
  }

  /** Counts the outstanding records, commits and handler runs. */
  private left(): number {
    return this.ledger.unaccounted().length + this.uncommitted().length + this.runs().length;
  }

  private uncommitted(): number[] {
    const open: number[] = [];
    for (let partition = 0; partition < this.partitions; partition += 1) {
      const isUsed = this.ledger.inPartition(partition).length > 0;
      if (isUsed && this.committed(partition).offset !== this.kafka.logOf(TOPIC, partition).end) open.push(partition);
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
