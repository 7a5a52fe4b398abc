import { afterAll, beforeAll, describe } from '@jest/globals';
import { archivingSpecs, bringingBackSpecs } from '../archive/commands.js';
import { archiveCrashSpecs } from '../archive/crashes.js';
import { KindsOfOrders } from '../archive/kinds-of-orders.js';
import { archiveReaderSpecs } from '../archive/readers.js';
import { archiveReturnSpecs } from '../archive/returns.js';
import { COMPACTED_AT_ONCE } from '../support/compactions.js';
import { TestSystem } from '../support/test-system.js';
import { sharedPipeline } from '../support/shared-pipeline.js';

/** Settles operations at once; the letters of the specs below stay. */
const COMPACTED_SOON = { ...COMPACTED_AT_ONCE, SETTLED_RETENTION_DAYS: '30' };

// The specs run in this order, on the same orders.
describe('npm run admin -- archive', () => {
  const pipeline = sharedPipeline(async () =>
    TestSystem.start({ env: COMPACTED_SOON, flags: ['--no-console', '--save-ms', '0..5'] }),
  );
  let orders: KindsOfOrders;
  const shared = (): KindsOfOrders => orders;

  beforeAll(async () => {
    orders = await KindsOfOrders.in(pipeline());
  });

  afterAll(async () => orders?.archives.remove());

  describe('archiving', () => {
    archivingSpecs(shared);
  });
  describe('afterwards', () => {
    archiveReaderSpecs(shared);
  });
  describe('while archived', () => {
    archiveReturnSpecs(shared);
  });
  describe('bringing back', () => {
    bringingBackSpecs(shared);
  });
  describe('archives', () => {
    archiveCrashSpecs(pipeline);
  });
});
