import { pino } from 'pino';
import { pause, type Clock } from '@orders-pipeline/clock';
import { ManualClock } from '@orders-pipeline/clock/testing';
import { type LegacyRecord, legacyView } from '#legacy/translation/to-legacy.js';
import { LegacyTimeZone } from '#legacy/translation/legacy-time-zone.js';
import type { LegacyOrder } from '#orders/order/order.js';
import { parseStrictJson } from '#legacy/json/strict-json.js';
import { completeRequest, fromLegacyRequest } from '#legacy/translation/from-legacy.js';
import {
  askedOrders,
  isAsked,
  SIDE_TEXTS,
  SideUnavailableError,
  type LegacyRead,
  type SideName,
  type WriteOutcome,
  type WrittenSide,
} from '../sides/side.js';
import type { Intent, AdmissionRequest } from '../writes/bucket-store.js';
import type { MigrationLimits, MigrationPorts } from '../migration/migration-ports.js';
import { MigrationRuntime } from '../migration/migration-runtime.js';
import { primarySide, byCapability } from '../stages/stages.js';
import { NO_FIGURES } from '../stages/gate.js';
import { errorAnswer, orderAnswer, type ForwardedRequest, type LegacyAnswer } from '../sides/legacy-answers.js';
import { MigrationState } from '../migration/migration-state.js';
import { OpenIntents } from '../writes/open-intents.js';
import { MemoryBucketStore, MemoryMigrationStore, MemoryNumberStore } from './memory-stores.js';

/** Returns pseudo-random numbers from 0 up to, but not including, 1: the same for the same seed (mulberry32). */
function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** How the network treats the messages of a process. */
interface NetworkConditions {
  /** Longest delay of a message, in ms. */
  readonly delayMs: number;
  /** Share of the calls whose answer, or whose request, is lost. */
  readonly lossRate: number;
}

const FOR_EVER = new Promise<never>(() => undefined);

/** A process that may die at any moment: what it has sent may still arrive, and it never goes on. */
class SimulatedProcess {
  isDead = false;
  /** The world's time, for as long as the process lives. */
  readonly clock: Clock;

  constructor(
    private readonly world: Clock,
    private readonly random: () => number,
  ) {
    this.clock = {
      now: () => world.now(),
      after: (milliseconds, run) => world.after(milliseconds, () => void (this.isDead || run())),
    };
  }

  /** Returns a port over a network with delays and losses. `now` is called directly. */
  over<T extends object>(port: T, network: () => NetworkConditions): T {
    return new Proxy(port, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== 'function') return member;
        if (name === 'now') return member.bind(target) as unknown;
        return async (...args: unknown[]) =>
          this.call(network(), async () => (await Reflect.apply(member, target, args)) as unknown);
      },
    });
  }

  private async call({ delayMs, lossRate }: NetworkConditions, effect: () => Promise<unknown>): Promise<unknown> {
    if (this.isDead) return FOR_EVER;
    await this.travel(delayMs);
    const isLost = this.random() < lossRate;
    if (isLost && this.random() < 0.5) throw new Error('the request was lost');
    const answer = await effect();
    await this.travel(delayMs);
    if (this.isDead) return FOR_EVER;
    if (isLost) throw new Error('the answer was lost');
    return answer;
  }

  private async travel(delayMs: number): Promise<void> {
    if (delayMs > 0) await pause(this.world, Math.floor(this.random() * delayMs));
  }
}

/**
 * How a side treats requests. `unavailable`: none arrives. `silent`: each may be executed, now or up to 4 s later, without an answer.
 * `refusing`: it refuses some orders for ever.
 */
export type SideBehaviour = 'up' | 'slow' | 'unavailable' | 'silent' | 'refusing';

const ZONE = new LegacyTimeZone('UTC');
const LATE_MS = 4_000;
const TIMEOUT_MS = 300;

/** A side in memory, with a log of what it stored first. */
export class SimulatedSide implements WrittenSide {
  behaviour: SideBehaviour = 'up';
  /** Accepted orders by id: for the target, those that Kafka has. */
  readonly accepted = new Map<string, LegacyOrder>();
  /** What went wrong and never may: a number used twice. */
  readonly defects: string[] = [];
  private readonly readable = new Set<string>();
  /** What was refused is never stored, also not by an earlier request that is executed late. */
  private readonly refusedIds = new Set<string>();
  private readonly numbers = new Map<number, string>();

