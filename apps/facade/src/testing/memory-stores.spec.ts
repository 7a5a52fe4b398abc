import { ManualClock } from '@orders-pipeline/clock/testing';
import { describeBucketStore } from './bucket-store-contract.js';
import { MemoryBucketStore } from './memory-bucket-store.js';
import { MemoryMigrationStore } from './memory-migration-store.js';
import { MemoryNumberStore } from './memory-number-store.js';
import { describeMigrationStore } from './migration-store-contract.js';
import { describeNumberStore } from './number-store-contract.js';

describeMigrationStore('MemoryMigrationStore', async () =>
  Promise.resolve(new MemoryMigrationStore(new ManualClock())),
);
describeBucketStore('MemoryBucketStore', async () => Promise.resolve(new MemoryBucketStore(new ManualClock())));
describeNumberStore('MemoryNumberStore', async () => Promise.resolve(new MemoryNumberStore()));
