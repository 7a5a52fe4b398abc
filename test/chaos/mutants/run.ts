/**
 * `npm run test:chaos-mutants [-- NAME]`: tests the fault test itself. Runs faults against one broken version of the product after another. The
 * checks must catch each mutant by orders lost, doubled, altered or out of order, by wrong answers to reads, or by repeated saves;
 * slowness alone does not count. The unchanged product runs first, and the checks must find nothing: the run of a mutant ends when it is
 * caught, and leaves records on the topic, which the next product saves. All run on the same servers, each in its own database. Prints `N passed, N failed` (a caught mutant passes), and exits with 0 only if all passed.
 */
import { join } from 'node:path';
import type { ReconcileReport } from '#reconcile/report.js';
import { runOn, type EarlyEvidence } from '../chaos-run.js';
import { explainedRepeats, findingsOf, orderFindings, type Evidence, type Finding } from '../findings.js';
import { Cluster } from '../cluster/cluster.js';
import { FAULT_KINDS } from '../fault-kinds.js';
import { History } from '../history.js';
import {
  runMutants,
  type MutantResult,
  CONTROL,
  PRODUCT_MUTANTS,
  type CaughtBy,
  type ProductMutant,
} from './product-mutants.js';

const SEED = 20_261_126;
/** Long enough for one fault or two. */
const MINUTES = 0.15;
const PER_SECOND = 2_000;
const NUMBERS_EACH = 1_000_000;
const RECOVERY_TIMEOUT_MS = 15_000;
/** Attempts are judged by what was traced until then, whether all orders are accounted for or not. */
const ATTEMPTS_WITHIN_MS = 20_000;

/** Share of repeated saves that catches a mutant: several times the share that kills cause in such a short run. */
const MANY = 0.1;
const DEFECTS = ['missing', 'doubled', 'altered', 'phantom'] as const;

const quiet = (): void => undefined;

/** The evidence that catches mutants, in figures, if there is any. A pending operation is none: it can have many causes. */
const EVIDENCE: Readonly<Record<CaughtBy, (found: EarlyEvidence & Partial<Evidence>) => string | false | undefined>> = {
  equation: ({ reports }) => {
    const found = DEFECTS.map((name) => ({ name, count: sum(reports, (report) => report[name]) }));
    const shown = found.flatMap(({ name, count }) => (count > 0 ? [`${count} ${name}`] : []));
    const [altered] = reports.flatMap(({ alteredOrders }) => alteredOrders);
    const how = altered === undefined ? '' : ` (${altered.fields.join(', ')} of ${altered.id})`;
    return shown.length > 0 && `${shown.join(', ')}${how} of ${sum(reports, ({ acked }) => acked)}`;
  },
  order: ({ order }) => order.violations > 0 && `${order.violations} out of order`,
  attempts: ({ attempts }) =>
    attempts !== undefined &&
    attempts.anomalies > 0 &&
    `${attempts.anomalies} anomalies in ${attempts.attempts} attempts (${attempts.first[0]?.text})`,
  reads: ({ history }) => {
    const wrong = history.of('read').find(({ outcome }) => outcome === 'wrong');
    return wrong !== undefined && `${history.reads.wrong} wrong answers (${wrong.path}: ${wrong.reason})`;
  },
  repeats: ({ history, reports }) => {
    const { total } = explainedRepeats(history);
    const acked = sum(reports, (report) => report.acked);
    return total > MANY * acked && `${total} repeated of ${acked}`;
  },
};

function sum(reports: readonly ReconcileReport[], of: (report: ReconcileReport) => number): number {
  return reports.reduce((total, report) => total + of(report), 0);
}

/** Whether the run may end. Repeated saves are a share of the whole run, and attempts are judged at its end. */
function isCaught(found: EarlyEvidence, { caughtBy }: ProductMutant): boolean {
  return caughtBy !== 'repeats' && caughtBy !== 'attempts' && typeof EVIDENCE[caughtBy](found) === 'string';
}

/** With the measured facts: only they show why a mutant survived. */
function failed(findings: readonly Finding[]): string[] {
  return findings.flatMap(({ name, holds, detail }) => (holds ? [] : [`${name}: ${detail}`]));
}

function judge(mutant: ProductMutant, evidence: Omit<Evidence, 'left'>): MutantResult {
  const whole = { ...evidence, left: [] };
  const all = Object.values(EVIDENCE)
    .map((evidenceIn) => evidenceIn(evidence))
    .filter((text) => typeof text === 'string');
  if (mutant === CONTROL) {
    const shown = [...all, ...failed(orderFindings(whole))].join(', ');
    return { isRight: shown === '', how: shown === '' ? 'nothing, as required' : `CAUGHT: ${shown}` };
  }
  const caught = EVIDENCE[mutant.caughtBy](evidence);
  if (typeof caught !== 'string')
    return { isRight: false, how: `SURVIVED (failed checks: ${failed(findingsOf(whole)).join(' | ') || 'nothing'})` };
  const others = all.filter((text) => text !== caught).map((text) => `also: ${text}`);
  return { isRight: true, how: [caught, ...others].join('; ') };
}

const only = process.argv.slice(2).join(' ');
const mutants = Object.entries(PRODUCT_MUTANTS).filter(([name]) => name.includes(only));
// Without the control, a check that finds something in any run would pass for one that catches mutants.
const chosen = [['control: the unchanged product', CONTROL] as const, ...mutants];

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
        product: {
          directory: productDirectory,
          settings: mutant.settings ?? {},
          database: `mutant-${at}`,
          // Each start of an app takes two CPU seconds.
          ...(mutant !== CONTROL && { consumers: 2, copies: mutant.copies ?? 1 }),
        },
        numbersTaken: at * NUMBERS_EACH,
        wrongRecords: false,
        recoveryTimeoutMs: RECOVERY_TIMEOUT_MS,
        ...(mutant.caughtBy === 'attempts' && { reconciledWithinMs: ATTEMPTS_WITHIN_MS }),
        ...(mutant !== CONTROL && { isEnough: (found: EarlyEvidence) => isCaught(found, mutant) }),
        print: quiet,
        signal,
      };
      try {
        return judge(mutant, await runOn(cluster, history, options));
      } finally {
        await cluster.endProduct();
        await history.close();
      }
    },
    stop: async () => cluster.stop(),
  };
});
