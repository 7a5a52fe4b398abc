import type { ProductMutant } from './product-mutant.js';

const BULK_INSERT = 'apps/consumer/src/bulk-insert.js';
const RELIABLE_PRODUCER = 'libs/parallel-consumer/src/kafka/reliable-producer.js';
const EMISSION = 'apps/producer/src/emission/emission.js';
const EQUATION = 'acknowledged = saved';

/** Defects that others have had, or that a hurried change would bring in: each loses, doubles or alters orders when something fails. */
export const PRODUCT_MUTANTS: readonly ProductMutant[] = [
  {
    name: 'offsets are committed before the save',
    edits: [
      {
        file: 'apps/consumer/src/orders.controller.js',
        replace: 'return this.saver.save(record, attempt);',
        by: 'void this.saver.save(record, attempt).catch(() => undefined);\n        return Promise.resolve();',
      },
    ],
    faults: ['kill-consumer', 'pause-consumer'],
    caughtBy: EQUATION,
  },
  {
    name: 'orders are inserted without a write concern (w: 0)',
    edits: [{ file: BULK_INSERT, replace: '{ ordered: false }', by: '{ ordered: false, writeConcern: { w: 0 } }' }],
    faults: ['kill-primary', 'cut-off-server'],
    caughtBy: EQUATION,
  },
  {
    name: 'an order gets a random _id',
    edits: [{ file: 'libs/orders/src/order-document.js', replace: '_id: new UUID(order.id)', by: '_id: new UUID()' }],
    faults: ['kill-consumer'],
    caughtBy: EQUATION,
  },
  {
    name: 'a bulk that fails is taken for saved',
    edits: [
      {
        file: BULK_INSERT,
        replace: 'if (!(error instanceof MongoBulkWriteError))\n            throw error;',
        by: 'if (error) return documents.map(() => SAVED);',
      },
    ],
    faults: ['kill-primary', 'cut-off-server'],
    caughtBy: EQUATION,
  },
  {
    name: 'two sends at once on one idempotent producer',
    edits: [
      {
        file: RELIABLE_PRODUCER,
        replace: 'this.queue.then(() => this.sendAll(topic, records))',
        by: 'this.sendAll(topic, records)',
      },
      {
        file: EMISSION,
        replace: 'const sending = topic.send(sent.records);',
        by: `const parted = [0, 1, 2, 3].map((part) => sent.records.filter((_, at) => at % 4 === part));
        const sending = Promise.all(parted.filter((part) => part.length > 0).map((part) => topic.send(part))).then((all) => all.flat());`,
      },
    ],
    faults: ['kill-broker', 'cut-off-server', 'leader-moves', 'unanswered-server'],
    caughtBy: EQUATION,
  },
  {
    name: 'what a response leaves out is taken for acknowledged',
    edits: [
      {
        file: RELIABLE_PRODUCER,
        replace: 'missing = missing.filter(({ partition }) => !covered.has(partition));',
        by: 'missing = [];',
      },
    ],
    faults: ['leader-moves', 'kill-broker', 'restart-broker'],
    caughtBy: EQUATION,
  },
  {
    name: "a fetch of an earlier membership is taken, whatever its assignment's epoch",
    edits: [
      {
        file: 'libs/parallel-consumer/src/window/intake.js',
        replace: 'if (batch.fetchOffset > frontier.next)',
        by: 'if (false)',
      },
    ],
    faults: ['rebalance-storm', 'pause-consumer', 'kill-consumer'],
    caughtBy: EQUATION,
  },
];
