import { ManualClock } from '@orders-pipeline/clock/testing';
import { MemoryBucketStore, MemoryMigrationStore, MemoryNumberStore } from './memory-stores.js';
import { describeBucketStore, describeMigrationStore, describeNumberStore } from './migration-stores-contract.js';

describeMigrationStore('MemoryMigrationStore', async () =>
  Promise.resolve(new MemoryMigrationStore(new ManualClock())),
);
describeBucketStore('MemoryBucketStore', async () => Promise.resolve(new MemoryBucketStore(new ManualClock())));
describeNumberStore('MemoryNumberStore', async () => Promise.resolve(new MemoryNumberStore()));