  constructor(
    readonly name: SideName,
    private readonly clock: Clock,
    private readonly random: () => number,
    /** How long an accepted order is not readable. */
    private readonly lagMs: number,
  ) {}

  async write(orders: readonly LegacyOrder[]): Promise<readonly WriteOutcome[]> {
    const outcomes: WriteOutcome[] = [];
    const ended = new Set<string>();
    for (const order of orders) {
      if (ended.has(order.accountId)) {
        outcomes.push({ result: 'unknown', message: 'not sent' });
        continue;
      }
      const outcome = await this.writeOne(order);
      if (outcome.result === 'unknown') ended.add(order.accountId);
      outcomes.push(outcome);
    }
    return outcomes;
  }

  async areReadable(ids: readonly string[]): Promise<readonly ('readable' | 'not-yet')[]> {
    await this.answer();
    return ids.map((id) => (this.readable.has(id) ? 'readable' : 'not-yet'));
  }

  async find(read: LegacyRead): Promise<readonly LegacyRecord[]> {
    await this.answer();
    const asked = askedOrders(read);
    return [...this.accepted.values()]
      .filter(({ id, legacy: { number } }) => this.readable.has(id) && isAsked(asked, { id, number }))
      .map((order) => legacyView(order, ZONE) as LegacyRecord);
  }

  /** Stores an order at once: of the legacy system's own numbering, or of a backfill. */
  store(order: LegacyOrder): WriteOutcome {
    const { id, legacy } = order;
    if (this.refusedIds.has(id)) return refused('a rule of this side');
    const known = this.accepted.get(id);
    if (known !== undefined) {
      const isSame = known.legacy.number === legacy.number && known.quantity === order.quantity;
      // Kafka takes everything; a conflict shows later, and nothing is overwritten.
      return isSame || this.name === 'new' ? { result: 'stored' } : refused(`order ${id} exists`);
    }
    const owner = this.numbers.get(legacy.number);
    if (owner !== undefined && this.name === 'legacy') return refused(`number ${legacy.number} is in use`);
    if (owner !== undefined) this.defects.push(`number ${legacy.number} of ${owner} is used again by ${id}`);
    this.numbers.set(legacy.number, id);
    this.accepted.set(id, order);
    if (this.lagMs === 0) this.readable.add(id);
    else this.clock.after(Math.floor(this.random() * this.lagMs), () => void this.readable.add(id));
    return { result: 'stored' };
  }

  get highest(): number {
    return Math.max(0, ...this.numbers.keys());
  }

  private async writeOne(order: LegacyOrder): Promise<WriteOutcome> {
    if (this.behaviour === 'unavailable') return { result: 'unknown', message: 'unavailable' };
    await this.delay();
    if (this.behaviour === 'silent') {
      if (this.random() < 0.7) this.clock.after(Math.floor(this.random() * LATE_MS), () => void this.store(order));
      await pause(this.clock, TIMEOUT_MS);
      return { result: 'unknown', message: 'time-out' };
    }
    if (this.behaviour === 'refusing' && order.quantity % 5 === 0 && !this.accepted.has(order.id))
      this.refusedIds.add(order.id);
    return this.store(order);
  }

  private async answer(): Promise<void> {
    if (this.behaviour === 'unavailable') throw new Error(`${SIDE_TEXTS[this.name]} is unavailable`);
    await this.delay();
    if (this.behaviour !== 'silent') return;
    await pause(this.clock, TIMEOUT_MS);
    throw new Error('time-out');
  }

  private async delay(): Promise<void> {
    const longest = this.behaviour === 'slow' ? 400 : 8;
    await pause(this.clock, Math.floor(this.random() * longest));
  }
}

function refused(message: string): WriteOutcome {
  return { result: 'refused', code: 'refused', message, status: message.includes('number') ? 409 : 422 };
}

export const LIMITS: MigrationLimits = {
  GATE_MIN_SAMPLES: 0,
  GATE_MAX_MISMATCHES: 0,
  GATE_MAX_ERROR_RATE: 1,
  GATE_P99_FACTOR: 1.5,
  GATE_P99_FLOOR_MS: 50,
  INTENT_MAX_AGE_MS: 10_000,
  INTENT_MAX_OPEN: 50,
  ROLLBACK_MAX_ERROR_RATE: 1,
  ROLLBACK_MIN_REQUESTS: 20,
  ROLLBACK_MAX_MISMATCHES: 0,
  CHANGE_LIMIT_MS: 4_000,
  outbox: { repairAfterMs: 2_000, batchSize: 100, maxCalls: 16 },
  numberBlock: 7,
};

