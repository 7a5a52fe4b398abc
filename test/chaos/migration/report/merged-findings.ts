import { figure, type Finding } from '../../checks/evidence.js';
import type { JourneyResult } from '../journey/journey-result.js';

/** Merges the findings of several journeys: a check holds if it holds in all of them. */
export function mergedFindings(journeys: readonly JourneyResult[]): Finding[] {
  const all = journeys.flatMap(({ journey, findings }) => findings.map((finding) => ({ journey, finding })));
  return [...Map.groupBy(all, ({ finding }) => finding.name)].map(([name, found]) => {
    const failed = found.filter(({ finding }) => !finding.holds);
    return {
      name,
      holds: failed.length === 0 && found.length === journeys.length,
      detail:
        failed.length === 0
          ? summed(found.map(({ finding }) => finding.detail))
          : failed.map(({ journey, finding }) => `journey ${journey}: ${finding.detail}`).join('; '),
    };
  });
}

/** Adds up the figures of texts that differ in nothing else; of times, the longest one counts. */
function summed(details: readonly string[]): string {
  const byShape = Map.groupBy(details, (detail) => detail.replaceAll(FIGURE, '#'));
  return [...byShape.values()].map((alike) => sumOf(alike)).join('; ');
}

function sumOf(details: readonly string[]): string {
  const figures = details.map((detail) => detail.match(FIGURE) ?? []);
  let at = 0;
  return (details[0] ?? '').replaceAll(FIGURE, (_, __, unit: string | undefined) => {
    const values = figures.map((own) => Number((own[at] ?? '0').replaceAll(',', '').replace(' s', '')));
    at += 1;
    return unit === undefined
      ? figure(values.reduce((sum, value) => sum + value, 0))
      : `${Math.max(...values).toFixed(1)} s`;
  });
}

const FIGURE = /(\d[\d,]*(?:\.\d+)?)( s\b)?/g;
