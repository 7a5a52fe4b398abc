/**
 * `npm run test:chaos-mutants [-- NAME] [-- --shard K/N]`: tests the fault test itself. Runs faults against one broken version of the product after another. The
 * checks must catch each mutant by orders lost, doubled, altered or out of order, by wrong answers to reads, or by repeated saves;
 * slowness alone does not count. The unchanged product runs first, and the checks must find nothing: the run of a mutant ends when it is
 * caught, and leaves records on the topic, which the next product saves. All run on the same servers, each in its own database. Prints `N passed, N failed` (a caught mutant passes), and exits with 0 only if all passed.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runOn, type EarlyEvidence } from '../chaos-run.js';
import type { Finding } from '../checks/evidence.js';
import { findingsOf, orderFindings } from '../checks/findings.js';
import { removeAbandonedRuns, RUN_PREFIX } from '../cluster/abandoned-runs.js';
import { Cluster } from '../cluster/cluster.js';
import { FAULT_KINDS } from '../fault-kinds.js';
import { History } from '../history.js';
import { caughtIn } from './caught-in.js';
import { CAUGHT_BY, MutatedProduct, type ProductMutant } from './mutated-product.js';
import { CONTROL, PRODUCT_MUTANTS } from './product-mutants.js';
import { readChoice, shardOf } from '../../support/shard.js';

const SEED = 20_261_126;
/** Long enough for one fault or two. */
const MINUTES = 0.15;
const PER_SECOND = 2_000;
const NUMBERS_EACH = 1_000_000;
/** Lost orders count only after the consumers have passed them, for which a slow machine needs its time after a fault. */
const SETTLED_WITHIN_MS = 20_000;
/** Longer, since no order of the unchanged product may be missing. */
const CONTROL_SETTLED_WITHIN_MS = 60_000;
const RECOVERY_TIMEOUT_MS = 15_000;

const print = (line: string): void => console.log(line);
const quiet = (): void => undefined;

const { only, shard } = readChoice(process.argv.slice(2));
const mutants = shardOf(
  PRODUCT_MUTANTS.filter(({ name }) => name.includes(only)),
  shard,
);
// Without the control, a check that finds something in any run would pass for one that catches mutants.
const chosen = [CONTROL, ...mutants];
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

/** Whether the run may end. Repeated saves are a share of the whole run, and attempts are judged at its end. */
function isCaught(found: EarlyEvidence, { caughtBy }: ProductMutant): boolean {
  return caughtBy !== 'repeats' && caughtBy !== 'attempts' && caughtIn(found, caughtBy) !== undefined;
}

/** @returns the evidence that catches the mutant, all failed checks in one line, and the failed checks about orders */
async function runMutant(cluster: Cluster, mutant: ProductMutant, product: MutatedProduct, at: number) {
  const revert = await product.put(mutant);
  const minutes = mutant.minutes ?? MINUTES;
  const history = new History(join(directory, `history-${at}.jsonl`));
  try {
    const evidence = await runOn(cluster, history, {
      seed: mutant.seed ?? SEED,
      minutes,
      orders: Math.round(minutes * 60 * PER_SECOND),
      spareSeconds: 0,
      // A mutant is judged by its effect on orders, so that no calm periods are needed.
      calmSeconds: 0,
      kinds: FAULT_KINDS.filter(({ name }) => mutant.faults.includes(name)),
      productDirectory: product.directory,
      settings: mutant.settings ?? {},
      database: `mutant-${at}`,
      numbersTaken: at * NUMBERS_EACH,
      wrongRecords: false,
      settledWithinMs: mutant === CONTROL ? CONTROL_SETTLED_WITHIN_MS : SETTLED_WITHIN_MS,
      recoveryTimeoutMs: RECOVERY_TIMEOUT_MS,
      // Each start of an app takes two CPU seconds.
      ...(mutant !== CONTROL && {
        consumers: 2,
        copies: mutant.copies ?? 1,
        isEnough: (found) => isCaught(found, mutant),
      }),
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
    await revert();
  }
}

/** @returns whether the result is as required, and the text to print */
function judge(mutant: ProductMutant, { caught, red, redOrders }: Awaited<ReturnType<typeof runMutant>>) {
  if (mutant === CONTROL) {
    const shown = [...caught.map(({ found }) => found), ...redOrders].join(', ');
    return { isRight: shown === '', how: shown === '' ? 'nothing, as required' : `CAUGHT: ${shown}` };
  }
  const shown = caught.find(({ by }) => by === mutant.caughtBy);
  if (shown === undefined) return { isRight: false, how: `SURVIVED (failed checks: ${red})` };
  const others = caught.filter((each) => each !== shown).map(({ found }) => `also: ${found}`);
  return { isRight: true, how: [shown.found, ...others].join('; ') };
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
      const { isRight, how } = judge(mutant, await runMutant(cluster, mutant, product, at));
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
