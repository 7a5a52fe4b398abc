/**
 * Tests the tester: `npm run test:chaos-mutants`. Breaks the product in one way after another, and runs faults against each, whose report must
 * turn red: by orders that are lost, doubled, altered or out of order, reads that lie, or work that is done over and over, and not by being slow
 * alone. Last the product as it is, by which nothing of that may come. All on the same servers, each in a database of its own. Ends with
 * `N passed, N failed` (caught is passed), and 0 only when all were caught.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runOn } from '../chaos-run.js';
import type { Finding } from '../checks/evidence.js';
import { findingsOf } from '../checks/findings.js';
import { orderFindings } from '../checks/order-findings.js';
import { removeAbandonedRuns, RUN_PREFIX } from '../cluster/abandoned-runs.js';
import { Cluster } from '../cluster/cluster.js';
import { FAULT_KINDS } from '../faults/fault-kinds.js';
import { History } from '../history/history.js';
import { caughtIn } from './caught-in.js';
import { MutatedProduct } from './mutated-product.js';
import { CAUGHT_BY, type ProductMutant } from './product-mutant.js';
import { CONTROL, PRODUCT_MUTANTS } from './product-mutants.js';

const SEED = 20_261_126;
/** One fault, or two: as long as it takes. */
const MINUTES = 0.15;
const PER_SECOND = 3_300;
const NUMBERS_EACH = 1_000_000;
/** What is lost will not come, however long it is waited for. */
const SETTLED_WITHIN_MS = 9_000;
/** Nothing of its may be missing, so that all must have come. */
const CONTROL_SETTLED_WITHIN_MS = 60_000;
const RECOVERY_PATIENCE_MS = 15_000;

const print = (line: string): void => console.log(line);
const quiet = (): void => undefined;

const only = process.argv.slice(2).join(' ');
const chosen = [...PRODUCT_MUTANTS, CONTROL].filter(({ name }) => name.includes(only));
await removeAbandonedRuns(tmpdir(), print);
const directory = await mkdtemp(join(tmpdir(), RUN_PREFIX));
const interrupted = new AbortController();
const { signal } = interrupted;
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(name, () => (signal.aborted ? process.exit(130) : interrupted.abort()));
let passed = 0;
let failed = 0;

function redOf(findings: readonly Finding[]): string[] {
  return findings.flatMap(({ name, holds }) => (holds ? [] : [name]));
}

/** @returns what shows the defect, in one line all that was red, and what of it is about orders */
async function tried(cluster: Cluster, mutant: ProductMutant, product: MutatedProduct, at: number) {
  const takeOut = await product.put(mutant);
  const minutes = mutant.minutes ?? MINUTES;
  const history = new History(join(directory, `history-${at}.jsonl`));
  try {
    const evidence = await runOn(cluster, history, {
      seed: mutant.seed ?? SEED,
      minutes,
      orders: Math.round(minutes * 60 * PER_SECOND),
      spareSeconds: 0,
      // Each is judged by what it does to orders: no time is needed in which nothing fails.
      calmSeconds: 0,
      kinds: FAULT_KINDS.filter(({ name }) => mutant.faults.includes(name)),
      productDirectory: product.directory,
      settings: mutant.settings ?? {},
      database: `mutant-${at}`,
      numbersTaken: at * NUMBERS_EACH,
      wrongRecords: false,
      settledWithinMs: mutant === CONTROL ? CONTROL_SETTLED_WITHIN_MS : SETTLED_WITHIN_MS,
      recoveryPatienceMs: RECOVERY_PATIENCE_MS,
      print: quiet,
      signal,
    });
    const whole = { ...evidence, left: [] };
    const caught = CAUGHT_BY.flatMap((by) => {
      const found = caughtIn(evidence, by);
      return found === undefined ? [] : [{ by, found }];
    });
    return { caught, red: redOf(findingsOf(whole)).join(', ') || 'nothing', redOrders: redOf(orderFindings(whole)) };
  } finally {
    await cluster.endProduct();
    await history.close();
    await takeOut();
  }
}

/** @returns whether it came out as it must, and how */
function judged(mutant: ProductMutant, { caught, red, redOrders }: Awaited<ReturnType<typeof tried>>) {
  if (mutant === CONTROL) {
    const shown = [...caught.map(({ found }) => found), ...redOrders].join(', ');
    return { isRight: shown === '', how: shown === '' ? 'nothing, as it must' : `CAUGHT: ${shown}` };
  }
  const shown = caught.find(({ by }) => by === mutant.caughtBy);
  return { isRight: shown !== undefined, how: shown?.found ?? `SURVIVED (red: ${red})` };
}

try {
  const product = await MutatedProduct.at(join(directory, 'product'));
  const orders = chosen.length * 2 * 60 * PER_SECOND;
  const cluster = await Cluster.start({ directory, orders, print: quiet, signal });
  try {
    print('mutant | caught by | seconds');
    for (const [at, mutant] of chosen.entries()) {
      if (signal.aborted) break;
      const startedAt = performance.now();
      const { isRight, how } = judged(mutant, await tried(cluster, mutant, product, at));
      if (isRight) passed += 1;
      else failed += 1;
      print(`${mutant.name} | ${how} | ${((performance.now() - startedAt) / 1_000).toFixed(1)}`);
    }
  } finally {
    await cluster.stop();
  }
} finally {
  await rm(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
}
print(`${passed} passed, ${failed} failed`);
process.exit(failed > 0 || passed < chosen.length ? 1 : 0);
