import { createParser } from 'eventsource-parser';
import { isAlive } from '../../src/pipeline/consumer-state.js';
import { FigureHistory, type RecordedSeries } from '../../src/pipeline/figure-history.js';
import type { PipelineResponse } from '../../src/pipeline/pipeline-response.js';
import { ApiProblem, type Client } from '../client.js';

const INITIAL_BACKOFF_MS = 500;
const MAX_BACKOFF_MS = 5_000;
/** The server sends an event every second. After this silence the stream counts as broken, even if the connection is open. */
const SILENCE_TIMEOUT_MS = 6_000;

/** `connecting`: nothing has failed yet. `reconnecting`: the connection broke, or could not be established, and is retried. */
export type ConnectionState = 'connecting' | 'live' | 'reconnecting' | 'signed-out';

/**
 * Follows the console's event stream. Keeps the latest state, and the last hour of figures in constant memory. Uses `fetch`, because an
 * `EventSource` cannot send a token.
 */
export class LivePipeline extends EventTarget {
  /** `null`: unknown, or not connected. */
  latest: PipelineResponse | null = null;
  /** Those of the last event, also while not connected. */
  changes: PipelineResponse['changes'] = [];
  history = new FigureHistory();
  /** Whether `history` contains what the console had recorded before this page was opened. */
  hasRecorded = false;
  state: ConnectionState = 'connecting';
  private stream: AbortController | undefined;
  private isVisible = true;
  /** Seconds by which the console's clock is ahead of this machine's. */
  private ahead = 0;

  constructor(
    private readonly client: Client,
    private readonly clock: () => number = () => Date.now() / 1_000,
  ) {
    super();
  }

  /** Seconds since 1970, by the clock of the console: that of its last event while it sends events. */
  get now(): number {
    return this.latest === null ? this.clock() + this.ahead : secondOf(this.latest);
  }

  start(): void {
    this.become('connecting');
    this.follow();
  }

  /**
   * Closes the stream while the page is hidden, and keeps the state; opens it again when the page is visible, and loads what was recorded
   * meanwhile. A browser opens six connections to a server for all its pages together: with a stream each, a seventh page would not load.
   */
  setVisible(isVisible: boolean): void {
    this.isVisible = isVisible;
    if (this.state === 'signed-out') return;
    if (isVisible) this.follow();
    else this.stream?.abort();
  }

  /** Closes the stream; the state becomes unknown. */
  stop(): void {
    this.stream?.abort();
    this.become('signed-out');
  }

  private follow(): void {
    this.stream?.abort();
    if (!this.isVisible) return;
    this.stream = new AbortController();
    const { signal } = this.stream;
    void this.load(signal);
    void this.followEvents(signal);
  }

  /** Reconnects without limit when the stream breaks or falls silent, with exponential back-off from 0.5 s to 5 s. */
  private async followEvents(signal: AbortSignal): Promise<void> {
    let backOff = INITIAL_BACKOFF_MS;
    while (!signal.aborted) {
      try {
        await this.readEvents(signal, (text) => {
          backOff = INITIAL_BACKOFF_MS;
          this.take(JSON.parse(text) as PipelineResponse, signal);
        });
      } catch (error) {
        // The token is valid but lacks the scope: a retry cannot succeed.
        if (error instanceof ApiProblem && error.status === 403) this.client.session.signOut(error.message);
        // After any other error the page shows that it is not connected, and the loop retries.
      }
      if (signal.aborted) return;
      this.become('reconnecting');
      await new Promise((resolve) => setTimeout(resolve, backOff));
      backOff = Math.min(MAX_BACKOFF_MS, backOff * 2);
    }
  }

  /** Reads one stream to its end. @param onData receives the data of each `pipeline` event */
  private async readEvents(signal: AbortSignal, onData: (text: string) => void): Promise<void> {
    const silence = new AbortController();
    let timer = setTimeout(() => silence.abort(), SILENCE_TIMEOUT_MS);
    try {
      const response = await this.client.request('/v1/pipeline/events', {
        signal: AbortSignal.any([signal, silence.signal]),
      });
      const parser = createParser({ onEvent: ({ event, data }) => event === 'pipeline' && onData(data) });
      const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
      for (let part = await reader?.read(); part?.done === false; part = await reader?.read()) {
        clearTimeout(timer);
        timer = setTimeout(() => silence.abort(), SILENCE_TIMEOUT_MS);
        parser.feed(part.value);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  private take(figures: PipelineResponse, signal: AbortSignal): void {
    // The console has recorded the time of the interruption: load it instead of leaving a gap.
    if (this.state === 'reconnecting') void this.load(signal);
    this.state = 'live';
    this.latest = figures;
    this.changes = figures.changes;
    this.ahead = secondOf(figures) - this.clock();
    record(this.history, figures);
    this.changed();
  }

  /** Without an answer the page shows what it has seen itself; the next connection loads it again. */
  private async load(signal: AbortSignal): Promise<void> {
    try {
      const { series } = await this.client.get<{ series: RecordedSeries[] }>('/v1/pipeline/history');
      if (signal.aborted) return;
      this.history = FigureHistory.restore(series);
      this.hasRecorded = true;
      if (this.latest !== null) record(this.history, this.latest);
      this.changed();
    } catch {
      this.hasRecorded = false;
    }
  }

  /** The state becomes unknown. */
  private become(state: Exclude<ConnectionState, 'live'>): void {
    if (state === this.state) return;
    this.state = state;
    this.latest = null;
    this.changed();
  }

  private changed(): void {
    this.dispatchEvent(new Event('change'));
  }
}

function secondOf({ at }: PipelineResponse): number {
  return Math.round(Date.parse(at) / 1_000);
}

/** Adds the figures unless they are recorded already. */
function record(history: FigureHistory, figures: PipelineResponse): void {
  const second = secondOf(figures);
  if (second <= history.newest) return;
  history.add(second, {
    produced: figures.producedPerSecond,
    saved: figures.savedPerSecond,
    inFlight: figures.inFlight,
    lag: figures.lagRecords,
    consumers: figures.consumers?.filter((each) => isAlive(each)).length ?? null,
  });
}
