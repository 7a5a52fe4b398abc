import { pause, type Clock } from '@orders-pipeline/clock';
import type { LegacyRecord } from '#legacy/translation/legacy-record.js';
import { LegacyTimeZone } from '#legacy/translation/legacy-time-zone.js';
import { legacyView } from '#legacy/translation/to-legacy.js';
import type { LegacyOrder } from '#orders/order/order.js';
import type { LegacyRead } from '../sides/legacy-read.js';
import type { SideName, WriteOutcome, WrittenSide } from '../sides/side.js';

/**
 * How a side treats requests. `away`: none arrives. `silent`: each may be executed, now or up to 4 s later, without an answer.
 * `refusing`: it refuses some orders for ever.
 */
export type SideMood = 'up' | 'slow' | 'away' | 'silent' | 'refusing';

export const ZONE = new LegacyTimeZone('UTC');
const LATE_MS = 4_000;
const TIMEOUT_MS = 300;

/** A side in memory, with a log of what it stored first. */
export class SimulatedSide implements WrittenSide {
  mood: SideMood = 'up';
  /** Accepted orders by id: for the new side, those that Kafka has. */
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
    return this.recordsOf(read);
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

  private recordsOf(read: LegacyRead): readonly LegacyRecord[] {
    const orders =
      read.capability === 'read-by-id'
        ? [this.accepted.get(read.id)]
        : [...this.accepted.values()].filter(
            ({ legacy }) =>
              read.capability === 'read-by-range' && legacy.number >= read.start && legacy.number <= read.end,
          );
    return orders
      .filter((order) => order !== undefined && this.readable.has(order.id))
      .map((order) => legacyView(order as LegacyOrder, ZONE) as LegacyRecord);
  }

  private async writeOne(order: LegacyOrder): Promise<WriteOutcome> {
    if (this.mood === 'away') return { result: 'unknown', message: 'away' };
    await this.delay();
    if (this.mood === 'silent') {
      if (this.random() < 0.7) this.clock.after(Math.floor(this.random() * LATE_MS), () => void this.store(order));
      await pause(this.clock, TIMEOUT_MS);
      return { result: 'unknown', message: 'time-out' };
    }
    if (this.mood === 'refusing' && order.quantity % 5 === 0 && !this.accepted.has(order.id))
      this.refusedIds.add(order.id);
    return this.store(order);
  }

  private async answer(): Promise<void> {
    if (this.mood === 'away') throw new Error(`the ${this.name} side is away`);
    await this.delay();
    if (this.mood !== 'silent') return;
    await pause(this.clock, TIMEOUT_MS);
    throw new Error('time-out');
  }

  private async delay(): Promise<void> {
    const longest = this.mood === 'slow' ? 400 : 8;
    await pause(this.clock, Math.floor(this.random() * longest));
  }
}

function refused(message: string): WriteOutcome {
  return { result: 'refused', code: 'refused', message, status: message.includes('number') ? 409 : 422 };
}
