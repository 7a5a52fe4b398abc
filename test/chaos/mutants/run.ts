/**
 * Tests the tester: `npm run test:chaos-mutants`. Breaks the product in one way after another, and runs faults against each, whose report must
 * turn red. Ends with `N passed, N failed` (caught is passed), and 0 only when all were caught.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chaosRun } from '../chaos-run.js';
import type { Finding } from '../checks/findings.js';
import { FAULT_KINDS } from '../faults/fault-kinds.js';
import { MutatedProduct } from './mutated-product.js';
import type { ProductMutant } from './product-mutant.js';
import { PRODUCT_MUTANTS } from './product-mutants.js';

const SEED = 20_261_126;
const MINUTES = 0.5;
const PER_SECOND = 2_500;
/** What is lost will not come, however long it is waited for. */
const SETTLED_WITHIN_MS = 20_000;

const print = (line: string): void => console.log(line);
const quiet = (): void => undefined;

const only = process.argv.slice(2).join(' ');
const chosen = PRODUCT_MUTANTS.filter(({ name }) => name.includes(only));
const directory = await mkdtemp(join(tmpdir(), 'orders-chaos-mutants-'));
let passed = 0;
let failed = 0;

async function findingsUnder({ faults }: ProductMutant, productDirectory: string): Promise<readonly Finding[]> {
  const data = await mkdtemp(join(directory, 'data-'));
  try {
    const { findings } = await chaosRun({
      seed: SEED,
      minutes: MINUTES,
      orders: MINUTES * 60 * PER_SECOND,
      kinds: FAULT_KINDS.filter(({ name }) => faults.includes(name)),
      directory: data,
      historyFile: join(data, 'history.jsonl'),
      productDirectory,
      settledWithinMs: SETTLED_WITHIN_MS,
      print: quiet,
      signal: new AbortController().signal,
    });
    return findings;
  } finally {
    await rm(data, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  }
}

const product = await MutatedProduct.at(join(directory, 'product'));
try {
  print('mutant | caught by | seconds');
  for (const mutant of chosen) {
    const startedAt = performance.now();
    const takeOut = await product.put(mutant);
    const findings = await findingsUnder(mutant, product.directory);
    await takeOut();
    const red = findings.filter(({ holds }) => !holds);
    const caught = red.find(({ name }) => name.startsWith(mutant.caughtBy));
    if (caught === undefined) failed += 1;
    else passed += 1;
    const by =
      caught === undefined ? `SURVIVED (red: ${red.map(({ name }) => name).join(', ') || 'nothing'})` : caught.detail;
    print(`${mutant.name} | ${by} | ${((performance.now() - startedAt) / 1_000).toFixed(1)}`);
  }
} finally {
  await rm(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
}
if (failed > 0 || passed === 0) process.exitCode = 1;
print(`${passed} passed, ${failed} failed`);
