import type { Db } from 'mongodb';
import type { LoggedRecord } from './logged-order.js';

/**
 * Numbers beyond what the log explains: an order may be on the legacy system alone when MongoDB is lost, and a crash leaves the rest of a block
 * of 1,000 unused.
 */
const MARGIN = 1_000_000;

interface Counter {
  readonly _id: 'next';
  readonly next: number;
}

/** The legacy numbers that the facade has assigned since the backup. */
export class FacadeNumbers {
  /** Numbers that clients have chosen, and the ids of their orders. */
  private readonly chosen = new Map<number, string>();
  private orders = 0;

  private constructor(
    private readonly db: Db,
    /** The next number that the backup would assign. */
    private readonly next: number,
  ) {}

  /** @returns `undefined` if the facade has never assigned a number */
  static async of(db: Db): Promise<FacadeNumbers | undefined> {
    const counter = await db.collection<Counter>('migrationNumbers').findOne({ _id: 'next' });
    return counter === null ? undefined : new FacadeNumbers(db, counter.next);
  }

  note({ legacy }: Pick<LoggedRecord, 'legacy'>): void {
    if (legacy === undefined || legacy.number < this.next) return;
    this.orders += 1;
    // The facade assigns one number after another: one that is far above them was chosen.
    if (legacy.number > this.next + this.orders + MARGIN) this.chosen.set(legacy.number, legacy.id);
  }

  /**
   * Lets the facade assign numbers above all that it may have assigned, and keeps those that clients have chosen. A repeat skips more numbers.
   * @returns the next number
   */
  async raise(): Promise<number> {
    const next = this.next + this.orders + 2 * MARGIN;
    for (const [number, id] of this.chosen)
      if (number >= next)
        await this.db
          .collection<{ _id: number; id: string; isConfirmed: boolean }>('migrationChosenNumbers')
          .updateOne({ _id: number }, { $setOnInsert: { id, isConfirmed: true } }, { upsert: true });
    await this.db.collection<Counter>('migrationNumbers').updateOne({ _id: 'next' }, { $max: { next } });
    return next;
  }
}
