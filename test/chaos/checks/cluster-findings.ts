import type { History } from '../history/history.js';
import { calmMsOf } from './calm.js';
import { figure, type Evidence, type Finding } from './evidence.js';
import { explainedRepeats } from './explained-repeats.js';
import { growth, leaks } from './footprint.js';

const RECOVERED_WITHIN_MS = 30_000;
/** Of faults that came together: each may need the time that one alone may. */
const ALL_RECOVERED_WITHIN_MS = 60_000;
const MOST_REPEATS = 0.01;
/** What three consumers have in flight: one hang may repeat it, however short the run is. */
const SOME_REPEATS = 3_000;

/**
 * How an app ends that can't start, or can't finish what it has in hand: it says so and is started again. While one fault stands that must not be;
 * of two, one can be its start or its end, and the other what it needs.
 */
const GAVE_UP = 'exit code 1';

/** What became of the processes, and of the work that they did. */
export function clusterFindings(evidence: Evidence): Finding[] {
  return [recovered(evidence.history), fewRepeats(evidence), endsWhenTold(evidence), faultsDone(evidence)];
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
  const told = (some: typeof times): string[] =>
    some.map(({ place, afterMs }) => `${kindOf(place)} ${(afterMs / 1_000).toFixed(1)} s`);
  const slowest = (some: typeof times): string => told(some)[0] ?? 'none';
  return {
    name: `recovered within ${RECOVERED_WITHIN_MS / 1_000} s of every single fault, and within ${ALL_RECOVERED_WITHIN_MS / 1_000} s of those that came together`,
    holds: lost.length === 0 && slow.length === 0 && times.length > 0,
    detail: [
      `${single.length} single faults, the slowest: ${slowest(single)}; ${several.length} times several, the slowest: ${slowest(several)}`,
      ...(slow.length > 0 ? [`too slow: ${told(slow).join(', ')}`] : []),
      ...(lost.length > 0 ? [`not at all: ${lost.map(({ place }) => kindOf(place)).join(', ')}`] : []),
    ].join('; '),
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

function fewRepeats({ history, watch, repeatLooks }: Evidence): Finding {
  const { total, byKind, unexplained } = explainedRepeats(history);
  const limit = Math.max(MOST_REPEATS * watch.seen, SOME_REPEATS);
  const share = (100 * total) / Math.max(1, watch.seen);
  const shown = byKind.map(([kind, saves]) => `${figure(saves)} with ${kind}`);
  return {
    name: 'few saves are done twice, and none when nothing fails',
    holds: total < limit && unexplained === 0 && repeatLooks > 0,
    detail: `${figure(total)} found their order there already, ${share.toFixed(2)} % of the orders (limit ${100 * MOST_REPEATS} %, or ${figure(SOME_REPEATS)}): ${[...shown, `${figure(unexplained)} unexplained, in ${Math.round(calmMsOf(history) / 1_000)} s without a fault`].join(', ')}; told ${figure(repeatLooks)} times`,
  };
}

function endsWhenTold({ history, footprints: { calm, after }, left }: Evidence): Finding {
  const wasOne = oneAtMost(history);
  const endings = history.of('app-ended');
  const ended = endings.filter(({ wasTold, how, at }) => wasOne(at) || !(wasTold || how.endsWith(GAVE_UP)));
  const names = new Set(after.map(({ name }) => name));
  const all = [
    ...ended.map(({ name, how }) => `${name} ${how}`),
    ...calm.flatMap(({ name }) => (names.has(name) ? [] : [`${name} is not there`])),
    ...leaks(calm, after),
    ...left.map((name) => `${name} ran on`),
  ];
  return {
    name: 'apps end when they are told to and not before, and nothing is left running, open or grown',
    holds: all.length === 0,
    detail: [
      ...all,
      `${endings.length - ended.length} could not start or drain for several faults at once`,
      `most of a kind, before and after: ${growth(calm, after)}`,
    ].join('; '),
  };
}

/** Tells of any moment whether it was not in a time of several faults that had come together, up to their recovery. */
function oneAtMost(history: Pick<History, 'of'>): (at: number) => boolean {
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
    name: 'the faults were done, and under load',
    holds: failed.length === 0 && kinds.size > 0 && wasUnderLoad,
    detail: [
      `${done.length} faults of ${kinds.size} kinds; ${idle.size} more that nobody noticed, ${history.of('fault-skipped').length} drawn for what another one was being done to`,
      ...(failed.length > 0 ? [`failed: ${failed.map(({ kind, reason }) => `${kind} (${reason})`).join(', ')}`] : []),
      ...(servers.length > 0
        ? [`ended by themselves: ${servers.length} servers (${[...new Set(servers)].join(', ')})`]
        : []),
      ...(wasUnderLoad ? [] : ['the load had ended before the last of them']),
    ].join('; '),
  };
}

/** Behind it come the last lines of a server's log. */
function firstSentence(text: string): string {
  return text.split(/(?<=\.) |\n/, 1).join('');
}
