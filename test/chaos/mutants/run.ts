/**
 * Tests the tester: `npm run test:chaos-mutants`. Breaks the product in one way after another, and runs faults against each, whose report must
 * turn red: by orders that are lost, doubled, altered or out of order, and not by being slow alone. All on the same servers, each in a database of
 * its own. Ends with `N passed, N failed` (caught is passed), and 0 only when all were caught.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runOn } from '../chaos-run.js';
import { findingsOf } from '../checks/findings.js';
import { removeAbandonedRuns, RUN_PREFIX } from '../cluster/abandoned-runs.js';
import { Cluster } from '../cluster/cluster.js';
import { FAULT_KINDS } from '../faults/fault-kinds.js';
import { caughtIn } from './caught-in.js';
import { MutatedProduct } from './mutated-product.js';
import type { ProductMutant } from './product-mutant.js';
import { PRODUCT_MUTANTS } from './product-mutants.js';

const SEED = 20_261_126;
/** One fault, or two: as long as it takes. */
const MINUTES = 0.15;
const PER_SECOND = 3_300;
const NUMBERS_EACH = 1_000_000;
/** What is lost will not come, however long it is waited for. */
const SETTLED_WITHIN_MS = 12_000;
const RECOVERY_PATIENCE_MS = 15_000;

const print = (line: string): void => console.log(line);
const quiet = (): void => undefined;

const only = process.argv.slice(2).join(' ');
const chosen = PRODUCT_MUTANTS.filter(({ name }) => name.includes(only));
await removeAbandonedRuns(tmpdir(), print);
const directory = await mkdtemp(join(tmpdir(), RUN_PREFIX));
const { signal } = new AbortController();
let passed = 0;
let failed = 0;

/** @returns what has shown it, or `undefined` and what was red besides */
async function tried(cluster: Cluster, mutant: ProductMutant, product: MutatedProduct, at: number) {
  const takeOut = await product.put(mutant);
  const minutes = mutant.minutes ?? MINUTES;
  try {
    const evidence = await runOn(cluster, {
      seed: mutant.seed ?? SEED,
      minutes,
      orders: Math.round(minutes * 60 * PER_SECOND),
      kinds: FAULT_KINDS.filter(({ name }) => mutant.faults.includes(name)),
      historyFile: join(directory, `history-${at}.jsonl`),
      productDirectory: product.directory,
      settings: mutant.settings ?? {},
      database: `mutant-${at}`,
      numbersTaken: at * NUMBERS_EACH,
      wrongRecords: false,
      settledWithinMs: SETTLED_WITHIN_MS,
      recoveryPatienceMs: RECOVERY_PATIENCE_MS,
      print: quiet,
      signal,
    });
    const red = findingsOf({ ...evidence, left: [] }).filter(({ holds }) => !holds);
    return { caught: caughtIn(evidence, mutant.caughtBy), red: red.map(({ name }) => name) };
  } finally {
    await cluster.endProduct();
    await takeOut();
  }
}

try {
  const product = await MutatedProduct.at(join(directory, 'product'));
  const cluster = await Cluster.start({ directory, print: quiet, signal });
  try {
    print('mutant | caught by | seconds');
    for (const [at, mutant] of chosen.entries()) {
      const startedAt = performance.now();
      const { caught, red } = await tried(cluster, mutant, product, at);
      if (caught === undefined) failed += 1;
      else passed += 1;
      const by = caught ?? `SURVIVED (red: ${red.join(', ') || 'nothing'})`;
      print(`${mutant.name} | ${by} | ${((performance.now() - startedAt) / 1_000).toFixed(1)}`);
    }
  } finally {
    await cluster.stop();
  }
} finally {
  await rm(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
}
print(`${passed} passed, ${failed} failed`);
process.exit(failed > 0 || passed === 0 ? 1 : 0);
