import { ManualClock } from '@orders-pipeline/clock/testing';
import { pino } from 'pino';
import type { LegacyOrder } from '#orders/order/order.js';
import { parseStrictJson } from '#legacy/json/strict-json.js';
import { completeRequest, fromLegacyRequest } from '#legacy/translation/from-legacy.js';
import { legacyView } from '#legacy/translation/to-legacy.js';
import type { Intent } from '../intents/intent.js';
import type { AdmissionRequest } from '../intents/bucket-store.js';
import {
  knowledgeOf,
  MigrationRuntime,
  type MigrationKnowledge,
  type MigrationLimits,
  type MigrationPorts,
} from '../migration/migration-runtime.js';
import { byCapability } from '../stages/capability.js';
import { NO_FIGURES } from '../stages/figures.js';
import type { SideName } from '../sides/side.js';
import type { LegacyRead } from '../sides/legacy-read.js';
import { NotSentError, type ForwardedRequest, type LegacyAnswer } from '../writes/legacy-port.js';
import { orderAnswer, errorAnswer } from '../writes/legacy-answer.js';
import { MemoryBucketStore } from './memory-bucket-store.js';
import { MemoryMigrationStore } from './memory-migration-store.js';
import { MemoryNumberStore } from './memory-number-store.js';
import { seededRandom } from './seeded-random.js';
import { SimulatedProcess, type Weather } from './simulated-process.js';
import { SimulatedSide, ZONE } from './simulated-side.js';

export const LIMITS: MigrationLimits = {
  admission: { maxOpen: 50, maxAgeMs: 10_000 },
  outbox: { repairAfterMs: 2_000, batchSize: 100, maxCalls: 16 },
  gate: { minSamples: 0, maxMismatches: 0, maxErrorRate: 1, p99Factor: 1.5, p99FloorMs: 50, maxIntentAgeMs: 10_000 },
  rollback: { maxErrorRate: 1, minRequests: 20, maxMismatches: 0 },
  changeMs: 4_000,
  numberBlock: 7,
};

/** A facade instance, and the process it runs in. */
export interface SimulatedInstance {
  readonly name: string;
  readonly process: SimulatedProcess;
  readonly runtime: MigrationRuntime;
  readonly knowledge: MigrationKnowledge;
  /** The sides, as this process reaches them. */
  readonly sides: Readonly<Record<SideName, SimulatedSide>>;
}

