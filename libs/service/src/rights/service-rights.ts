import { DEAD_LETTER_GROUP, DEAD_LETTER_TOPIC, ORDERS_CONSUMER_GROUP, ORDERS_TOPIC } from '#orders/topics/topics.js';

/** Everything that connects to Kafka, the registry or MongoDB with a user of its own. */
export const SERVICES = ['producer', 'consumer', 'query-api', 'console', 'facade', 'reconcile', 'admin'] as const;
export type ServiceName = (typeof SERVICES)[number];

/** An operation in Kafka's name. `Read` and `Write` include `Describe`. */
export type KafkaOperation =
  | 'Alter'
  | 'AlterConfigs'
  | 'Create'
  | 'Delete'
  | 'Describe'
  | 'DescribeConfigs'
  | 'Read'
  | 'Write';

/** What a user may do with one topic or consumer group, or with the cluster itself. */
export interface KafkaRight {
  readonly resource: 'topic' | 'group' | 'cluster';
  readonly name: string;
  readonly operations: readonly KafkaOperation[];
}

/**
 * What a user may do with a collection. Each includes reading it.
 * - `insert`: add documents, but neither change nor remove any.
 * - `write`: add, change and remove documents.
 */
export type CollectionAccess = 'read' | 'insert' | 'write';

/** The rights of one service. */
interface ServiceRights {
  readonly kafka: readonly KafkaRight[];
  /** The access by the name of the collection. */
  readonly collections: Readonly<Record<string, CollectionAccess>>;
  /** Collections whose indexes the service verifies. */
  readonly verifies: readonly string[];
  /** Whether it reads the oplog, to prove that an order was saved and then removed. */
  readonly readsOplog: boolean;
  /** Whether it registers the schema of orders. */
  readonly registersSchema: boolean;
  /** Whether it may do everything in the database of the orders, give rights to others, and prepare the server for a backup. */
  readonly administers: boolean;
}

const NONE = {
  kafka: [],
  collections: {},
  verifies: [],
  readsOplog: false,
  registersSchema: false,
  administers: false,
} as const;
const topic = (name: string, ...operations: KafkaOperation[]): KafkaRight => ({ resource: 'topic', name, operations });
const group = (name: string, ...operations: KafkaOperation[]): KafkaRight => ({ resource: 'group', name, operations });

/** The collections of the facade, which nothing else uses. */
const MIGRATION = [
  'migration',
  'migrationAudit',
  'migrationBuckets',
  'migrationChosenNumbers',
  'migrationFindings',
  'migrationInstances',
  'migrationLeases',
  'migrationMismatches',
  'migrationNumbers',
  'migrationObservations',
  'migrationRuns',
] as const;

/** What an operation of the producer consists of. */
const OPERATION = [
  'acknowledgedChunks',
  'counters',
  'idempotencyKeys',
  'importFiles.chunks',
  'importFiles.files',
  'importManifest',
  'importRejects',
  'importRows',
  'intakeBatches',
  'settledBlocks',
] as const;

/** What says which orders are archived. */
const ARCHIVED = ['archivedRanges', 'archivedOrderIds'] as const;

/** What reconciliation reads, in the producer and as a command. */
const RECONCILED = [
  topic(ORDERS_TOPIC, 'Describe'),
  topic(DEAD_LETTER_TOPIC, 'Describe'),
  group(ORDERS_CONSUMER_GROUP, 'Describe'),
  group(DEAD_LETTER_GROUP, 'Describe'),
];

/**
 * Who may do what: the only table of rights. `npm run admin -- roles` and the secured stack of `npm start` apply it, and
 * docs/rights.md shows it.
 */
