import { ADMIN_ARCHIVE_MUTANTS, CONSUMER_ARCHIVE_MUTANTS, QUERY_ARCHIVE_MUTANTS } from './archive-mutants.js';
import { ATTEMPT_MUTANTS } from './attempt-mutants.js';
import { BATCH_MUTANTS } from './batch-mutants.js';
import { CLIENT_MUTANTS } from './client-mutants.js';
import { COMPARISON_MUTANTS } from './comparison-mutants.js';
import { COOPERATION_MUTANTS } from './cooperation-mutants.js';
import { ADMIN_EXPANSION_MUTANTS, EXPANSION_MUTANTS } from './expansion-mutants.js';
import { INTAKE_MUTANTS } from './intake-mutants.js';
import { INTENT_MUTANTS } from './intent-mutants.js';
import { LEASE_MUTANTS } from './lease-mutants.js';
import { OFFSET_MUTANTS } from './offset-mutants.js';
import { OUTAGE_MUTANTS } from './outage-mutants.js';
import { PRODUCING_MUTANTS } from './producing-mutants.js';
import { READ_MUTANTS } from './read-mutants.js';
import { RETRY_TOPIC_MUTANTS } from './retry-topic-mutants.js';
import { RUN_MUTANTS } from './run-mutants.js';
import { SERVICE_MUTANTS } from './service-mutants.js';
import { SETTLING_MUTANTS, WATERMARK_MUTANTS } from './settling-mutants.js';
import { STAGE_MUTANTS } from './stage-mutants.js';
import { WINDOW_MUTANTS } from './window-mutants.js';
import type { MutatedSource } from './mutant.js';

/** All source folders whose tests are tested. */
export const SOURCES: readonly MutatedSource[] = [
  {
    name: 'engine',
    folder: 'libs/parallel-consumer/src',
    specs: 'behaviour/model.property',
    mutants: [
      ...OFFSET_MUTANTS,
      ...ATTEMPT_MUTANTS,
      ...OUTAGE_MUTANTS,
      ...BATCH_MUTANTS,
      ...WINDOW_MUTANTS,
      ...RETRY_TOPIC_MUTANTS,
      ...PRODUCING_MUTANTS,
      ...COOPERATION_MUTANTS,
      ...LEASE_MUTANTS,
    ],
  },
  {
    name: 'facade',
    folder: 'apps/facade/src',
    specs: 'random-walks.property',
    mutants: [
      ...STAGE_MUTANTS,
      ...INTENT_MUTANTS,
      ...COMPARISON_MUTANTS,
      ...RUN_MUTANTS,
      ...CLIENT_MUTANTS,
      ...READ_MUTANTS,
    ],
  },
  {
    name: 'intake',
    folder: 'apps/producer/src',
    specs: 'intake/intake-crash.property',
    mutants: [...INTAKE_MUTANTS, ...EXPANSION_MUTANTS],
  },
  {
    name: 'compaction',
    folder: 'apps/producer/src',
    specs: 'compaction/',
    mutants: SETTLING_MUTANTS,
  },
  {
    name: 'query-api',
    folder: 'apps/query-api/src',
    specs: 'freshness/complete-through',
    mutants: WATERMARK_MUTANTS,
  },
  {
    name: 'service',
    folder: 'libs/service/src',
    specs: 'process/logged-requests',
    mutants: SERVICE_MUTANTS,
  },
  {
    name: 'archive',
    folder: 'apps/admin/src',
    specs: 'archive/archive-run',
    mutants: [...ADMIN_ARCHIVE_MUTANTS, ...ADMIN_EXPANSION_MUTANTS],
  },
  {
    name: 'archive in consumers',
    folder: 'apps/consumer/src',
    specs: 'save/archived-orders',
    mutants: CONSUMER_ARCHIVE_MUTANTS,
  },
  {
    name: 'archive in queries',
    folder: 'apps/query-api/src',
    specs: 'orders/number-holes',
    mutants: QUERY_ARCHIVE_MUTANTS,
  },
];