/** Records what each order was admitted as: the model's view of what must happen to it. */
class RecordingBucketStore extends MemoryBucketStore {
  readonly admitted = new Map<string, Intent>();
  /** Admitted ids by account, in their order. */
  readonly byAccount = new Map<string, string[]>();
  /** Whether the side that answers has the order. */
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
  /** Orders that the side that follows has refused. */
  readonly diverged = new Set<string>();
  weather: Weather = { delayMs: 6, lossRate: 0 };
  isDatabaseAway = false;
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
    const process = new SimulatedProcess(this.clock, this.random, () => this.weather);
    const databaseWeather = (): Weather => (this.isDatabaseAway ? { ...this.weather, lossRate: 1 } : this.weather);
    const toDatabase = new SimulatedProcess(this.clock, this.random, databaseWeather);
    // One death for both.
    const die = process.die.bind(process);
    process.die = () => {
      die();
      toDatabase.die();
    };
    const sides = { legacy: process.over(this.sides.legacy), new: process.over(this.sides.new) };
    const ports: MigrationPorts = {
      store: toDatabase.over(this.store),
      buckets: toDatabase.over(this.buckets),
      numbers: toDatabase.over(this.numbers),
      lease: toDatabase.over({ hold: async () => this.hold(`${name}-${start}`), release: async () => undefined }),
      sides: { answering: sides, outbox: sides },
      stored: { find: async (side, read) => sides[side].find(read) },
      legacy: {
        post: async (request) => process.over({ post: async () => this.postToLegacy(request) }).post(),
        highestNumber: async () =>
          process.over({ highest: async () => Promise.resolve(this.sides.legacy.highest) }).highest(),
      },
      figures: { read: async () => Promise.resolve(byCapability(() => NO_FIGURES)) },
      verifies: { last: async () => Promise.resolve(this.verify()) },
      reports: {
        diverged: async ({ order }) => {
          this.diverged.add(order.id);
          return Promise.resolve();
        },
        bothStored: () => undefined,
        observed: () => undefined,
      },
      reportUntranslatable: async () => Promise.resolve(),
      isLegacyAway: () => false,
      zone: ZONE,
      clock: process.clock,
      stopwatch: () => this.clock.now(),
      random: this.random,
      randomId: () => this.nextId(),
      identity: { name, process: `${name}-${start}`, place: name },
      limits: LIMITS,
      logger: pino({ level: 'silent' }),
    };
    const knowledge = knowledgeOf(ports);
    const runtime = new MigrationRuntime(ports, knowledge);
    const instance = { name, process, runtime, knowledge, sides };
    this.instances.push(instance);
    runtime.start();
    return instance;
  }

  /** Kills an instance, whatever it is at. */
  kill(instance: SimulatedInstance): void {
    instance.process.die();
    this.instances.splice(this.instances.indexOf(instance), 1);
  }

  /** Copies what the new side lacks and no intent will bring. */
  backfill(): void {
    for (const order of this.missingOnNew()) this.sides.new.store(order);
  }

  /** Answers a read as the facade does. @throws when it may not be answered */
  async read({ knowledge, sides }: SimulatedInstance, read: LegacyRead, key: string) {
    const { stage } = await knowledge.state.stageOf(read.capability, key);
    const side = stage === 'off' || stage === 'shadow' ? 'legacy' : 'new';
    const asked =
      read.capability === 'read-by-id'
        ? { id: read.id }
        : read.capability === 'read-by-range'
          ? { from: read.start, to: read.end }
          : { from: 1, to: 1 };
    await knowledge.openIntents.untilReadable(side, asked, new AbortController().signal);
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

  private missingOnNew(): LegacyOrder[] {
    return [...this.sides.legacy.accepted.values()].filter(
      ({ id }) => !this.sides.new.accepted.has(id) && !this.isPromised(id),
    );
  }

  /** Whether the outbox brings the order to the new side. */
  private isPromised(id: string): boolean {
    const admitted = this.buckets.admitted.get(id);
    return admitted !== undefined && admitted.new !== 'none';
  }

  private verify() {
    return { startedAt: new Date(this.clock.now()), differences: this.missingOnNew().length };
  }

  private async hold(owner: string): Promise<boolean> {
    const isFree = this.leaseOwner === undefined || this.leaseOwner.until < this.clock.now();
    if (!isFree && this.leaseOwner?.owner !== owner) return Promise.resolve(false);
    this.leaseOwner = { owner, until: this.clock.now() + 3_000 };
    return Promise.resolve(true);
  }

  /** The legacy system's own `POST /orders`, which numbers what has no number. */
  private async postToLegacy({ body }: ForwardedRequest): Promise<LegacyAnswer> {
    const { legacy } = this.sides;
    if (legacy.mood === 'away') throw new NotSentError('the legacy system is away');
    const parsed = parseStrictJson(body);
    const read = fromLegacyRequest('value' in parsed ? parsed.value : undefined, ZONE);
    if (!('request' in read)) return errorAnswer(400, 'bad-order', read.reason.detail);
    const { request } = read;
    const carryOut = (): LegacyAnswer => {
      const id = request.id ?? this.nextId();
      const known = legacy.accepted.get(id);
      const createdAt = new Date(1_780_000_000_000);
      const order = known ?? completeRequest(request, { id, number: legacy.highest + 1, createdAt });
      const outcome = legacy.store(order);
      if (outcome.result === 'stored') return orderAnswer(known === undefined ? 201 : 200, legacyView(order, ZONE));
      return errorAnswer(409, 'conflict', 'conflict');
    };
    if (legacy.mood !== 'silent') return Promise.resolve(carryOut());
    if (this.random() < 0.7) this.clock.after(Math.floor(this.random() * 4_000), () => void carryOut());
    throw new Error('time-out');
  }
}
