import type { OperationDocument } from '#orders/operation/operation.js';
import type { ReconcileReport } from '#reconcile/report.js';
import { calmOf } from './calm.js';
import { figure, type Evidence, type Finding } from './evidence.js';
import type { PopulateBody } from '../load/populates.js';

const LISTED = 5;

/** Judges the orders. */
export function orderFindings(evidence: Evidence): Finding[] {
  return [
    equation(evidence),
    orderKept(evidence),
    promisesKept(evidence),
    readsCorrect(evidence),
    populatesIdempotent(evidence),
  ];
}

function equation({ reports, unreconciled, stored, deadRecords }: Evidence): Finding {
  const sum = (of: (report: ReconcileReport) => number): number => reports.reduce((total, each) => total + of(each), 0);
  const defects = (['missing', 'doubled', 'altered', 'phantom', 'pending'] as const).map(
    (name) => `${figure(sum((report) => report[name]))} ${name}`,
  );
  const saved = sum((report) => report.saved + report.savedUnacknowledged);
  const wrong = sum(wrongRecords);
  const broken = [
    ...reports.flatMap(defectsOf),
    ...unreconciled,
    ...(stored === saved ? [] : [`${figure(stored)} orders stored, but the operations saved ${figure(saved)}`]),
    ...(deadRecords === wrong ? [] : [`${deadRecords} records have dead letters, but ${wrong} were made invalid`]),
  ];
  const shown = broken.length === 0 ? '' : `; broken: ${broken.slice(0, LISTED).join(', ')}`;
  return {
    name: 'acknowledged = saved ∪ dead letters for every operation, and each operation succeeded',
    holds: reports.length > 0 && broken.length === 0,
    detail: `${figure(reports.length)} operations, ${figure(sum(({ acked }) => acked))} orders acknowledged: ${defects.join(', ')}; ${figure(stored)} orders stored; ${figure(deadRecords)} records with dead letters, ${figure(wrong)} made invalid${shown}`,
  };
}

/** Counts the invalid records, each of which must have a dead letter. Duplicates are left out: they have none. */
function wrongRecords({ faults }: ReconcileReport): number {
  return faults === null ? 0 : faults.expected.poison + faults.expected.oversized + faults.expected.conflict;
}

/** Lists what is wrong with an operation. A valid order must not end as a dead letter, although the equation accepts it. */
function defectsOf(report: ReconcileReport): string[] {
  const { operation, verdict, status, acked, count, deadLettered, both, faults, alteredOrders } = report;
  const instead = faults === null ? 0 : faults.expected.poison + faults.expected.oversized;
  const [altered] = alteredOrders;
  if (verdict !== 'holds')
    return [
      `${operation} ${verdict}${altered === undefined ? '' : ` (${altered.fields.join(', ')} of ${altered.id})`}`,
    ];
  if (status !== 'succeeded') return [`${operation} ${status}`];
  if (acked !== count) return [`${operation} has ${acked} of ${count} orders acknowledged`];
  if (both > 0) return [`${operation} has ${both} orders that are both saved and dead-lettered`];
  return deadLettered === instead
    ? []
    : [`${operation} has ${deadLettered} dead letters instead of orders, but ${instead} invalid records`];
}

function orderKept({ order, watch, stored }: Evidence): Finding {
  const { violations, first } = order;
  const example = first[0];
  const shown =
    example === undefined
      ? ''
      : `, such as order ${example.after.number} (offset ${example.after.offset}) after ${example.before.number} (offset ${example.before.offset}) of ${example.after.accountId}`;
  const others =
    watch.others.length === 0 ? '' : `; other changes of orders: ${watch.others.slice(0, LISTED).join(', ')}`;
  const isWhole = watch.seen === stored && watch.brokenBy === null;
  const gap = isWhole
    ? ''
    : `; ${figure(stored)} stored: the watch is incomplete (${watch.brokenBy ?? 'the counts differ'})`;
  return {
    name: "each account's orders are saved in topic order and in creation order",
    holds: violations === 0 && isWhole && watch.others.length === 0,
    detail: `${figure(watch.seen)} inserts seen in oplog order: ${figure(violations)} out of order${shown}${others}${gap}`,
  };
}

