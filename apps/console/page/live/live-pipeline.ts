import type { PipelineResponse } from '../../src/pipeline/pipeline-response.js';
import { followEvents } from '../api/event-stream.js';
import type { Client } from '../api/client.js';

/** What was seen at one second. */
export interface Sample {
  /** Seconds since 1970. */
  readonly at: number;
  readonly produced: number | null;
  readonly saved: number | null;
}

/** A quarter of an hour: a tab that is left open doesn't grow. */
const KEPT_SAMPLES = 900;

/** The pipeline as the console's stream tells it, and what was seen since the page was opened. */
export class LivePipeline extends EventTarget {
  /** `null`: nothing is known, or not any more. */
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

  /** What is known is told as unknown from then on. */
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
      // A gap in the chart, not a line through what nobody saw.
      this.samples = [...this.samples, { at: Date.now() / 1_000, produced: null, saved: null }].slice(-KEPT_SAMPLES);
    }
    this.changed();
  }

  private changed(): void {
    this.dispatchEvent(new Event('change'));
  }
}
