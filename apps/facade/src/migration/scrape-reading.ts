import { succeededWithin, type Clock } from '@orders-pipeline/clock';
import { timeLimit } from '#orders/time-limit.js';

/** Less than a scrape may take, which would otherwise lose all metrics of the process. */
const LIMIT_MS = timeLimit(2_000);

/**
 * Reads something for the metrics of one scrape: all gauges that ask at the same time share a read.
 * @returns a function that returns what was read; `undefined` if that failed or took 2 s, such as while MongoDB hangs
 */
export function readForScrapes<T>(read: () => Promise<T>, clock: Clock): () => Promise<T | undefined> {
  let reading: Promise<T | undefined> | undefined;
  const readOnce = async (): Promise<T | undefined> => {
    const work = read();
    try {
      return (await succeededWithin(clock, LIMIT_MS, work)) ? await work : undefined;
    } catch {
      // The gauges then have no sample, and the logs of the facade say why.
      return undefined;
    } finally {
      work.catch(() => undefined);
      reading = undefined;
    }
  };
  return async () => (reading ??= readOnce());
}
