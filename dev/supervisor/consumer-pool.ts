import type { App } from './apps.js';

export interface PoolDependencies {
  /** Creates the nth consumer, counted from 1. */
  readonly make: (n: number) => App;
  /** Drains a consumer, and reports it if it had to be killed. */
  readonly drain: (app: App) => Promise<unknown>;
  readonly print: (line: string) => void;
}

/** The consumers of a stack: scales them to the desired number, one change after another. */
export class ConsumerPool {
  /** By their numbers, ascending. */
  private apps = new Map<number, App>();
  private desired: number | undefined;
  private changing: Promise<void> | undefined;
  private isClosed = false;

  constructor(private readonly dependencies: PoolDependencies) {}

  /** The consumers that run or are starting. */
  get running(): readonly App[] {
    return [...this.apps.values()];
  }

  /** Starts the first consumers. @throws the error that keeps one from becoming ready */
  async start(count: number): Promise<void> {
    await Promise.all(this.add(count).map(async (app) => app.start()));
  }

  /** Scales to `count`; the lowest numbers stay. A change in progress is finished first; of several pending changes the last counts. */
  scale(count: number): void {
    this.desired = count;
    this.changing ??= this.applyChanges();
  }

  /**
   * Starts no more changes: while the caller drains all consumers, none may be starting.
   * @returns once a change in progress is finished and the consumers that it drains have ended
   */
  async close(): Promise<void> {
    this.isClosed = true;
    await this.changing;
  }

  private async applyChanges(): Promise<void> {
    while (this.desired !== undefined && !this.isClosed) {
      const count = this.desired;
      this.desired = undefined;
      await this.change(count);
    }
    this.changing = undefined;
  }

  private async change(count: number): Promise<void> {
    const leaving = this.remove(this.apps.size - count);
    const coming = this.add(count - this.apps.size);
    if (leaving.length > 0) this.dependencies.print(`draining ${namesOf(leaving)}`);
    if (coming.length > 0) this.dependencies.print(`starting ${namesOf(coming)}`);
    await Promise.all([
      ...leaving.map(async (app) => this.dependencies.drain(app)),
      ...coming.map(async (app) => this.try(app)),
    ]);
    const { size } = this.apps;
    if (!this.isClosed) this.dependencies.print(size === 1 ? '1 consumer runs' : `${size} consumers run`);
  }

  private add(count: number): App[] {
    const added: App[] = [];
    for (let n = 1; added.length < count; n += 1) {
      if (this.apps.has(n)) continue;
      const app = this.dependencies.make(n);
      this.apps.set(n, app);
      added.push(app);
    }
    this.apps = new Map([...this.apps].toSorted(([a], [b]) => a - b));
    return added;
  }

  private remove(count: number): App[] {
    const removed = count > 0 ? [...this.apps].slice(-count) : [];
    for (const [n] of removed) this.apps.delete(n);
    return removed.map(([, app]) => app);
  }

  /** Starts an additional consumer. If it doesn't become ready, reports and drops it: the others work without it. */
  private async try(app: App): Promise<void> {
    try {
      await app.start();
    } catch (error) {
      if (this.isClosed) return;
      this.dependencies.print(String(error instanceof Error ? error.message : error));
      for (const [n, other] of this.apps) if (other === app) this.apps.delete(n);
      await this.dependencies.drain(app);
    }
  }
}

function namesOf(apps: readonly App[]): string {
  return apps.map(({ name }) => name).join(', ');
}
