import type { OperationDocument } from '#orders/operation/operation.js';
import type { ReconcileReport } from '#reconcile/report.js';
import type { ReportDocument } from '../../dev/report-document.js';
import type { JudgedAttempts } from './attempts.js';
import type { History } from './history.js';
import type { PopulateBody } from './load.js';
import type { InsertWatch, KeyOrder } from './inserts.js';

/** Resource use of a process. */
export interface Footprint {
  readonly name: string;
  readonly openFiles: number;
  readonly rssMiB: number;
  /** Timers, sockets and requests that keep the event loop alive, as Node.js counts them; `null` if it isn't Node.js or doesn't answer. */
  readonly handles: number | null;
}

/** The result of one check. */
export interface Finding {
  readonly name: string;
  readonly holds: boolean;
  /** The measured facts, in words and figures. */
  readonly detail: string;
}

/** All data of a run that the checks judge. */
export interface Evidence {
  readonly history: History;
  readonly reports: readonly ReconcileReport[];
  /** Operations that could not be reconciled, with the reason. */
  readonly unreconciled: readonly string[];
  readonly order: KeyOrder;
  readonly watch: Pick<InsertWatch, 'seen' | 'others' | 'interruptedBy'>;
  readonly attempts: JudgedAttempts;
  /** Number of orders stored at the end. */
  readonly stored: number;
  /** Number of records with dead letters at the end. Each dead letter without an operation counts as a record. */
  readonly deadRecords: number;
  /** Accepted populates with their request bodies, by idempotency key. */
  readonly accepted: ReadonlyMap<string, { readonly id: string; readonly body: PopulateBody }>;
  /** Idempotency keys of populates that no producer accepted. */
  readonly rejected: readonly string[];
  readonly operations: readonly OperationDocument[];
  /** Whether orders were still in the pipeline until the last fault was over. */
  readonly wasUnderLoad: boolean;
  /** Reads of saved orders after the last recovery. */
  readonly finalReads: { readonly sent: number; readonly right: number };
  /** How many times a consumer's counter of repeated saves was read. */
  readonly repeatReadings: number;
  readonly footprints: { readonly calm: readonly Footprint[]; readonly after: readonly Footprint[] };
  /** Processes that still ran after the cluster was stopped. */
  readonly left: readonly string[];
}

export function figure(value: number): string {
  return value.toLocaleString('en-US');
}

/** Returns a report that begins with the results of the checks. @param text what was run @param sections what else was found */
export function reportOf(
  findings: readonly Finding[],
  text: readonly string[],
  sections: ReportDocument['sections'],
): ReportDocument {
  const rows = findings.map(({ name, holds, detail }) => [name, holds ? 'passed' : 'FAILED', detail]);
  const checks = { heading: 'Checks', text, table: { head: ['check', 'result', 'measured'], rows } };
  const title = findings.every(({ holds }) => holds) ? 'All checks passed' : 'A check failed';
  return { title, sections: [checks, ...sections] };
}

