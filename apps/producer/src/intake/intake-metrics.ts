import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** Receives the outcomes of the intake, synchronously, for metrics. */
export interface IntakeObserver {
  batch(orders: number): void;
  accepted(orders: number, milliseconds: number): void;
  refused(): void;
}

/** Creates the metrics of `POST /v1/orders`. @param waiting returns the number of orders that are in no batch yet */
export function measureIntake(registry: Registry, waiting: () => number): IntakeObserver {
  const registers = [registry];
  const requests = new Counter({
    name: 'producer_intake_requests_total',
    help: 'Requests of POST /v1/orders with valid orders; outcome is accepted or failed',
    labelNames: ['outcome'],
    registers,
  });
  const orders = new Counter({
    name: 'producer_intake_orders_total',
    help: 'Orders that POST /v1/orders accepted: Kafka has them on all in-sync replicas',
    registers,
  });
  const batches = new Histogram({
    name: 'producer_intake_batch_orders',
    help: 'Orders in a batch: requests within a few milliseconds share one',
    buckets: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000],
    registers,
  });
  const durations = new Histogram({
    name: 'producer_intake_duration_seconds',
    help: 'Time from a valid request of POST /v1/orders to the acknowledgement of all its orders',
    buckets: [0.005, 0.01, 0.02, 0.03, 0.06, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  });
  const gauge: Gauge = new Gauge({
    name: 'producer_intake_waiting_orders',
    help: 'Orders of POST /v1/orders that are in no batch yet',
    registers,
    collect: () => gauge.set(waiting()),
  });
  return {
    batch: (size) => batches.observe(size),
    accepted: (count, milliseconds) => {
      requests.inc({ outcome: 'accepted' });
      orders.inc(count);
      durations.observe(milliseconds / 1_000);
    },
    refused: () => requests.inc({ outcome: 'failed' }),
  };
}
