/**
 * `npm run test:chaos-mutants [-- NAME] [-- --shard K/N]`: tests the fault test itself. Runs faults against one broken version of the product after another. The
 * checks must catch each mutant by orders lost, doubled, altered or out of order, by wrong answers to reads, or by repeated saves;
 * slowness alone does not count. The unchanged product runs first, and the checks must find nothing: the run of a mutant ends when it is
 * caught, and leaves records on the topic, which the next product saves. All run on the same servers, each in its own database. Prints `N passed, N failed` (a caught mutant passes), and exits with 0 only if all passed.
 */
import { join } from 'node:path';
import { readChoice, shardOf } from '../../support/shard.js';
import { runOn, type EarlyEvidence } from '../chaos-run.js';
import type { Finding } from '../checks/evidence.js';
import { findingsOf, orderFindings } from '../checks/findings.js';
import { Cluster } from '../cluster/cluster.js';
import { FAULT_KINDS } from '../fault-kinds.js';
import { History } from '../history.js';
import { caughtIn } from './caught-in.js';
import { CAUGHT_BY, type ProductMutant } from './mutated-product.js';
import { CONTROL, PRODUCT_MUTANTS } from './product-mutants.js';
import { runMutants, type MutantResult } from './run-mutants.js';

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

const quiet = (): void => undefined;

function redOf(findings: readonly Finding[]): string[] {
  return findings.flatMap(({ name, holds }) => (holds ? [] : [name]));
}

/** Whether the run may end. Repeated saves are a share of the whole run, and attempts are judged at its end. */
function isCaught(found: EarlyEvidence, { caughtBy }: ProductMutant): boolean {
  return caughtBy !== 'repeats' && caughtBy !== 'attempts' && caughtIn(found, caughtBy) !== undefined;
}

function judge(
  mutant: ProductMutant,
  { caught, red, redOrders }: Awaited<ReturnType<typeof evidenceOf>>,
): MutantResult {
  if (mutant === CONTROL) {
    const shown = [...caught.map(({ found }) => found), ...redOrders].join(', ');
    return { isRight: shown === '', how: shown === '' ? 'nothing, as required' : `CAUGHT: ${shown}` };
  }
  const shown = caught.find(({ by }) => by === mutant.caughtBy);
  if (shown === undefined) return { isRight: false, how: `SURVIVED (failed checks: ${red})` };
  const others = caught.filter((each) => each !== shown).map(({ found }) => `also: ${found}`);
  return { isRight: true, how: [shown.found, ...others].join('; ') };
}

/** @returns the evidence that catches the mutant, all failed checks in one line, and the failed checks about orders */
async function evidenceOf(...[cluster, history, options]: Parameters<typeof runOn>) {
  const evidence = await runOn(cluster, history, options);
  const whole = { ...evidence, left: [] };
  const caught = CAUGHT_BY.flatMap((by) => {
    const found = caughtIn(evidence, by);
    return found === undefined ? [] : [{ by, found }];
  });
  return { caught, red: redOf(findingsOf(whole)).join(', ') || 'nothing', redOrders: redOf(orderFindings(whole)) };
}

const { only, shard } = readChoice(process.argv.slice(2));
const mutants = shardOf(
  PRODUCT_MUTANTS.filter(({ name }) => name.includes(only)),
  shard,
);
// Without the control, a check that finds something in any run would pass for one that catches mutants.
const chosen = [CONTROL, ...mutants];

await runMutants(chosen, async (directory, signal) => {
  const cluster = await Cluster.start({ directory, orders: chosen.length * 2 * 60 * PER_SECOND, print: quiet, signal });
  return {
    run: async (mutant: ProductMutant, productDirectory: string, at: number) => {
      const minutes = mutant.minutes ?? MINUTES;
      const history = new History(join(directory, `history-${at}.jsonl`));
      const options = {
        seed: mutant.seed ?? SEED,
        minutes,
        orders: Math.round(minutes * 60 * PER_SECOND),
        spareSeconds: 0,
        // A mutant is judged by its effect on orders, so that no calm periods are needed.
        calmSeconds: 0,
        kinds: FAULT_KINDS.filter(({ name }) => mutant.faults.includes(name)),
        productDirectory,
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
          isEnough: (found: EarlyEvidence) => isCaught(found, mutant),
        }),
        print: quiet,
        signal,
      };
      try {
        return judge(mutant, await evidenceOf(cluster, history, options));
      } finally {
        await cluster.endProduct();
        await history.close();
      }
    },
    stop: async () => cluster.stop(),
  };
});
