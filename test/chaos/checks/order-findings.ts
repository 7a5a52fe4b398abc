import type { OperationDocument } from '#orders/operation.js';
import type { ReconcileReport } from '#reconcile/report.js';
import { calmOf } from './calm.js';
import { figure, type Evidence, type Finding } from './evidence.js';
import type { PopulateBody } from '../load/populates.js';

const LISTED = 5;

/** What became of the orders. */
export function orderFindings(evidence: Evidence): Finding[] {
  return [equation(evidence), orderKept(evidence), readsTrue(evidence), populatesTakenOnce(evidence)];
}

function equation({ reports, unreconciled, stored, letters }: Evidence): Finding {
  const sum = (of: (report: ReconcileReport) => number): number => reports.reduce((total, each) => total + of(each), 0);
  const defects = (['missing', 'doubled', 'altered', 'phantom', 'pending'] as const).map(
    (name) => `${figure(sum((report) => report[name]))} ${name}`,
  );
  const saved = sum((report) => report.saved + report.savedUnacknowledged);
  const wrong = sum(wrongRecords);
  const broken = [
    ...reports.flatMap(brokenBy),
    ...unreconciled,
    ...(stored === saved ? [] : [`there are ${figure(stored)} orders, and the operations have saved ${figure(saved)}`]),
    ...(letters === wrong ? [] : [`there are dead letters of ${letters} records, and ${wrong} were made wrong`]),
  ];
  const shown = broken.length === 0 ? '' : `; broken: ${broken.slice(0, LISTED).join(', ')}`;
  return {
    name: 'acknowledged = saved ∪ dead letters, in every operation, and each came to its end',
    holds: reports.length > 0 && broken.length === 0,
    detail: `${figure(reports.length)} operations, ${figure(sum(({ acked }) => acked))} orders acknowledged: ${defects.join(', ')}; ${figure(stored)} orders there; dead letters of ${figure(letters)} records, of which ${figure(wrong)} were made wrong${shown}`,
  };
}

/** Each of them must be among the dead letters: a duplicate leaves no trace. */
function wrongRecords({ faults }: ReconcileReport): number {
  return faults === null ? 0 : faults.expected.poison + faults.expected.oversized + faults.expected.conflict;
}

/** Why an operation is not as it must be. Good orders that are dead letters are lost to whoever waits for them, though the equation has them. */
function brokenBy(report: ReconcileReport): string[] {
  const { operation, verdict, status, acked, count, deadLettered, both, faults, alteredOrders } = report;
  const instead = faults === null ? 0 : faults.expected.poison + faults.expected.oversized;
  const [altered] = alteredOrders;
  if (verdict !== 'holds')
    return [
      `${operation} ${verdict}${altered === undefined ? '' : ` (${altered.fields.join(', ')} of ${altered.id})`}`,
    ];
  if (status !== 'succeeded') return [`${operation} ${status}`];
  if (acked !== count) return [`${operation} has ${acked} acknowledged of ${count}`];
  if (both > 0) return [`${operation} has ${both} orders that are saved and dead letters as well`];
  return deadLettered === instead
    ? []
    : [`${operation} has ${deadLettered} dead letters instead of orders, and ${instead} wrong records`];
}

function orderKept({ order, watch, stored }: Evidence): Finding {
  const { violations, first } = order;
  const example = first[0];
  const shown =
    example === undefined
      ? ''
      : `, such as order ${example.after.number} (offset ${example.after.offset}) after ${example.before.number} (offset ${example.before.offset}) of ${example.after.accountId}`;
  const others =
    watch.others.length === 0 ? '' : `, and orders were changed: ${watch.others.slice(0, LISTED).join(', ')}`;
  const isWhole = watch.seen === stored && watch.brokenBy === null;
  const gap = isWhole
    ? ''
    : `; there are ${figure(stored)}: not all was seen (${watch.brokenBy ?? 'or more than is there'})`;
  return {
    name: "an account's orders are saved as they stand on the topic, and as they were made",
    holds: violations === 0 && isWhole && watch.others.length === 0,
    detail: `${figure(watch.seen)} seen in MongoDB's own order: ${figure(violations)} out of order${shown}${others}${gap}`,
  };
}

function readsTrue({ history, healed }: Evidence): Finding {
  const { reads, rightReads } = history;
  const lie = history.of('read').find(({ outcome }) => outcome === 'lie');
  const isCalm = calmOf(history);
  // One that was asked for when something had just recovered may be told of seconds later.
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
    name: 'no read lies, and none fails when nothing else does',
    holds:
      reads.lie === 0 &&
      inCalm.length === 0 &&
      Object.values(rightReads).every((count) => count > 0) &&
      healed.asked > 0 &&
      healed.right === healed.asked,
    detail: `${kinds.join(', ')} right, ${figure(reads.absent)} rightly told that there is nothing yet, ${figure(reads.error)} honest errors, ${figure(inCalm.length)} of them when nothing had failed, ${figure(reads.lie)} lies${shown}; once all was over, ${figure(healed.right)} of ${figure(healed.asked)} found what was saved`,
  };
}

function populatesTakenOnce({ history, taken, refused, operations }: Evidence): Finding {
  const asked = history.of('populate');
  const unknown = asked.filter(({ outcome }) => outcome === 'unknown').length;
  const wanted = new Map([...taken.values()].map(({ id, body }) => [id, body]));
  const extra = operations.filter(({ _id }) => !wanted.has(_id));
  const missing = [...wanted.keys()].filter((id) => operations.every(({ _id }) => _id !== id));
  const others = operations.filter((operation) => !isAsAsked(operation, wanted.get(operation._id)));
  return {
    name: 'a populate that is asked for again under its key is one, and what was asked for',
    holds: [extra, missing, others, refused].every(({ length }) => length === 0) && wanted.size === taken.size,
    detail: `${figure(taken.size)} keys, ${figure(asked.length)} requests, of which ${figure(unknown)} ended unknown: ${figure(operations.length)} operations, ${extra.length} that nobody was told of, ${missing.length} that are gone, ${others.length} that are not what was asked for, ${refused.length} that nobody took`,
  };
}

/** As far as somebody has asked for it. */
function isAsAsked(operation: OperationDocument, body: PopulateBody | undefined): boolean {
  if (body === undefined) return true;
  if (operation.kind !== 'populate') return false;
  const { faults = {}, ...plain } = body;
  return hasAll(operation, plain) && hasAll(operation.faults ?? {}, faults);
}

function hasAll(made: object, asked: object): boolean {
  return Object.entries(asked).every(([name, value]) => Object.is(Object(made)[name], value));
}
