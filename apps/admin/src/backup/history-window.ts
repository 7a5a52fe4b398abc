import { MongoServerError, type Db } from 'mongodb';

const PARAMETER = 'minSnapshotHistoryWindowInSeconds';
/** How far the window always reaches beyond the age of the snapshot. After a kill it stays that much too large, until mongod restarts. */
const AHEAD_SECONDS = 600;
/** How often it grows. */
const GROW_EVERY_MS = 60_000;
const UNAUTHORIZED = 13;

/**
 * Makes the server keep the history that a snapshot needs, for as long as it is read: by default that is 300 s, and none in the embedded
 * MongoDB. The window grows with the age of the snapshot, since a longer one costs the server memory.
 */
export class HistoryWindow {
  private grownAt = Number.NEGATIVE_INFINITY;

  private constructor(
    private readonly admin: Db,
    private readonly before: number,
    private readonly openedAt: number,
    private readonly now: () => number,
  ) {}

  /**
   * Opens the window, before the snapshot is taken.
   * @param now monotonic, in ms
   * @returns `undefined` if the user may not set it: the server's own window must suffice
   */
  static async open(admin: Db, now: () => number): Promise<HistoryWindow | undefined> {
    try {
      const { [PARAMETER]: before } = await admin.command({ getParameter: 1, [PARAMETER]: 1 });
      const window = new HistoryWindow(admin, Number(before), now(), now);
      await window.grow();
      return window;
    } catch (error) {
      if (error instanceof MongoServerError && error.code === UNAUTHORIZED) return undefined;
      throw error;
    }
  }

  /** Lets the window grow, if it is time. */
  async grow(): Promise<void> {
    const at = this.now();
    if (at - this.grownAt < GROW_EVERY_MS) return;
    this.grownAt = at;
    await this.set(Math.max(this.before, Math.ceil((at - this.openedAt) / 1_000) + AHEAD_SECONDS));
  }

  /** Sets it to what it was. */
  async close(): Promise<void> {
    await this.set(this.before);
  }

  private async set(seconds: number): Promise<void> {
    await this.admin.command({ setParameter: 1, [PARAMETER]: seconds });
  }
}
