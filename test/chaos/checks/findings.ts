import type { ReconcileReport } from '#reconcile/report.js';
import type { History } from '../history/history.js';
import { explainedRepeats } from './explained-repeats.js';
import { growth, leaks, type Footprint } from './footprint.js';
import type { InsertWatch } from './insert-watch.js';
import type { KeyOrder } from './key-order.js';

/** One thing that must hold, and whether it does. */
export interface Finding {
  readonly name: string;
  readonly holds: boolean;
  /** What was found, in words and figures. */
  readonly detail: string;
}

export interface Evidence {
  readonly history: History;
  readonly reports: readonly ReconcileReport[];
  readonly order: KeyOrder;
  readonly watch: Pick<InsertWatch, 'seen' | 'others' | 'brokenBy'>;
  /** Orders that there are in the end. */
  readonly stored: number;
  /** Populates that were taken, and the operations that there are. */
  readonly taken: ReadonlyMap<string, string>;
  readonly operations: readonly { readonly _id: string }[];
  readonly footprints: { readonly calm: readonly Footprint[]; readonly after: readonly Footprint[] };
  /** Processes that ran on after the end. */
  readonly left: readonly string[];
}

const RECOVERED_WITHIN_MS = 30_000;
const MOST_REPEATS = 0.01;
const figure = (value: number): string => value.toLocaleString('en-US');

/** What a run has shown, each with its limit. */
export function findingsOf(evidence: Evidence): Finding[] {
  return [
    ...equations(evidence.reports),
    orderKept(evidence),
    readsTrue(evidence.history),
    populatesTakenOnce(evidence),
    recovered(evidence.history),
    fewRepeats(evidence),
    nothingLeaks(evidence),
    faultsDone(evidence.history),
  ];
}

function equations(reports: readonly ReconcileReport[]): Finding[] {
  const sum = (of: (report: ReconcileReport) => number): number => reports.reduce((total, each) => total + of(each), 0);
  const acked = sum((report) => report.acked);
  const broken = reports.filter(({ verdict }) => verdict !== 'holds');
  const parts = (['missing', 'doubled', 'altered', 'phantom', 'pending'] as const).map(
    (name) => `${figure(sum((report) => report[name]))} ${name}`,
  );
  return [
    {
      name: 'acknowledged = saved ∪ dead letters, in every operation',
      holds: reports.length > 0 && broken.length === 0,
      detail: `${figure(reports.length)} operations, ${figure(acked)} orders acknowledged: ${parts.join(', ')}; ${figure(sum((report) => report.deadLettered))} dead letters${broken.length === 0 ? '' : `; broken: ${broken.map(({ operation, verdict }) => `${operation} ${verdict}`).join(', ')}`}`,
    },
  ];
}

function orderKept({ order, watch, stored }: Evidence): Finding {
  const { violations, first } = order;
  const example = first[0];
  const shown =
    example === undefined
      ? ''
      : `, such as order ${example.after.number} (offset ${example.after.offset}) after ${example.before.number} (offset ${example.before.offset}) of ${example.after.accountId}`;
  const others = watch.others.length === 0 ? '' : `, and orders were changed: ${watch.others.slice(0, 5).join(', ')}`;
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

function readsTrue(history: History): Finding {
  const { reads } = history;
  const [first] = history.of('read');
  const shown = first === undefined ? '' : `, such as ${first.path}: ${first.reason ?? ''}`;
  return {
    name: 'no read lies',
    holds: reads.lie === 0 && reads.right > 0,
    detail: `${figure(reads.right)} right, ${figure(reads.error)} honest errors, ${figure(reads.lie)} lies${shown}`,
  };
}

function populatesTakenOnce({ history, taken, operations }: Evidence): Finding {
  const asked = history.of('populate');
  const unknown = asked.filter(({ outcome }) => outcome === 'unknown').length;
  const ids = new Set(taken.values());
  const extra = operations.filter(({ _id }) => !ids.has(_id));
  const missing = [...ids].filter((id) => operations.every(({ _id }) => _id !== id));
  return {
    name: 'a populate that is asked for again under its key is one',
    holds: extra.length === 0 && missing.length === 0 && ids.size === taken.size,
    detail: `${figure(taken.size)} keys, ${figure(asked.length)} requests, of which ${figure(unknown)} ended unknown: ${figure(operations.length)} operations, ${extra.length} that nobody was told of, ${missing.length} that are gone`,
  };
}

function recovered(history: History): Finding {
  const lost = history.of('not-recovered');
  const together = togetherPlaces(history);
  const times = history.of('recovered').filter(({ place }) => !together.has(place));
  const slow = times.filter(({ afterMs }) => afterMs > RECOVERED_WITHIN_MS);
  const worst = times.toSorted((a, b) => b.afterMs - a.afterMs)[0];
  const kindOf = (place: number): string =>
    history.of('fault-begins').find((event) => event.place === place)?.kind ?? 'unknown';
  return {
    name: `recovered within ${RECOVERED_WITHIN_MS / 1_000} s of every single fault`,
    holds: lost.length === 0 && slow.length === 0 && times.length > 0,
    detail: `${times.length} single faults, the slowest ${((worst?.afterMs ?? 0) / 1_000).toFixed(1)} s (${worst === undefined ? 'none' : kindOf(worst.place)})${slow.length > 1 ? `, too slow: ${slow.map(({ place, afterMs }) => `${kindOf(place)} ${(afterMs / 1_000).toFixed(1)} s`).join(', ')}` : ''}${lost.length > 0 ? `; not at all: ${lost.map(({ place }) => kindOf(place)).join(', ')}` : ''}`,
  };
}

/** Places of faults of which another began before they had ended. */
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

function fewRepeats({ history, watch }: Evidence): Finding {
  const { total, byKind, unexplained } = explainedRepeats(history);
  const share = total / Math.max(1, watch.seen);
  const shown = byKind.map(([kind, saves]) => `${figure(saves)} with ${kind}`);
  return {
    name: 'few saves are done twice, and none when nothing fails',
    holds: share < MOST_REPEATS && unexplained === 0,
    detail: `${figure(total)} found their order there already, ${(100 * share).toFixed(2)} % of the orders (limit ${100 * MOST_REPEATS} %): ${[...shown, `${figure(unexplained)} unexplained`].join(', ')}`,
  };
}

function nothingLeaks({ footprints: { calm, after }, left }: Evidence): Finding {
  const all = [...leaks(calm, after), ...left.map((name) => `${name} ran on`)];
  return {
    name: 'nothing is left running or open',
    holds: all.length === 0,
    detail: [...all, `most of a kind, before and after: ${growth(calm, after)}`].join('; '),
  };
}

function faultsDone(history: History): Finding {
  const failed = history.of('fault-failed');
  const kinds = new Set(history.of('fault-begins').map(({ kind }) => kind));
  return {
    name: 'the faults were done',
    holds: failed.length === 0 && kinds.size > 0,
    detail: `${history.of('fault-begins').length} faults of ${kinds.size} kinds${failed.length === 0 ? '' : `; failed: ${failed.map(({ kind, reason }) => `${kind} (${reason})`).join(', ')}`}`,
  };
}
