import { Gauge, type Registry } from 'prom-client';
import type { OpenExports } from './export/open-exports.js';
import type { WaitingReads } from './freshness/waiting-reads.js';

/** Exposes the query API's long-running requests as gauges, read at each scrape. */
export function exposeReadMetrics(
  exports: Pick<OpenExports, 'count'>,
  reads: Pick<WaitingReads, 'count'>,
  registry: Registry,
): void {
  const registers = [registry];
  const open: Gauge = new Gauge({
    name: 'query_api_exports_open',
    help: 'Exports in progress',
    registers,
    collect: () => open.set(exports.count),
  });
  const waiting: Gauge = new Gauge({
    name: 'query_api_waiting_reads',
    help: 'Reads with waitMs that wait for an order; the limit is the setting WAITS_IN_TOTAL',
    registers,
    collect: () => waiting.set(reads.count),
  });
}