/** Runs all checks on the evidence of a run. */
export function findingsOf(evidence: Evidence): Finding[] {
  return [...orderFindings(evidence), ...clusterFindings(evidence)];
}

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
  const mismatches = [
    ...reports.flatMap(defectsOf),
    ...unreconciled,
    ...(stored === saved ? [] : [`${figure(stored)} orders stored, but the operations saved ${figure(saved)}`]),
    ...(deadRecords === wrong ? [] : [`${deadRecords} records have dead letters, but ${wrong} were made invalid`]),
  ];
  const shown = mismatches.length === 0 ? '' : `; mismatches: ${mismatches.slice(0, LISTED).join(', ')}`;
  return {
    name: 'acknowledged = saved ∪ dead letters for every operation, and each operation succeeded',
    holds: reports.length > 0 && mismatches.length === 0,
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
      `${operation} ${verdict === 'broken' ? 'has a mismatch' : verdict}${altered === undefined ? '' : ` (${altered.fields.join(', ')} of ${altered.id})`}`,
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
  const [shown = ''] = first.map(
    ({ before, after }) =>
      `, such as order ${after.number} (offset ${after.offset}) after ${before.number} (offset ${before.offset}) of ${after.accountId}`,
  );
  const others =
    watch.others.length === 0 ? '' : `; other changes of orders: ${watch.others.slice(0, LISTED).join(', ')}`;
  const isWhole = watch.seen === stored && watch.interruptedBy === null;
  const gap = isWhole
    ? ''
    : `; ${figure(stored)} stored: the watch is incomplete (${watch.interruptedBy ?? 'the counts differ'})`;
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
  const wrong = history.of('read').find(({ outcome }) => outcome === 'wrong');
  const isCalm = calmOf(history);
  // A read that was sent before the calm period may fail in it, seconds later: it must also have begun in calm.
  const inCalm = history.of('read').filter(({ outcome, at, tookMs }) => outcome === 'error' && isCalm(at, tookMs));
  const example = wrong ?? inCalm[0];
  const shown = example === undefined ? '' : `, such as ${example.path}: ${example.reason ?? ''}`;
  const kinds = Object.entries(rightReads).map(([what, count]) => `${figure(count)} by ${what}`);
  return {
    name: 'no read returns a wrong answer, and none fails in calm periods',
    holds:
      reads.wrong === 0 &&
      inCalm.length === 0 &&
      Object.values(rightReads).every((count) => count > 0) &&
      finalReads.sent > 0 &&
      finalReads.right === finalReads.sent,
    detail: `correct reads: ${kinds.join(', ')}; ${figure(reads.absent)} correctly found nothing yet, ${figure(reads.error)} declared errors, ${figure(inCalm.length)} of them in calm periods, ${figure(reads.wrong)} wrong answers${shown}; after the last recovery, ${figure(finalReads.right)} of ${figure(finalReads.sent)} reads found their saved orders`,
  };
}

