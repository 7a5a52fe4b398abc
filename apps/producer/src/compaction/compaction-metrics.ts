import { Counter, Gauge, type Registry } from 'prom-client';
import type { CompactionObserver } from './compaction-job.js';

/** Creates the metrics of the compaction. */
export function measureCompaction(registry: Registry): CompactionObserver {
  const registers = [registry];
  const compacted = new Counter({
    name: 'producer_compacted_orders_total',
    help: 'Orders whose bookkeeping was verified and replaced by the digest of their block',
    registers,
  });
  const defects = new Map<string, number>();
  const blocks = new Gauge({
    name: 'producer_compaction_defects',
    help: 'Blocks of orders that are not compacted, because an order is lost, altered or was never sent',
    registers,
  });
  return {
    compacted: (orders) => compacted.inc(orders),
    defects: (operationId, count) => {
      if (count === 0) defects.delete(operationId);
      else defects.set(operationId, count);
      blocks.set([...defects.values()].reduce((sum, each) => sum + each, 0));
    },
  };
}
