import type { Logger } from 'pino';
import type { FacadeMetrics } from '../facade-metrics.js';
import type { ComparisonWatch } from './comparisons.js';

/** Shows comparisons in metrics, and what they find in the log: the values stay in MongoDB, because they are business data. */
export function loggedComparisons(metrics: FacadeMetrics, logger: Logger): ComparisonWatch {
  return {
    ended: (capability, outcome) => metrics.comparisonEnded(capability, outcome),
    dropped: (reason) => metrics.comparisonDropped(reason),
    found: ({ capability, version, key, code, recheck, paths }) =>
      logger.warn({ capability, version, key, code, recheck, paths: paths.map(({ path }) => path) }, 'mismatch found'),
    failed: (error, capability) => logger.error({ err: error, capability }, 'comparison failed'),
    gauge: (queued) => metrics.queuedComparisons(queued),
  };
}
