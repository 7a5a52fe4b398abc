import type { RecordOrigin, RecordSpan, Tracing } from '../tracing.js';

/** Stands for the traces of a process, and remembers what happened in which. Its context lasts until the first wait of the work. */
export class RecordedTraces implements Tracing {
  /** The active context. */
  active: string | undefined;
  /** The spans of records that were begun, and how each ended. */
  readonly records: { readonly origin: RecordOrigin; end: 'open' | 'acknowledged' | 'failed' }[] = [];
  readonly batches = { sending: () => undefined };

  recordsOf(): { taken(): undefined } {
    return { taken: () => undefined };
  }

  beginRecord(_topic: string, origin: RecordOrigin): RecordSpan {
    const record: (typeof this.records)[number] = { origin, end: 'open' };
    this.records.push(record);
    return {
      headers: { traceparent: `span ${this.records.length}` },
      end: (error) => {
        record.end = error === undefined ? 'acknowledged' : 'failed';
      },
    };
  }

  activeContext(): string | undefined {
    return this.active;
  }

  within<T>(context: string | undefined, run: () => T): T {
    const before = this.active;
    this.active = context;
    try {
      return run();
    } finally {
      this.active = before;
    }
  }

  logFields(): Record<string, string> {
    return {};
  }

  nameRoutes(): void {
    // There are no requests.
  }

  async stop(): Promise<void> {
    // It exports nothing.
  }
}