/** Also the work of a consumer that has lost its partitions counts, which the database doesn't show: a repeated insert changes nothing. */
function promisesKept({ attempts, stored, history }: Evidence): Finding {
  const { anomalies, first, records, members, ownerships } = attempts;
  const shown = first.map(({ text, time }) => `${text} at ${(history.timeOf(time) / 1_000).toFixed(3)} s`);
  return {
    name: 'no attempt breaks the order of an account, or begins after its consumer has lost the partition (P1 to P4)',
    holds: anomalies === 0 && attempts.attempts > 0 && attempts.inserts > 0 && records >= stored,
    detail: [
      `${figure(attempts.attempts)} attempts and ${figure(attempts.inserts)} inserts of ${figure(records)} records, by ${figure(members)} processes in ${figure(ownerships)} ownerships of partitions: ${figure(anomalies)} anomalies`,
      ...(records < stored ? [`the trace is incomplete: ${figure(stored)} orders are stored`] : []),
      ...shown,
    ].join('; '),
  };
}

function readsCorrect({ history, finalReads }: Evidence): Finding {
  const { reads, rightReads } = history;
  const lie = history.of('read').find(({ outcome }) => outcome === 'lie');
  const isCalm = calmOf(history);
  // A read that was sent before the calm period may fail in it, seconds later: it must also have begun in calm.
  const inCalm = history
    .of('read')
    .filter(({ outcome, at, tookMs }) => outcome === 'error' && isCalm(at - tookMs) && isCalm(at));
  const failed = inCalm[0];
  const shown =
    lie === undefined
      ? failed === undefined
        ? ''
        : `, such as ${failed.path}: ${failed.reason ?? ''}`
      : `, such as ${lie.path}: ${lie.reason ?? ''}`;
  const kinds = Object.entries(rightReads).map(([what, count]) => `${figure(count)} by ${what}`);
  return {
    name: 'no read returns a wrong answer, and none fails in calm periods',
    holds:
      reads.lie === 0 &&
      inCalm.length === 0 &&
      Object.values(rightReads).every((count) => count > 0) &&
      finalReads.sent > 0 &&
      finalReads.right === finalReads.sent,
    detail: `correct reads: ${kinds.join(', ')}; ${figure(reads.absent)} correctly found nothing yet, ${figure(reads.error)} declared errors, ${figure(inCalm.length)} of them in calm periods, ${figure(reads.lie)} wrong answers${shown}; after the last recovery, ${figure(finalReads.right)} of ${figure(finalReads.sent)} reads found their saved orders`,
  };
}

function populatesIdempotent({ history, accepted, rejected, operations }: Evidence): Finding {
  const requests = history.of('populate');
  const unknown = requests.filter(({ outcome }) => outcome === 'unknown').length;
  const wanted = new Map([...accepted.values()].map(({ id, body }) => [id, body]));
  const extra = operations.filter(({ _id }) => !wanted.has(_id));
  const missing = [...wanted.keys()].filter((id) => operations.every(({ _id }) => _id !== id));
  const others = operations.filter((operation) => !matchesRequest(operation, wanted.get(operation._id)));
  return {
    name: 'a populate that is retried with its key starts one operation, as requested',
    holds: [extra, missing, others, rejected].every(({ length }) => length === 0) && wanted.size === accepted.size,
    detail: `${figure(accepted.size)} keys, ${figure(requests.length)} requests, of which ${figure(unknown)} have an unknown outcome: ${figure(operations.length)} operations, ${extra.length} unrequested, ${missing.length} missing, ${others.length} that differ from their request; ${rejected.length} populates that no producer accepted`,
  };
}

/** Compares the fields that the request has. */
function matchesRequest(operation: OperationDocument, body: PopulateBody | undefined): boolean {
  if (body === undefined) return true;
  if (operation.kind !== 'populate') return false;
  const { faults = {}, ...plain } = body;
  return hasAll(operation, plain) && hasAll(operation.faults ?? {}, faults);
}

function hasAll(actual: object, expected: object): boolean {
  return Object.entries(expected).every(([name, value]) => Object.is(Object(actual)[name], value));
}
