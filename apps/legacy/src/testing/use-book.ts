import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from '@jest/globals';
import { ManualClock } from '@orders-pipeline/clock/testing';
import { ChunkFiles } from '../files/chunk-files.js';
import { GroupCommits } from '../files/group-commits.js';
import { OrderBook } from '../orders/order-book.js';

/** An order book, and what is below it. */
export class TestedBook {
  folder = '';
  clock = new ManualClock();
  files!: ChunkFiles;
  /** Resolves with the failure of a write whose outcome is unknown. */
  uncertain = Promise.withResolvers<Error>();
  commits!: GroupCommits;
  book!: OrderBook;

  /** Opens the book of the folder, as a start of the legacy system does. */
  async open(): Promise<void> {
    this.files = await ChunkFiles.open(this.folder);
    this.uncertain = Promise.withResolvers();
    this.commits = new GroupCommits(this.files, this.uncertain.resolve);
    this.book = await OrderBook.open(this.files, this.commits, this.clock);
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
