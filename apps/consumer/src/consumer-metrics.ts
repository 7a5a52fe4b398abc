import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Counter, Gauge } from 'prom-client';
import type { ParallelConsumerStatus } from '#parallel-consumer/status.js';
import { OrdersSavers } from './orders-savers.js';

/** The consumer's figures for Prometheus, read from the engine when they are asked for. */
@Injectable()
export class ConsumerMetrics implements OnApplicationBootstrap {
  constructor(private readonly savers: OrdersSavers) {}

  onApplicationBootstrap(): void {
    this.gauge('orders_consumer_in_flight', 'Records in the handler', ({ inFlight }) => inFlight);
    this.gauge('orders_consumer_taken', 'Records in memory, running or waiting', ({ taken }) => taken);
    this.gauge('orders_consumer_lag_records', 'Unfinished records on the assigned partitions', ({ lag }) => lag);
    this.counter('orders_consumer_finished_total', 'Records saved or dead-lettered', ({ finished }) => finished);
    this.counter('orders_consumer_dead_lettered_total', 'Records dead-lettered', ({ deadLettered }) => deadLettered);
    this.counter('orders_consumer_retries_total', 'Further tries of a record', ({ retries }) => retries);
  }

  private gauge(name: string, help: string, read: (status: ParallelConsumerStatus) => number): void {
    const gauge: Gauge = new Gauge({ name, help, collect: () => gauge.set(read(this.savers.status)) });
  }

  private counter(name: string, help: string, read: (status: ParallelConsumerStatus) => number): void {
    let told = 0;
    const counter: Counter = new Counter({
      name,
      help,
      collect: () => {
        const now = read(this.savers.status);
        counter.inc(now - told);
        told = now;
      },
    });
  }
}
