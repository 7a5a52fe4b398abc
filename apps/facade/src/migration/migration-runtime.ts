import { Outbox, OutboxWorker } from '../writes/outbox.js';
import { PostedOrders } from '../writes/posted-orders.js';
import type { MigrationPorts } from './migration-ports.js';
import type { MigrationState } from './migration-state.js';
import { RollbackWatch, ChangeDriver, ChangeFacts, StageChanges } from './stage-changes.js';

/** The migration logic of one facade instance: the same in production, in specs with real servers, and in simulations. */
export class MigrationRuntime {
  readonly orders: PostedOrders;
  readonly facts: ChangeFacts;
  readonly changes: StageChanges;
  private readonly worker: OutboxWorker;

  constructor(
    ports: MigrationPorts,
    readonly state: MigrationState,
  ) {
    this.orders = new PostedOrders(ports, state);
    this.facts = new ChangeFacts(ports);
    const driver = new ChangeDriver(ports);
    this.changes = new StageChanges(ports, driver, this.facts);
    const watch = new RollbackWatch(ports, this.facts, this.changes);
    this.worker = new OutboxWorker(ports, new Outbox(ports), async () => {
      if (driver.hasWork(state.latest)) await driver.drive();
      await watch.check();
    });
  }

  start(): void {
    this.state.start();
    this.worker.start();
  }

  /** To be called after the last request was answered. */
  async stop(): Promise<void> {
    try {
      await this.worker.stop();
    } finally {
      await this.state.stop();
    }
  }
}
