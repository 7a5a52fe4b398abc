import type { LegacyRecord } from '#legacy/translation/legacy-record.js';
import { readKey } from '../sides/legacy-read.js';
import type { SideName } from '../sides/side.js';
import type { LegacyAnswer } from '../writes/legacy-port.js';
import type { SimulatedInstance, SimulatedWorld } from './simulated-world.js';

/** A client without an answer for this long gives up. */
export const GIVE_UP_MS = 12_000;
const ACCOUNTS = ['acc-0', 'acc-1', 'acc-2', 'acc-3', 'acc-4', 'acc-5'];

/** What the clients have seen, and what was wrong with it. */
export interface Journal {
  /** The acknowledged orders by id. */
  readonly acked: Map<string, LegacyRecord>;
  reads: number;
  readonly defects: string[];
}

/** A client that writes and reads, one request after another. */
export class SimulatedClient {
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
      this.journal.defects.push(`${id} was acknowledged before the ${side} side had it`);
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
