import type { IndexDescription } from 'mongodb';

/** An index that the services need. Its name never changes its meaning: another definition gets another name. */
export type NeededIndex = IndexDescription & { readonly name: string };

const DAY_SECONDS = 24 * 60 * 60;
const HOUR_SECONDS = 60 * 60;

/**
 * The six indexes of orders in addition to `_id`. Each index slows down every insert (measured: about 40,000 inserts/s with 1 index,
 * 22,000 with 6, 7,000 with 24). Each ends in `number`, the tie-breaker of every sort that it serves.
 */
export const ORDER_INDEXES: readonly NeededIndex[] = [
  { name: 'number', key: { number: 1 }, unique: true },
  { name: 'createdAt_number', key: { createdAt: 1, number: 1 } },
  { name: 'amount_number', key: { amount: 1, number: 1 } },
  { name: 'accountId_createdAt_number', key: { accountId: 1, createdAt: 1, number: 1 } },
  { name: 'symbol_createdAt_number', key: { symbol: 1, createdAt: 1, number: 1 } },
  {
    name: 'legacyNumber_number',
    key: { 'legacy.number': 1, number: 1 },
    // Not `sparse`: a sparse index on two fields excludes only documents that have neither.
    partialFilterExpression: { 'legacy.number': { $exists: true } },
  },
];

/** All indexes besides `_id`, by collection. `npm run admin -- migrate` creates them; services only verify those that they need. */
export const INDEXES = {
  orders: ORDER_INDEXES,
  summaryRollups: [
    // Covers the count of a rollup: the documents can have several megabytes.
    { name: 'id_orders', key: { _id: 1, orders: 1 } },
  ],
  deadLetters: [
    // Covers the count of an operation's dead letters, which every progress query needs.
    { name: 'operationId_index_state_fault', key: { operationId: 1, index: 1, state: 1, fault: 1 } },
    { name: 'state_errorCode', key: { state: 1, 'error.code': 1 } },
    // Sparse, because most dead letters are never redriven.
    {
      name: 'tries_sent_sparse',
      key: { 'tries.operationId': 1, 'tries.outcome': 1, 'tries.sent.partition': 1, 'tries.sent.offset': 1 },
      sparse: true,
    },
  ],
  // Keeps the last heartbeat of a stopped consumer for an hour.
  consumers: [{ name: 'at', key: { at: 1 }, expireAfterSeconds: HOUR_SECONDS }],
  operations: [
    { name: 'status_id', key: { status: 1, _id: 1 } },
    // Finds the operation of an order number.
    { name: 'firstNumber', key: { firstNumber: 1 } },
    // Finds operations whose processing metadata is not compacted yet.
    { name: 'compactedAt_id', key: { compactedAt: 1, _id: 1 } },
  ],
  autoscalerDecisions: [{ name: 'at', key: { at: 1 }, expireAfterSeconds: 7 * DAY_SECONDS }],
  // A client can retry for two days.
  idempotencyKeys: [{ name: 'createdAt', key: { createdAt: 1 }, expireAfterSeconds: 2 * DAY_SECONDS }],
  intakeBatches: [
    { name: 'operationId_from', key: { operationId: 1, from: 1 } },
    {
      name: 'requests_key',
      key: { 'requests.key': 1 },
      unique: true,
      partialFilterExpression: { 'requests.key': { $exists: true } },
    },
    { name: 'keysUntil', key: { keysUntil: 1 }, sparse: true },
    // Nearly all batches are acknowledged, and not in these.
    { name: 'reserved', key: { state: 1 }, partialFilterExpression: { state: 'reserved' } },
    { name: 'abandoned', key: { _id: 1, state: 1 }, partialFilterExpression: { state: 'abandoned' } },
  ],
  // Finds the verified block of an order number.
  settledBlocks: [{ name: 'first_last', key: { first: 1, last: 1 } }],
  importRows: [{ name: 'operationId_index', key: { operationId: 1, index: 1 }, unique: true }],
  importManifest: [{ name: 'sha256', key: { sha256: 1 } }],
  'importFiles.files': [
    { name: 'operationId', key: { 'metadata.operationId': 1 } },
    // This one and that of the chunks are GridFS's own, which the driver would create at the first upload.
    { name: 'filename_1_uploadDate_1', key: { filename: 1, uploadDate: 1 } },
  ],
  'importFiles.chunks': [{ name: 'files_id_1_n_1', key: { files_id: 1, n: 1 }, unique: true }],
  // Each process polls the newest change once a second. Services do not verify it: without it the list is only read more slowly.
  archivedRanges: [{ name: 'changedAt_id', key: { changedAt: 1, _id: 1 } }],
  // Removes events at the end of their retention, and serves `GET /v1/audit`.
  auditEvents: [
    { name: 'expiresAt', key: { expiresAt: 1 }, expireAfterSeconds: 0 },
    { name: 'subject', key: { subject: 1, _id: 1 } },
    { name: 'target', key: { target: 1, _id: 1 } },
  ],
  migrationAudit: [{ name: 'at_-1', key: { at: -1 } }],
  migrationBuckets: [
    { name: 'open.id_1', key: { 'open.id': 1 }, sparse: true },
    { name: 'open.number_1', key: { 'open.number': 1 }, sparse: true },
  ],
  migrationMismatches: [{ name: 'finding', key: { capability: 1, version: 1, key: 1, recheck: 1 }, unique: true }],
  migrationRuns: [
    { name: 'kind_startedAt', key: { kind: 1, startedAt: -1 } },
    { name: 'running', key: { kind: 1 }, unique: true, partialFilterExpression: { status: 'running' } },
  ],
  migrationFindings: [{ name: 'run_from', key: { run: 1, from: 1 } }],
} as const satisfies Record<string, readonly NeededIndex[]>;

export type IndexedCollection = keyof typeof INDEXES;

/** All collections with indexes. */
export const INDEXED_COLLECTIONS = Object.keys(INDEXES) as IndexedCollection[];

/** What earlier versions needed, and this one does not. Services of the previous version may still use it while they run. */
export const RETIRED: {
  readonly indexes: Partial<Record<IndexedCollection, readonly string[]>>;
  readonly collections: readonly string[];
} = {
  indexes: {
    orders: ['legacy_number'],
    // Of 0.1.0.
    deadLetters: ['operationId_index', 'tries_sent'],
  },
  collections: ['orderRollups'],
};

/**
 * Collections that a backup leaves out: what running processes say about themselves, which no longer runs after a restore, and what the
 * services compute again.
 */
export const OPERATIONAL_COLLECTIONS: ReadonlySet<string> = new Set([
  'adminLocks',
  'autoscaler',
  'autoscalerDecisions',
  'consumers',
  'migrationInstances',
  'migrationLeases',
  'restores',
  'summaryRollups',
]);
