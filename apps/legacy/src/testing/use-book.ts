import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from '@jest/globals';
import { ManualClock } from '@orders-pipeline/clock/testing';
import { OrderFiles } from '../order-files.js';
import { OrderBook } from '../order-book.js';

/** An order book, and what is below it. */
class TestedBook {
  folder = '';
  clock = new ManualClock();
  files!: OrderFiles;
  /** Resolves with the failure of a write whose outcome is unknown. */
  uncertain = Promise.withResolvers<Error>();
  book!: OrderBook;

  /** Opens the book of the folder, as a start of the legacy system does. */
  async open(): Promise<void> {
    this.uncertain = Promise.withResolvers();
    this.files = await OrderFiles.open(this.folder, this.uncertain.resolve);
    this.book = await OrderBook.open(this.files, this.clock);
  }
}

/** Gives each test of a file an empty order book in a folder of its own. */
export function useBook(): TestedBook {
  const tested = new TestedBook();
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
