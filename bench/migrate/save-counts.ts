/** What a consumer's metrics say about its saves since its start. */
export interface SaveCounts {
  readonly atMs: number;
  readonly saved: number;
  /** Failed attempts of any kind, dead letters, conflicts, and bulk inserts that failed as a whole. */
  readonly failed: number;
  /** Bulk inserts by the upper bounds of their durations, in seconds; cumulative. */
  readonly inserts: ReadonlyMap<string, number>;
}

export interface Saves {
  readonly perSecond: number;
  /** The upper bound of the slowest bulk insert. */
  readonly slowestInsertSeconds: string;
}

const SAVED = /^consumer_orders_total\{result="saved"\} (\S+)/m;
const INSERT_BUCKET = /^consumer_bulk_insert_duration_seconds_bucket\{le="([^"]+)",result="succeeded"\} (\S+)/gm;
const FAILURES = [
  /^parallel_consumer_failed_attempts_total\{.*\} (\S+)$/gm,
  /^parallel_consumer_dead_lettered_total\{.*\} (\S+)$/gm,
  /^consumer_bulk_insert_duration_seconds_count\{result="failed"\} (\S+)$/gm,
  /^consumer_orders_total\{result="(?:conflict|refused)"\} (\S+)$/gm,
];

/** Reads the metrics of a consumer. */
export async function saveCounts(url: string): Promise<SaveCounts> {
  return countsIn(await (await fetch(`${url}/metrics`)).text(), performance.now());
}

/** Parses metrics. @throws Error if one is missing: then 0 would only seem to be counted */
export function countsIn(metrics: string, atMs: number): SaveCounts {
  const saved = SAVED.exec(metrics)?.[1];
  const failures = FAILURES.map((pattern) => [...metrics.matchAll(pattern)].map(([, count]) => Number(count)));
  if (saved === undefined || failures.some((counts) => counts.length === 0))
    throw new Error('a metric of the consumer is missing');
  return {
    atMs,
    saved: Number(saved),
    failed: failures.flat().reduce((sum, count) => sum + count, 0),
    inserts: new Map([...metrics.matchAll(INSERT_BUCKET)].map(([, bound = '', count]) => [bound, Number(count)])),
  };
}

/** Compares two readings. */
export function savesBetween(from: SaveCounts, to: SaveCounts): Saves {
  const all = grown('+Inf', from, to);
  const bound = [...to.inserts.keys()].find((each) => grown(each, from, to) === all);
  return {
    perSecond: ((to.saved - from.saved) / (to.atMs - from.atMs)) * 1_000,
    slowestInsertSeconds: bound ?? '+Inf',
  };
}

function grown(bound: string, from: SaveCounts, to: SaveCounts): number {
  return (to.inserts.get(bound) ?? 0) - (from.inserts.get(bound) ?? 0);
}
