import { Injectable } from '@nestjs/common';
import { Gauge, type Registry } from 'prom-client';
import { ConcurrencyLimit, type ConcurrencySettings } from '#service/http/concurrency-limit.js';

/** The places of exports in progress. */
@Injectable()
export class OpenExports extends ConcurrencyLimit {
  constructor(limits: ConcurrencySettings<'EXPORTS'>) {
    super({ setting: 'EXPORTS', name: 'exports', code: 'too-many-exports' }, limits);
  }
}

/** The places of reads that wait for an order: one query reads the orders of all of them. */
@Injectable()
export class WaitingReads extends ConcurrencyLimit {
  constructor(limits: ConcurrencySettings<'WAITS'>) {
    super({ setting: 'WAITS', name: 'reads with waitMs', code: 'too-many-waiting' }, limits);
  }
}

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
