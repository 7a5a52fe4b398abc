import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { OperationRunner } from './operation-runner.js';
import type { TopicObserver } from './orders-topic.js';

/** What goes to the orders' topic, in records: as many as orders, but for those that a populate's faults add. */
export function measureTopic(registry: Registry): TopicObserver {
  const registers = [registry];
  const sent = new Counter({
    name: 'producer_records_sent_total',
    help: 'Records handed to Kafka; what it has not acknowledged yet is on its way, or was given up',
    registers,
  });
  const acknowledged = new Counter({
    name: 'producer_records_acknowledged_total',
    help: 'Records that Kafka acknowledged: all in-sync replicas have them',
    registers,
  });
  const durations = new Histogram({
    name: 'producer_acknowledge_duration_seconds',
    help: 'How long Kafka took to acknowledge a batch, tries again included',
    buckets: [0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
    registers,
  });
  return {
    sent: (records) => sent.inc(records),
    acknowledged: (records, milliseconds) => {
      acknowledged.inc(records);
      durations.observe(milliseconds / 1_000);
    },
  };
}

/** What this producer does when it is asked. Others may emit beside it. @param ceiling records that the consumers may be behind */
export function exposeEmission(runner: Pick<OperationRunner, 'state'>, ceiling: number, registry: Registry): void {
  const registers = [registry];
  const emitting: Gauge = new Gauge({
    name: 'producer_emissions_running',
    help: 'Segments of operations that this producer emits now, those that wait for the consumers included',
    registers,
    collect: () => emitting.set(Number(runner.state !== 'idle')),
  });
  const waiting: Gauge = new Gauge({
    name: 'producer_waiting_for_consumers',
    help: '1 while an emission is held back since the consumers are behind by the lag ceiling, else 0',
    registers,
    collect: () => waiting.set(Number(runner.state === 'waiting')),
  });
  new Gauge({
    name: 'producer_lag_ceiling_records',
    help: 'Records that the consumers may be behind before emissions are held back (setting LAG_CEILING)',
    registers,
  }).set(ceiling);
}
