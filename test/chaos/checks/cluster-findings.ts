import type { History } from '../history/history.js';
import { figure, type Evidence, type Finding } from './evidence.js';
import { explainedRepeats } from './explained-repeats.js';
import { growth, leaks } from './footprint.js';

const RECOVERED_WITHIN_MS = 30_000;
const MOST_REPEATS = 0.01;

/** What became of the processes, and of the work that they did. */
export function clusterFindings(evidence: Evidence): Finding[] {
  return [recovered(evidence.history), fewRepeats(evidence), endsWhenTold(evidence), faultsDone(evidence)];
}

function recovered(history: History): Finding {
  const lost = history.of('not-recovered');
  const together = togetherPlaces(history);
  const times = history.of('recovered').filter(({ place }) => !together.has(place));
  const slow = times.filter(({ afterMs }) => afterMs > RECOVERED_WITHIN_MS);
  const worst = times.toSorted((a, b) => b.afterMs - a.afterMs)[0];
  const kindOf = (place: number): string =>
    history.of('fault-begins').find((event) => event.place === place)?.kind ?? 'unknown';
  const tooSlow = slow.map(({ place, afterMs }) => `${kindOf(place)} ${(afterMs / 1_000).toFixed(1)} s`);
  return {
    name: `recovered within ${RECOVERED_WITHIN_MS / 1_000} s of every single fault`,
    holds: lost.length === 0 && slow.length === 0 && times.length > 0,
    detail: [
      `${times.length} single faults, the slowest ${((worst?.afterMs ?? 0) / 1_000).toFixed(1)} s (${worst === undefined ? 'none' : kindOf(worst.place)})`,
      ...(slow.length > 1 ? [`too slow: ${tooSlow.join(', ')}`] : []),
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

function endsWhenTold({ history, footprints: { calm, after }, left }: Evidence): Finding {
  const all = [
    ...history.of('app-ended').map(({ name, how }) => `${name} ${how}`),
    ...leaks(calm, after),
    ...left.map((name) => `${name} ran on`),
  ];
  return {
    name: 'apps end when they are told to and not before, and nothing is left running, open or grown',
    holds: all.length === 0,
    detail: [...all, `most of a kind, before and after: ${growth(calm, after)}`].join('; '),
  };
}

function faultsDone({ history, wasUnderLoad }: Evidence): Finding {
  const failed = history.of('fault-failed');
  const begun = history.of('fault-begins');
  const kinds = new Set(begun.map(({ kind }) => kind));
  return {
    name: 'the faults were done, and under load',
    holds: failed.length === 0 && kinds.size > 0 && wasUnderLoad,
    detail: [
      `${begun.length} faults of ${kinds.size} kinds, ${history.of('fault-skipped').length} more drawn for what another one was being done to`,
      ...(failed.length > 0 ? [`failed: ${failed.map(({ kind, reason }) => `${kind} (${reason})`).join(', ')}`] : []),
      ...(wasUnderLoad ? [] : ['the load had ended before the last of them']),
    ].join('; '),
  };
}