export const SERVICE_RIGHTS: Readonly<Record<ServiceName, ServiceRights>> = {
  producer: {
    ...NONE,
    kafka: [
      topic(ORDERS_TOPIC, 'Create', 'DescribeConfigs', 'Write'),
      topic(DEAD_LETTER_TOPIC, 'Create', 'Delete', 'DescribeConfigs', 'Read'),
      group(ORDERS_CONSUMER_GROUP, 'Describe'),
      group(DEAD_LETTER_GROUP, 'Describe'),
    ],
    collections: {
      ...all([...OPERATION, 'operations', 'deadLetters', 'topicPartitions'], 'write'),
      ...all(['orders', 'consumers', 'restores', ...ARCHIVED], 'read'),
      auditEvents: 'insert',
    },
    verifies: [...OPERATION, 'operations', 'deadLetters', 'orders'],
    readsOplog: true,
    registersSchema: true,
  },
  consumer: {
    ...NONE,
    kafka: [
      topic(ORDERS_TOPIC, 'Create', 'DescribeConfigs', 'Read'),
      topic(DEAD_LETTER_TOPIC, 'Create', 'DescribeConfigs', 'Read', 'Write'),
      group(ORDERS_CONSUMER_GROUP, 'Read'),
      group(DEAD_LETTER_GROUP, 'Read'),
    ],
    collections: {
      orders: 'insert',
      deadLetters: 'write',
      operations: 'write',
      consumers: 'write',
      consumerWishes: 'read',
      topicPartitions: 'read',
      ...all(['restores', 'settledBlocks', ...ARCHIVED], 'read'),
    },
    verifies: ['orders', 'deadLetters', 'consumers'],
    registersSchema: true,
  },
  'query-api': {
    ...NONE,
    collections: {
      ...all(['orders', 'operations', 'deadLetters', 'counters', 'importRows'], 'read'),
      ...all(['intakeBatches', 'acknowledgedChunks', 'settledBlocks', ...ARCHIVED], 'read'),
      auditEvents: 'read',
      restores: 'read',
      ...all(['summaryRollups', 'watermark'], 'write'),
    },
    verifies: ['orders', 'settledBlocks', 'summaryRollups', 'auditEvents'],
  },
  console: {
    ...NONE,
    kafka: [
      topic(ORDERS_TOPIC, 'Describe'),
      topic(DEAD_LETTER_TOPIC, 'Describe'),
      group(ORDERS_CONSUMER_GROUP, 'Describe'),
    ],
    collections: {
      ...all(['consumers', 'deadLetters'], 'read'),
      ...all(['autoscaler', 'autoscalerDecisions', 'consumerWishes'], 'write'),
      auditEvents: 'insert',
    },
  },
  facade: {
    ...NONE,
    collections: { ...all(MIGRATION, 'write'), auditEvents: 'insert', restores: 'read' },
    verifies: MIGRATION,
  },
  reconcile: {
    ...NONE,
    kafka: RECONCILED,
    collections: {
      ...all(['orders', 'operations', 'deadLetters', 'counters', 'importRows'], 'read'),
      ...all(['intakeBatches', 'acknowledgedChunks', 'settledBlocks', 'topicPartitions', ...ARCHIVED], 'read'),
    },
    readsOplog: true,
  },
  admin: {
    ...NONE,
    kafka: [
      ...[ORDERS_TOPIC, DEAD_LETTER_TOPIC].map((name) =>
        topic(name, 'Create', 'Read', 'Describe', 'DescribeConfigs', 'Alter', 'AlterConfigs'),
      ),
      // A restore commits the offsets of its backup.
      group(ORDERS_CONSUMER_GROUP, 'Read'),
      group(DEAD_LETTER_GROUP, 'Read'),
      { resource: 'cluster', name: 'kafka-cluster', operations: ['Alter', 'Describe'] },
    ],
    registersSchema: true,
    administers: true,
  },
};

function all(collections: readonly string[], access: CollectionAccess): Record<string, CollectionAccess> {
  return Object.fromEntries(collections.map((name) => [name, access]));
}

/** A user of one of the servers, with a password. */
export interface ServerUser {
  readonly name: string;
  readonly password: string;
}