/** A facade instance, and the process it runs in. */
export interface SimulatedInstance {
  readonly name: string;
  readonly process: SimulatedProcess;
  readonly runtime: MigrationRuntime;
  readonly state: MigrationState;
  readonly openIntents: OpenIntents;
  /** The sides, as this process reaches them. */
  readonly sides: Readonly<Record<SideName, SimulatedSide>>;
}

/** Records what each order was admitted as: the model's view of what must happen to it. */
class RecordingBucketStore extends MemoryBucketStore {
  readonly admitted = new Map<string, Intent>();
  /** Admitted ids by account, in their order. */
  readonly byAccount = new Map<string, string[]>();
  /** Whether the primary has the order. */
  isStored: (intent: Intent) => boolean = () => false;

  override async admit(request: AdmissionRequest) {
    const after = await super.admit(request);
    const intent = after?.open.at(-1);
    if (intent === undefined) return after;
    const { id, accountId } = intent.order;
    const before = this.admitted.get(id);
    // A repeat of an order that is there, perhaps since before any intents: nothing more is written.
    if (this.isStored(before ?? intent)) return after;
    this.admitted.set(id, intent);
    const others = (this.byAccount.get(accountId) ?? []).filter((other) => other !== id);
    this.byAccount.set(accountId, [...others, id]);
    return after;
  }
}

/** Both sides, the database, and facade instances that come and go. Time is simulated; one seed gives one course of events. */
export class SimulatedWorld {
  readonly clock = new ManualClock();
  readonly random: () => number;
  readonly buckets: RecordingBucketStore;
  readonly store: MemoryMigrationStore;
  readonly sides: Readonly<Record<SideName, SimulatedSide>>;
  readonly instances: SimulatedInstance[] = [];
  /** Orders that the secondary has refused. */
  readonly diverged = new Set<string>();
  network: NetworkConditions = { delayMs: 6, lossRate: 0 };
  isDatabaseUnavailable = false;
  private readonly numbers = new MemoryNumberStore();
  private leaseOwner: { readonly owner: string; readonly until: number } | undefined;
  private started = 0;

  constructor(seed: number) {
    this.random = seededRandom(seed);
    this.buckets = new RecordingBucketStore(this.clock);
    this.store = new MemoryMigrationStore(this.clock);
    this.sides = {
      legacy: new SimulatedSide('legacy', this.clock, this.random, 0),
      new: new SimulatedSide('new', this.clock, this.random, 400),
    };
    this.buckets.isStored = ({ answering, order }) => this.sides[answering].accepted.has(order.id);
  }

  /** Starts an instance; one with the name of a dead one is its successor. */
  start(name: string): SimulatedInstance {
    this.started += 1;
    const start = this.started;
    const process = new SimulatedProcess(this.clock, this.random);
    const over = <T extends object>(port: T): T => process.over(port, () => this.network);
    const overToDatabase = <T extends object>(port: T): T =>
      process.over(port, () => (this.isDatabaseUnavailable ? { ...this.network, lossRate: 1 } : this.network));
    const sides = { legacy: over(this.sides.legacy), new: over(this.sides.new) };
    const identity = { name, process: `${name}-${start}`, address: name };
    const logger = pino({ level: 'silent' });
    const store = overToDatabase(this.store);
    const buckets = overToDatabase(this.buckets);
    const state = new MigrationState({ store, clock: process.clock, identity, logger });
    const ports: MigrationPorts = {
      store,
      buckets,
      numbers: overToDatabase(this.numbers),
      lease: overToDatabase({
        acquire: async () => this.acquireLease(`${name}-${start}`),
        release: async () => undefined,
      }),
      sides: { answering: sides, outbox: sides },
      legacy: over({
        post: async (request: ForwardedRequest) => this.postToLegacy(request),
        highestNumber: async () => Promise.resolve(this.sides.legacy.highest),
      }),
      figures: async () => Promise.resolve(byCapability(() => NO_FIGURES)),
      lastVerify: async () => Promise.resolve(this.verify()),
      reports: {
        diverged: async ({ order }) => {
          this.diverged.add(order.id);
          return Promise.resolve();
        },
        bothStored: () => undefined,
        observed: () => undefined,
        untranslatable: async () => Promise.resolve(),
      },
      isLegacyUnavailable: () => false,
      zone: ZONE,
      clock: process.clock,
      random: this.random,
      randomId: () => this.nextId(),
      identity,
      limits: LIMITS,
      logger,
    };
    const runtime = new MigrationRuntime(ports, state);
    const openIntents = new OpenIntents(buckets, state, process.clock);
    const instance = { name, process, runtime, state, openIntents, sides };
    this.instances.push(instance);
    runtime.start();
    return instance;
  }

