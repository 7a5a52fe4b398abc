import { Injectable, Logger } from '@nestjs/common';
import type { UUID } from 'mongodb';
import type { Clock } from '@orders-pipeline/clock';
import type { SavedReport } from '#orders/operation/saved-count.js';
import type { OrderDocument } from '#orders/order/order-document.js';
import { inTrace } from '#service/telemetry/tracing.js';
import type { InsertOrders, InsertResult } from './bulk-insert.js';

const REPORT_EVERY_MS = 500;

/**
 * Reports to each operation how many of its orders this consumer has saved: two small updates a second under load, none when idle.
 *
 * Progress queries read this figure instead of counting orders. Each report is sent at most once, so the figure never exceeds
 * the number of saved orders. After a killed consumer it is too low by up to 0.5 s of saves, until the producer counts exactly.
 */
@Injectable()
export class SavedReports {
  private readonly logger = new Logger('saved-reports');
  private unreported = new Map<string, number>();
  private cancelTimer: (() => void) | undefined;

  /** @param send stores a report, like `reportSaved` */
  constructor(
    private readonly send: (report: SavedReport) => Promise<void>,
    private readonly clock: Clock,
  ) {}

  /** Wraps an insert so that the orders that it saves are reported. A repeated order was counted by the insert that saved it. */
  reporting(insert: InsertOrders): InsertOrders {
    return async (documents) => {
      const results = await insert(documents);
      this.add(documents, results);
      return results;
    };
  }

  /** Sends the pending report. Call it before the process ends. Never throws. */
  async flush(): Promise<void> {
    this.cancelTimer?.();
    this.cancelTimer = undefined;
    if (this.unreported.size === 0) return;
    const report = this.unreported;
    this.unreported = new Map();
    try {
      await this.send(report);
    } catch (error) {
      // Do not retry: MongoDB may have applied the report, and a second one would count twice.
      this.logger.warn({ operations: report.size, reason: String(error) }, 'report of saved orders dropped');
    }
  }

  private add(documents: readonly OrderDocument[], results: readonly InsertResult[]): void {
    let run: { readonly id: UUID | null; saved: number } = { id: null, saved: 0 };
    for (const [index, result] of results.entries()) {
      const id = documents[index]?.ingest.operationId ?? null;
      if (result.kind !== 'saved') continue;
      // The saver shares one id object among consecutive orders, so each run is converted to text once.
      if (id !== run.id) {
        this.addRun(run.id, run.saved);
        run = { id, saved: 0 };
      }
      run.saved += 1;
    }
    this.addRun(run.id, run.saved);
    if (this.unreported.size === 0 || this.cancelTimer !== undefined) return;
    // Other batches share the report.
    inTrace(undefined, () => {
      this.cancelTimer = this.clock.after(REPORT_EVERY_MS, () => void this.flush());
    });
  }

  private addRun(id: UUID | null, saved: number): void {
    if (id === null || saved === 0) return;
    const operationId = id.toHexString();
    this.unreported.set(operationId, (this.unreported.get(operationId) ?? 0) + saved);
  }
}
