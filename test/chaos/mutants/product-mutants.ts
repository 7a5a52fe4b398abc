import { type Edit, mutated } from '../../mutants/mutant.js';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PROJECT_DIRECTORY } from '../../../dev/project-directory.js';
import { linkPackages, packagesOf } from '../../mutants/project-copies.js';
import { inRunFolder } from '../options.js';

export type CaughtBy = 'equation' | 'order' | 'attempts' | 'reads' | 'repeats';

/** Text replacements in compiled files of the product: one, and perhaps more. */
export interface ProductEdits extends Edit {
  readonly also?: readonly Edit[];
}

/** A defect of the product, with the faults under which it must be detected. */
export interface ProductMutant extends ProductEdits {
  /** Fault kinds under which the defect must be detected. */
  readonly faults: readonly string[];
  /**
   * The check that must detect it: lost, doubled or altered orders (`equation`); orders of an account out of order (`order`); attempts
   * that break the engine's promises (`attempts`); wrong answers to reads (`reads`); or far more repeated saves than usual (`repeats`).
   */
  readonly caughtBy: CaughtBy;
  /** How many producers and query APIs run: 1 of each, or 2 if the defect shows only with another one. Default: 1. */
  readonly copies?: 1 | 2;
  /** How long new faults begin, in minutes; set if the default is too short. */
  readonly minutes?: number;
  /** Seed of the fault schedule; set if the default seed does not detect the defect. */
  readonly seed?: number;
  /** App settings; set if the defect shows only with these. */
  readonly settings?: NodeJS.ProcessEnv;
}

const BULK_INSERT = 'dist/apps/consumer/src/bulk-insert.js';
const RELIABLE_PRODUCER = 'libs/parallel-consumer/dist/kafka/reliable-producer.js';
const LEASE = 'libs/parallel-consumer/dist/kafka/lease.js';
const PUBLISHING = 'dist/apps/producer/src/publishing/publish-segment.js';

/** Changes nothing. */
export const NO_EDIT: Edit = { file: 'package.json', replace: '"private": true', by: '"private": true' };

/** The unchanged product: a check that fails for it can't judge the mutants. */
export const CONTROL: ProductMutant = {
  ...NO_EDIT,
  faults: ['kill-consumer', 'kill-primary', 'leader-moves'],
  minutes: 0.25,
  caughtBy: 'equation',
};

/** Defects known from other systems or likely in a hurried change. Each loses, doubles or alters orders when something fails. */
export const PRODUCT_MUTANTS: Readonly<Record<string, ProductMutant>> = {
  'offsets are committed before the save': {
    file: 'dist/apps/consumer/src/consumer.module.js',
    replace: 'handler: saver.handler,',
    by: 'handler: (record, attempt) => {\n            void saver.handler(record, attempt).catch(() => undefined);\n            return Promise.resolve();\n        },',
    faults: ['kill-consumer'],
    // Many saves are in flight when the consumer is killed.
    settings: { SAVE_DELAY_MS: '0..1000' },
    caughtBy: 'equation',
  },
  'orders are inserted without a write concern (w: 0)': {
    file: BULK_INSERT,
    replace: '{ ordered: false }',
    by: '{ ordered: false, writeConcern: { w: 0 } }',
    faults: ['kill-primary'],
    caughtBy: 'equation',
  },
  'an order gets a random _id': {
    file: 'dist/libs/orders/src/order/order-document.js',
    replace: '_id: new UUID(order.id)',
    by: '_id: new UUID()',
    faults: ['kill-consumer'],
    caughtBy: 'equation',
  },
  'a failed bulk insert counts as saved': {
    file: BULK_INSERT,
    replace: 'if (!(error instanceof MongoBulkWriteError))\n            throw error;',
    by: 'if (error) return documents.map(() => SAVED);',
    faults: ['kill-primary'],
    caughtBy: 'equation',
  },
  'one idempotent producer sends concurrently': {
    file: RELIABLE_PRODUCER,
    replace: 'this.queue.then(() => this.sendAll(topic, trace?.records ?? records))',
    by: 'this.sendAll(topic, trace?.records ?? records)',
    also: [
      {
        file: PUBLISHING,
        replace: 'const sending = topic.send(sent.flatMap(({ records }) => records));',
        by: `const whole = sent.flatMap(({ records }) => records);
        const quarter = Math.ceil(whole.length / 4);
        const quarters = [0, 1, 2, 3].map((part) => whole.slice(part * quarter, (part + 1) * quarter));
        const sending = Promise.all(quarters.filter(({ length }) => length > 0).map((part) => topic.send(part))).then((all) => all.flat());`,
      },
    ],
    faults: ['leader-moves'],
    minutes: 0.25,
    caughtBy: 'order',
  },
  'records that a produce response omits count as acknowledged': {
    file: RELIABLE_PRODUCER,
    replace: 'missing = missing.filter(({ partition }) => !done.has(partition));',
    by: `for (const [partition, { length }] of Map.groupBy(missing, (record) => record.partition))
                if (!done.has(partition))
                    acknowledged.push({ partition, records: length, baseOffset: -1 });
            missing = [];`,
    // A broker that leads a partition no more refuses its records, and they must be sent again.
    faults: ['leader-moves'],
    minutes: 0.4,
    caughtBy: 'equation',
  },
  "a producer stores progress without the segment's epoch": {
    file: 'dist/apps/producer/src/background/operation-leases.js',
    replace: "epoch: this.part.epoch, 'lease.owner': this.owner",
    // The publishing producer hangs for longer than its lease, and continues while another one publishes the rest.
    faults: ['pause-producer'],
    copies: 2,
    minutes: 0.4,
    seed: 22,
    caughtBy: 'repeats',
  },
  'the lease of a consumer never ends': {
    file: LEASE,
    replace: 'Math.min(this.renewedAt + this.contactLimitMs, this.endsAt)',
    by: 'this.endsAt',
    also: [
      {
        file: LEASE,
        replace: 'return NEVER;',
        by: 'return NEVER;\n        if (this.isHeld)\n            return this.options.clock.now() + 60_000;',
      },
    ],
    faults: ['silent-kafka'],
    // So slow that what the consumer has taken lasts for longer than its session.
    settings: { SAVE_DELAY_MS: '4000..6000' },
    minutes: 0.5,
    caughtBy: 'attempts',
  },
  'a failed read of an order returns a 404': {
    file: 'dist/apps/query-api/src/orders/saved-orders.js',
    replace: 'find({ _id }, READ_OPTIONS).toArray();',
    by: 'find({ _id }, READ_OPTIONS).toArray().catch(() => []);',
    also: [
      // Otherwise reads wait until there is a primary again, and none fails.
      {
        file: 'dist/libs/service/src/mongodb/mongo.js',
        replace: 'LONGER_THAN_AN_ELECTION_MS = timeLimit(20_000)',
        by: 'LONGER_THAN_AN_ELECTION_MS = 1_000',
      },
      // Otherwise the read of the list of archives, which is cached for a few seconds, fails with a 503 instead.
      { file: 'dist/apps/query-api/src/orders.controller.js', replace: 'await this.absent.requireNotArchived(id);' },
    ],
    faults: ['primary-away'],
    caughtBy: 'reads',
  },
};

