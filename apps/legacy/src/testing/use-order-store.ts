import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from '@jest/globals';
import { ManualClock } from '@orders-pipeline/clock/testing';
import { OrderFiles } from '../order-files.js';
import { OrderStore } from '../order-store.js';

/** An order store, and what is below it. */
class TestedOrderStore {
  folder = '';
  clock = new ManualClock();
  files!: OrderFiles;
  /** Resolves with the failure of a write whose outcome is unknown. */
  uncertain = Promise.withResolvers<Error>();
  store!: OrderStore;

  /** Opens the store of the folder, as a start of the legacy system does. */
  async open(): Promise<void> {
    this.uncertain = Promise.withResolvers();
    this.files = await OrderFiles.open(this.folder, this.uncertain.resolve);
    this.store = await OrderStore.open(this.files, this.clock);
  }
}

/** Gives each test of a file an empty order store in a folder of its own. */
export function useOrderStore(): TestedOrderStore {
  const tested = new TestedOrderStore();
  beforeEach(async () => {
    tested.folder = await mkdtemp(join(tmpdir(), 'legacy-'));
    tested.clock = new ManualClock();
    await tested.open();
  });
  afterEach(async () => {
    await tested.files.close();
    await rm(tested.folder, { recursive: true, force: true });
  });
  return tested;
}
