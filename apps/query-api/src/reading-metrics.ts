import { Gauge, type Registry } from 'prom-client';
import type { OpenExports } from './export/open-exports.js';
import type { AwaitedOrders } from './freshness/awaited-orders.js';

/** What takes long at the query API, as it is when it is asked. */
export function exposeReading(
  exports: Pick<OpenExports, 'count'>,
  awaited: Pick<AwaitedOrders, 'count'>,
  registry: Registry,
): void {
  const registers = [registry];
  const open: Gauge = new Gauge({
    name: 'query_api_exports_open',
    help: 'Exports that are being sent',
    registers,
    collect: () => open.set(exports.count),
  });
  const waiting: Gauge = new Gauge({
    name: 'query_api_waiting_reads',
    help: 'Reads with waitMs that wait for an order; 1,000 may at once',
    registers,
    collect: () => waiting.set(awaited.count),
  });
}