/** What came of a mutant. */
export interface MutantResult {
  /** Whether it was caught as required; of the unchanged product: whether nothing was found. */
  readonly isRight: boolean;
  /** In a line of text. */
  readonly how: string;
}

/** The servers on which all mutants run. */
interface MutantServers<M> {
  /** @param productDirectory folder of the product with the mutant @param at its place */
  run(mutant: M, productDirectory: string, at: number): Promise<MutantResult>;
  stop(): Promise<unknown>;
}

/**
 * Runs one mutant after another on the same servers, and prints a line about each and `N passed, N failed`. Ends the process: with 0 only if all
 * passed. The first interruption ends the runs, the second one the process.
 */
export async function runMutants<M extends ProductEdits>(
  mutants: readonly (readonly [name: string, mutant: M])[],
  start: (directory: string, signal: AbortSignal) => Promise<MutantServers<M>>,
): Promise<never> {
  let passed = 0;
  await inRunFolder({ print: (line) => console.log(line) }, async (directory, signal) => {
    const product = await MutatedProduct.at(join(directory, 'product'));
    const servers = await start(directory, signal);
    try {
      console.log('mutant | caught by | seconds');
      for (const [at, [name, mutant]] of mutants.entries()) {
        if (signal.aborted) break;
        const began = performance.now();
        const revert = await product.put(name, mutant);
        const { isRight, how } = await servers.run(mutant, product.directory, at);
        await revert();
        if (isRight) passed += 1;
        console.log(`${name} | ${how} | ${((performance.now() - began) / 1_000).toFixed(1)}`);
      }
    } finally {
      await servers.stop();
    }
  });
  console.log(`${passed} passed, ${mutants.length - passed} failed`);
  process.exit(passed === mutants.length ? 0 : 1);
}

/**
 * A copy of the compiled product that holds one mutant at a time. It is a separate package, so that `#orders/…` resolves to its own
 * libraries.
 */
class MutatedProduct {
  private constructor(private readonly root: string) {}

  /** @param root folder of the copy; emptied first */
  static async at(root: string): Promise<MutatedProduct> {
    await rm(root, { recursive: true, force: true });
    await mkdir(root);
    const parts = (await packagesOf(PROJECT_DIRECTORY)).flatMap((name) => [
      `libs/${name}/package.json`,
      `libs/${name}/dist`,
    ]);
    for (const part of ['package.json', 'dist/apps', 'dist/libs', ...parts])
      await cp(join(PROJECT_DIRECTORY, part), join(root, part), { recursive: true });
    await linkPackages(PROJECT_DIRECTORY, root);
    return new MutatedProduct(root);
  }

  /** Folder of its compiled apps and libraries. */
  get directory(): string {
    return join(this.root, 'dist');
  }

  /** Applies a mutant. @returns a function that reverts it @throws Error unless each replaced text occurs exactly once */
  async put(name: string, { also = [], ...first }: ProductEdits): Promise<() => Promise<void>> {
    const before = new Map<string, string>();
    for (const edit of [first, ...also]) {
      const path = join(this.root, edit.file);
      const text = await readFile(path, 'utf8');
      if (!before.has(path)) before.set(path, text);
      await writeFile(path, mutated(text, name, edit));
    }
    return async () => {
      for (const [path, text] of before) await writeFile(path, text);
    };
  }
}
