import type { History } from '../history/history.js';
import { calmMsOf, calmOf } from './calm.js';
import { figure, type Evidence, type Finding } from './evidence.js';
import { explainedRepeats } from './explained-repeats.js';
import { growth, leaks } from './footprint.js';

const RECOVERED_WITHIN_MS = 30_000;
/** Limit for simultaneous faults: each may need the time of a single fault. */
const ALL_RECOVERED_WITHIN_MS = 60_000;
const MAX_REPEATED_SHARE = 0.01;
/** What three consumers have in flight: one hang may repeat all of it, however short the run is. */
const MIN_REPEATS_LIMIT = 3_000;

/**
 * Exit of an app that can't start or can't drain: it logs the reason, exits, and is started again. This must not happen during a single
 * fault. During two, one fault can be the start or stop of the app, and the other the loss of a server that it needs.
 */
const GAVE_UP = 'exit code 1';

/** Judges the processes and their work. */
export function clusterFindings(evidence: Evidence): Finding[] {
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
  const share = (100 * total) / Math.max(1, watch.seen);
  const shown = byKind.map(([kind, saves]) => `${figure(saves)} with ${kind}`);
  return {
    name: 'few saves are repeated, and none in calm periods',
    holds: total - repeatsAfterLease < limit && unexplained === 0 && calmEnds === 0 && repeatReadings > 0,
    detail: `${figure(total)} saves found their order already stored, ${share.toFixed(2)} % of the orders (limit ${100 * MAX_REPEATED_SHARE} %, at least ${figure(MIN_REPEATS_LIMIT)}): ${[...shown, `${figure(unexplained)} unexplained, in ${Math.round(calmMsOf(history) / 1_000)} s of calm periods`].join(', ')}; ${figure(repeatsAfterLease)} after ${leaseEnds.length} leases ended (no limit), ${calmEnds} of them in calm periods; ${figure(repeatReadings)} metric readings`,
  };
}

function exitsWhenStopped({ history, footprints: { calm, after }, left }: Evidence): Finding {
  const hadOneFault = atMostOneFault(history);
  const endings = history.of('app-ended');
  const ended = endings.filter(({ wasTold, how, at }) => hadOneFault(at) || !(wasTold || how.endsWith(GAVE_UP)));
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
