import type { PipelineResponse } from '../../src/pipeline/pipeline-response.js';
import { followEvents } from '../api/event-stream.js';
import type { Client } from '../api/client.js';

/** The rates of one second. */
export interface Sample {
  /** Seconds since 1970. */
  readonly at: number;
  readonly produced: number | null;
  readonly saved: number | null;
}

/** 15 minutes; bounds the memory of a tab that stays open. */
const KEPT_SAMPLES = 900;

/** Follows the console's event stream and keeps the latest state and recent samples. */
export class LivePipeline extends EventTarget {
  /** `null`: unknown, or not connected. */
  latest: PipelineResponse | null = null;
  samples: readonly Sample[] = [];
  isConnected = false;
  private stream: AbortController | undefined;

  constructor(private readonly client: Client) {
    super();
  }

  start(): void {
    this.stream?.abort();
    this.stream = new AbortController();
    void followEvents(
      this.client,
      '/v1/pipeline/events',
      {
        data: (text) => this.take(JSON.parse(text) as PipelineResponse),
        connected: (isConnected) => this.connected(isConnected),
      },
      this.stream.signal,
    );
  }

  /** Closes the stream; the state becomes unknown. */
  stop(): void {
    this.stream?.abort();
    this.connected(false);
  }

  private take(figures: PipelineResponse): void {
    const { producedPerSecond: produced, savedPerSecond: saved } = figures;
    this.latest = figures;
    this.samples = [...this.samples, { at: Date.now() / 1_000, produced, saved }].slice(-KEPT_SAMPLES);
    this.changed();
  }

  private connected(isConnected: boolean): void {
    if (isConnected === this.isConnected) return;
    this.isConnected = isConnected;
    if (!isConnected) {
      this.latest = null;
      // Leaves a gap in the chart instead of a line through the missing time.
      this.samples = [...this.samples, { at: Date.now() / 1_000, produced: null, saved: null }].slice(-KEPT_SAMPLES);
    }
    this.changed();
  }

  private changed(): void {
    this.dispatchEvent(new Event('change'));
  }
}
