import type { Evidence } from '../checks/evidence.js';
import type { EarlyEvidence } from '../chaos-run.js';
import { explainedRepeats } from '../checks/calm.js';
import type { History } from '../history.js';
import type { CaughtBy } from './mutated-product.js';

/** Share of repeated saves that catches a mutant: several times the share that kills cause in such a short run. */
const MANY = 0.1;
const DEFECTS = ['missing', 'doubled', 'altered', 'phantom'] as const;

/**
 * Describes, in figures, the evidence that catches a mutant; `undefined` if there is none. A pending operation is no evidence: it can
 * have many causes.
 */
export function caughtIn(
  { reports, order, history, attempts }: EarlyEvidence & Partial<Pick<Evidence, 'attempts'>>,
  by: CaughtBy,
): string | undefined {
  if (by === 'reads')
    return history.reads.lie > 0 ? `${history.reads.lie} wrong answers (${firstLie(history)})` : undefined;
  if (by === 'order') return order.violations > 0 ? `${order.violations} out of order` : undefined;
  if (by === 'attempts')
    return attempts !== undefined && attempts.anomalies > 0
      ? `${attempts.anomalies} anomalies in ${attempts.attempts} attempts (${attempts.first[0]?.text})`
      : undefined;
  const acked = reports.reduce((sum, report) => sum + report.acked, 0);
  if (by === 'repeats') {
    const { total } = explainedRepeats(history);
    return total > MANY * acked ? `${total} repeated of ${acked}` : undefined;
  }
  const found = DEFECTS.flatMap((name) => {
    const count = reports.reduce((sum, report) => sum + report[name], 0);
    return count > 0 ? [`${count} ${name}`] : [];
  });
  const [altered] = reports.flatMap(({ alteredOrders }) => alteredOrders);
  const how = altered === undefined ? '' : ` (${altered.fields.join(', ')} of ${altered.id})`;
  return found.length === 0 ? undefined : `${found.join(', ')}${how} of ${acked}`;
}

function firstLie(history: Pick<History, 'of'>): string | undefined {
  const lie = history.of('read').find(({ outcome }) => outcome === 'lie');
  return lie && `${lie.path}: ${lie.reason}`;
}