  /** Kills an instance, whatever it is at. */
  kill(instance: SimulatedInstance): void {
    instance.process.isDead = true;
    this.instances.splice(this.instances.indexOf(instance), 1);
  }

  /** Copies what the target lacks and no intent will bring. */
  backfill(): void {
    for (const order of this.missingOnTarget()) this.sides.new.store(order);
  }

  /** Answers a read as the facade does. @throws when it may not be answered */
  async read({ state, openIntents, sides }: SimulatedInstance, read: LegacyRead, key: string) {
    const { stage } = await state.stageOf(read.capability, key);
    const side = primarySide(stage);
    await openIntents.untilReadable(side, askedOrders(read), new AbortController().signal);
    return sides[side].find(read);
  }

  anyInstance(): SimulatedInstance | undefined {
    return this.pick(this.instances);
  }

  async wait(milliseconds: number): Promise<void> {
    await new Promise<void>((resolve) => void this.clock.after(milliseconds, resolve));
  }

  /** @returns `undefined` only of an empty list */
  pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.random() * from.length)] as T;
  }

  nextId(): string {
    const digits = Math.floor(this.random() * 2 ** 48)
      .toString(16)
      .padStart(12, '0');
    return `01935c9e-8a00-4000-8000-${digits}`;
  }

  private missingOnTarget(): LegacyOrder[] {
    return [...this.sides.legacy.accepted.values()].filter(
      ({ id }) => !this.sides.new.accepted.has(id) && !this.isPromised(id),
    );
  }

  /** Whether the outbox brings the order to the target. */
  private isPromised(id: string): boolean {
    const admitted = this.buckets.admitted.get(id);
    return admitted !== undefined && admitted.new !== 'none';
  }

  private verify() {
    return { startedAt: new Date(this.clock.now()), differences: this.missingOnTarget().length };
  }

  private async acquireLease(owner: string): Promise<boolean> {
    const isFree = this.leaseOwner === undefined || this.leaseOwner.until < this.clock.now();
    if (!isFree && this.leaseOwner?.owner !== owner) return Promise.resolve(false);
    this.leaseOwner = { owner, until: this.clock.now() + 3_000 };
    return Promise.resolve(true);
  }

  /** The legacy system's own `POST /orders`, which numbers what has no number. */
  private async postToLegacy({ body }: ForwardedRequest): Promise<LegacyAnswer> {
    const { legacy } = this.sides;
    if (legacy.behaviour === 'unavailable')
      throw new SideUnavailableError('legacy', 'breaker-open', 'it is unavailable');
    const parsed = parseStrictJson(body);
    const read = fromLegacyRequest('value' in parsed ? parsed.value : undefined, ZONE);
    if (!('request' in read)) return errorAnswer({ status: 400, message: read.reason.detail });
    const { request } = read;
    const carryOut = (): LegacyAnswer => {
      const id = request.id ?? this.nextId();
      const known = legacy.accepted.get(id);
      const createdAt = new Date(1_780_000_000_000);
      const order = known ?? completeRequest(request, { id, number: legacy.highest + 1, createdAt });
      const outcome = legacy.store(order);
      if (outcome.result === 'stored') return orderAnswer(known === undefined ? 201 : 200, legacyView(order, ZONE));
      return errorAnswer({ status: 409, message: 'conflict' });
    };
    if (legacy.behaviour !== 'silent') return Promise.resolve(carryOut());
    if (this.random() < 0.7) this.clock.after(Math.floor(this.random() * 4_000), () => void carryOut());
    throw new Error('time-out');
  }
}