function populatesIdempotent({ history, accepted, rejected, operations }: Evidence): Finding {
  const requests = history.of('populate');
  const unknown = requests.filter(({ outcome }) => outcome === 'unknown').length;
  const requested = new Map([...accepted.values()].map(({ id, body }) => [id, body]));
  const extra = operations.filter(({ _id }) => !requested.has(_id));
  const missing = [...requested.keys()].filter((id) => operations.every(({ _id }) => _id !== id));
  const others = operations.filter((operation) => !matchesRequest(operation, requested.get(operation._id)));
  return {
    name: 'a populate that is retried with its key starts one operation, as requested',
    holds: [extra, missing, others, rejected].every(({ length }) => length === 0) && requested.size === accepted.size,
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

const RECOVERED_WITHIN_MS = 30_000;
/** Limit for simultaneous faults: each may need the time of a single fault. */
const ALL_RECOVERED_WITHIN_MS = 60_000;
const MAX_REPEATED_SHARE = 0.01;
/** What three consumers have in flight: each fault may repeat all of it, however short the run is. */
const MIN_REPEATS_LIMIT = 3_000;

/**
 * Exit of an app that can't start or can't drain: it logs the reason, exits, and is started again. This must not happen during a single
 * fault. During two, one fault can be the start or stop of the app, and the other the loss of a server that it needs.
 */
const GAVE_UP = 'exit code 1';

/** Judges the processes and their work. */
function clusterFindings(evidence: Evidence): Finding[] {
  return [recovered(evidence.history), fewRepeats(evidence), exitsWhenStopped(evidence), faultsDone(evidence)];
}

function recovered(history: History): Finding {
  const lost = history.of('not-recovered');
  const together = togetherPlaces(history);
  const times = history.of('recovered').toSorted((a, b) => b.afterMs - a.afterMs);
  const single = times.filter(({ place }) => !together.has(place));
  const several = times.filter(({ place }) => together.has(place));
  const slow = [
    ...single.filter(({ afterMs }) => afterMs > RECOVERED_WITHIN_MS),
    ...several.filter(({ afterMs }) => afterMs > ALL_RECOVERED_WITHIN_MS),
  ];
  const kindOf = (place: number): string =>
    history.of('fault-begins').find((event) => event.place === place)?.kind ?? 'unknown';
  const describe = (some: typeof times): string[] =>
    some.map(({ place, afterMs }) => `${kindOf(place)} ${(afterMs / 1_000).toFixed(1)} s`);
  const slowest = (some: typeof times): string => describe(some)[0] ?? 'none';
  return {
    name: `recovered within ${RECOVERED_WITHIN_MS / 1_000} s of every single fault, and within ${ALL_RECOVERED_WITHIN_MS / 1_000} s of simultaneous faults`,
    holds: lost.length === 0 && slow.length === 0 && times.length > 0,
    detail: [
      `${single.length} single faults, slowest recovery: ${slowest(single)}; ${several.length} rounds of simultaneous faults, slowest recovery: ${slowest(several)}`,
      ...(slow.length > 0 ? [`too slow: ${describe(slow).join(', ')}`] : []),
      ...(lost.length > 0 ? [`no recovery: ${lost.map(({ place }) => kindOf(place)).join(', ')}`] : []),
    ].join('; '),
  };
}

/** Places of faults that overlapped another fault. */
export function togetherPlaces(history: Pick<History, 'of'>): Set<number> {
  const begins = history.of('fault-begins');
  const ends = new Map(history.of('fault-ends').map(({ place, at }) => [place, at]));
  const places = new Set<number>();
  for (const [at, { place }] of begins.entries()) {
    const next = begins[at + 1];
    if (next === undefined || next.at >= (ends.get(place) ?? 0)) continue;
    places.add(place);
    places.add(next.place);
  }
  return places;
}

/**
 * A consumer whose lease ends without an answer of Kafka can't commit what it has saved, and the next owner saves it again: as many orders as it
 * had in flight, and what it saved while it still might. Such repeats have no limit, as the trace names each. But no lease may end so in calm periods.
 */
function fewRepeats({ history, watch, repeatReadings, attempts }: Evidence): Finding {
  const { total, byKind, unexplained } = explainedRepeats(history);
  const { leaseEnds, repeatsAfterLease } = attempts;
  const isCalm = calmOf(history);
  const calmEnds = leaseEnds.filter((end) => isCalm(history.timeOf(end))).length;
  const limit = Math.max(MAX_REPEATED_SHARE * watch.seen, MIN_REPEATS_LIMIT);
  // Of simultaneous faults, each may repeat as many as it would alone.
  const isFew = byKind.every(([kinds, saves]) => saves - repeatsAfterLease < limit * kinds.split(AND).length);
  const share = (100 * total) / Math.max(1, watch.seen);
  const shown = byKind.map(([kind, saves]) => `${figure(saves)} with ${kind}`);
  return {
    name: 'few saves are repeated, and none in calm periods',
    holds: isFew && unexplained === 0 && calmEnds === 0 && repeatReadings > 0,
    detail: `${figure(total)} saves found their order already stored, ${share.toFixed(2)} % of the orders (limit for each kind of fault: ${100 * MAX_REPEATED_SHARE} %, at least ${figure(MIN_REPEATS_LIMIT)}): ${[...shown, `${figure(unexplained)} unexplained, in ${Math.round(calmMsOf(history) / 1_000)} s of calm periods`].join(', ')}; ${figure(repeatsAfterLease)} after ${leaseEnds.length} leases ended (no limit), ${calmEnds} of them in calm periods; ${figure(repeatReadings)} metric readings`,
  };
}

function exitsWhenStopped({ history, footprints: { calm, after }, left }: Evidence): Finding {
  const hadOneFault = atMostOneFault(history);
  const endings = history.of('app-ended');
  const ended = endings.filter(
    ({ wasRequested, how, at }) => hadOneFault(at) || !(wasRequested || how.endsWith(GAVE_UP)),
  );
  const names = new Set(after.map(({ name }) => name));
  const all = [
    ...ended.map(({ name, how }) => `${name} ${how}`),
    ...calm.flatMap(({ name }) => (names.has(name) ? [] : [`${name} does not run`])),
    ...leaks(calm, after),
    ...left.map((name) => `${name} was still running after the stop`),
  ];
  return {
    name: 'apps exit only when stopped, and leak no process, file, handle or memory',
    holds: all.length === 0,
    detail: [
      ...all,
      `${endings.length - ended.length} exits of apps that could not start or drain during simultaneous faults`,
      `maximum per kind, before and after: ${growth(calm, after)}`,
    ].join('; '),
  };
}

/** Returns a predicate for times of a run: false during simultaneous faults, until their recovery. */
function atMostOneFault(history: Pick<History, 'of'>): (at: number) => boolean {
  const together = togetherPlaces(history);
  const recoveries = [...history.of('recovered'), ...history.of('not-recovered')];
  return (at) => {
    const begun = history.of('fault-begins').findLast((fault) => fault.at <= at);
    if (begun === undefined || !together.has(begun.place)) return true;
    return recoveries.some((recovery) => recovery.at > begun.at && recovery.at <= at);
  };
}

function faultsDone({ history, wasUnderLoad }: Evidence): Finding {
  const failed = history.of('fault-failed');
  const idle = new Set(history.of('fault-without-effect').map(({ place }) => place));
  const done = history.of('fault-begins').filter(({ place }) => !idle.has(place));
  const kinds = new Set(done.map(({ kind }) => kind));
  const servers = history.of('server-ended').map(({ how }) => firstSentence(how));
  return {
    name: 'the faults were injected under load',
    holds: failed.length === 0 && kinds.size > 0 && wasUnderLoad,
    detail: [
      `${done.length} faults of ${kinds.size} kinds; ${idle.size} more without effect, ${history.of('fault-skipped').length} skipped since another fault had the same subject`,
      ...(failed.length > 0 ? [`failed: ${failed.map(({ kind, reason }) => `${kind} (${reason})`).join(', ')}`] : []),
      ...(servers.length > 0
        ? [`exited by themselves: ${servers.length} servers (${[...new Set(servers)].join(', ')})`]
        : []),
      ...(wasUnderLoad ? [] : ['the load had ended before the last fault']),
    ].join('; '),
  };
}

/** Drops the rest, which quotes the last lines of the server's log. */
function firstSentence(text: string): string {
  return text.split(/(?<=\.) |\n/, 1).join('');
}

const APPS: ReadonlySet<string> = new Set(['producer', 'consumer', 'query-api']);

interface Resource {
  readonly unit: string;
  readonly of: (footprint: Footprint) => number;
  /** A growth beyond that is a leak. */
  readonly allowed: number;
}

const RESOURCES: readonly Resource[] = [
  // MongoDB's driver keeps the peak number of connections open, up to 100.
  { unit: 'open files', of: ({ openFiles }) => openFiles, allowed: 150 },
  { unit: 'handles', of: ({ handles }) => handles ?? 0, allowed: 200 },
  // V8 delays garbage collection as long as the heap has room.
  { unit: 'MiB of memory', of: ({ rssMiB }) => rssMiB, allowed: 300 },
];

/** Lists the apps that hold more resources than their kind did before the faults. Servers are exempt: they grow with the stored data. */
function leaks(before: readonly Footprint[], after: readonly Footprint[]): string[] {
  const apps = after.filter(({ name }) => APPS.has(appOf(name)));
  const grown = apps.flatMap((app) =>
    RESOURCES.flatMap(({ unit, of, allowed }) => {
      const highest = most(before, appOf(app.name), of);
      return of(app) > highest + allowed ? [`${app.name} has ${of(app)} ${unit}, at most ${highest} before`] : [];
    }),
  );
  const silent = apps.filter(({ handles }) => handles === null);
  return [...grown, ...silent.map(({ name }) => `${name} does not report its handles`)];
}

/** Formats in one line the maximum resource use of each kind of app, before and after. */
function growth(before: readonly Footprint[], after: readonly Footprint[]): string {
  const kinds = new Set(before.map(({ name }) => appOf(name)).filter((kind) => APPS.has(kind)));
  const changes = (kind: string): string[] =>
    RESOURCES.map(({ unit, of }) => `${most(before, kind, of)} → ${most(after, kind, of)} ${unit}`);
  return [...kinds].map((kind) => `${kind} ${changes(kind).join(', ')}`).join('; ');
}

function appOf(name: string): string {
  return name.replace(/-\d+$/, '');
}

/** The maximum of an app's processes. */
function most(all: readonly Footprint[], app: string, of: Resource['of']): number {
  return Math.max(...all.filter(({ name }) => appOf(name) === app).map(of));
}

/** An event within this time after a recovery may still be caused by the fault. */
const AFTERMATH_MS = 5_000;
/** Some partitions catch up later than others, while the sums of all show only that new orders are saved instead. */
const UNEVEN_MS = 5_000;

interface Interval {
  readonly from: number;
  readonly to: number;
}

/**
 * Returns a predicate for times of a run, and for the milliseconds before: whether no fault had begun yet, or all had recovered and the backlog had
 * drained.
 */
export function calmOf(history: Pick<History, 'of'>): (at: number, tookMs?: number) => boolean {
  const intervals = calmIntervals(history);
  return (at, tookMs = 0) => intervals.some(({ from, to }) => from <= at - tookMs && at < to);
}

/** Total calm time between the beginning and the last recovery, in milliseconds. A failure in this time counts as unexplained. */
export function calmMsOf(history: Pick<History, 'of'>): number {
  const between = calmIntervals(history).filter(({ to }) => to !== Infinity);
  return between.reduce((sum, { from, to }) => sum + Math.max(0, to - from), 0);
}

function calmIntervals(history: Pick<History, 'of'>): Interval[] {
  const begins = history.of('fault-begins').map(({ at }) => at);
  const after = history.of('recovered').map(({ at }) => {
    const from = caughtUpAt(history, at + AFTERMATH_MS);
    return { from, to: begins.find((begin) => begin > at) ?? Infinity };
  });
  return [{ from: 0, to: begins[0] ?? Infinity }, ...after];
}

/**
 * Finds when as many orders are saved as were acknowledged at `since`. Until then, orders that the fault caused
 * to be saved twice may be waiting. Samples at the recovery itself don't count: the producers have not published the delayed orders yet.
 */
function caughtUpAt(history: Pick<History, 'of'>, since: number): number {
  const later = history.of('sample').filter(({ at, acked }) => at >= since && acked !== null);
  const backlogEnd = later[0]?.acked;
  if (backlogEnd === undefined || backlogEnd === null) return since;
  const caughtUp = later.find(({ saved }) => saved >= backlogEnd);
  if (caughtUp === undefined) return Infinity;
  return caughtUp === later[0] ? caughtUp.at : caughtUp.at + UNEVEN_MS;
}

/** Separates the kinds of simultaneous faults. */
const AND = ' + ';

/** Repeated saves, by the fault kinds that caused them. */
interface ExplainedRepeats {
  readonly total: number;
  /** In descending order of saves. */
  readonly byKind: readonly (readonly [kind: string, saves: number])[];
  /** Repeated saves in calm periods. */
  readonly unexplained: number;
}

/** Attributes each repeated save to the faults that had begun since the previous recovery. */
export function explainedRepeats(history: Pick<History, 'of'>): ExplainedRepeats {
  const isCalm = calmOf(history);
  const byKind = new Map<string, number>();
  let total = 0;
  let unexplained = 0;
  for (const { at, saves, sinceMs } of history.of('repeats')) {
    total += saves;
    const kinds = kindsBefore(history, at);
    // Before the first fault, nothing explains them, whenever they happened.
    if (kinds === '' || isCalm(at, sinceMs)) unexplained += saves;
    else byKind.set(kinds, (byKind.get(kinds) ?? 0) + saves);
  }
  return { total, byKind: [...byKind].toSorted((a, b) => b[1] - a[1]), unexplained };
}

/** Kinds of the last fault that had begun by then, and of those simultaneous with it. */
function kindsBefore(history: Pick<History, 'of'>, until: number): string {
  const begun = history.of('fault-begins').filter(({ at }) => at <= until);
  const last = begun.at(-1)?.at ?? 0;
  const ends = [...history.of('recovered'), ...history.of('not-recovered')].map(({ at }) => at);
  const since = Math.max(0, ...ends.filter((at) => at <= last));
  return begun.flatMap(({ at, kind }) => (at >= since ? [kind] : [])).join(AND);
}
