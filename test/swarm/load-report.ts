import type { LoadFigures } from './swarm-load.js';

/** Returns the figures in one line, and the failures by kind. */
export function describeLoad(figures: LoadFigures): string {
  const { reads, failedReads, accepted, failedSends, seconds, readP99Ms } = figures;
  const rate = (count: number): string => (count / seconds).toFixed(0);
  return [
    `${seconds.toFixed(0)} s`,
    `${rate(reads)} reads/s, p99 ${readP99Ms.toFixed(0)} ms`,
    `failed reads: ${list(failedReads)}`,
    `${rate(accepted)} orders/s accepted`,
    `failed sends, all cured: ${list(failedSends)}`,
  ].join('; ');
}

function list(kinds: ReadonlyMap<string, number>): string {
  return kinds.size === 0 ? '0' : [...kinds].map(([what, count]) => `${count} x ${what}`).join(', ');
}

/** Returns the reads that failed. */
export function failuresOf({ failedReads }: LoadFigures): string[] {
  return [...failedReads].map(([what, count]) => `${count} x ${what}`);
}
