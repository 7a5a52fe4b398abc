import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { EmissionJob } from './emission-job.js';
import type { TopicObserver } from './orders-topic.js';

/** Creates the metrics of the orders topic, in records: one per order, plus the records that a populate's faults add. */
export function measureTopic(registry: Registry): TopicObserver {
  const registers = [registry];
  const sent = new Counter({
    name: 'producer_records_sent_total',
    help: 'Records sent to Kafka; those not acknowledged yet are in flight or were abandoned',
    registers,
  });
  const acknowledged = new Counter({
    name: 'producer_records_acknowledged_total',
    help: 'Records that Kafka acknowledged with acks=all',
    registers,
  });
  const durations = new Histogram({
    name: 'producer_acknowledge_duration_seconds',
    help: 'Time until Kafka acknowledged a batch, including retries',
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

/** Exposes the state of this process's emission. @param ceiling the maximum consumer lag, in records */
export function exposeEmission(job: Pick<EmissionJob, 'state'>, ceiling: number, registry: Registry): void {
  const registers = [registry];
  const emitting: Gauge = new Gauge({
    name: 'producer_emissions_running',
    help: 'Operation segments that this producer is emitting, including those that wait for the consumers',
    registers,
    collect: () => emitting.set(Number(job.state !== 'idle')),
  });
  const waiting: Gauge = new Gauge({
    name: 'producer_waiting_for_consumers',
    help: '1 while emission is paused because the consumer lag reached the lag ceiling, else 0',
    registers,
    collect: () => waiting.set(Number(job.state === 'waiting')),
  });
  new Gauge({
    name: 'producer_lag_ceiling_records',
    help: 'Consumer lag in records at which emission pauses (setting LAG_CEILING)',
    registers,
  }).set(ceiling);
}
