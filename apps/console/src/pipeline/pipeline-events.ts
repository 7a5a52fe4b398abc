import type { PipelineResponse } from './pipeline-response.js';
import type { PipelineWatch } from './pipeline-watch.js';

/** Produces the server-sent events of the pipeline. */
export class PipelineEvents {
  private isStopped = false;
  private latest: { readonly figures: PipelineResponse; readonly text: string } | undefined;
  /** The last decision of the autoscaler that was sent, by its id. */
  private decisionId: string | undefined;

  constructor(private readonly watch: PipelineWatch) {}

  /**
   * Yields a `pipeline` event each second until `stop`, and before it a `decision` event when the autoscaler has made one. A client that reads
   * slowly misses events: nothing is stored for it, and its next event is the newest.
   */
  async *each(): AsyncGenerator<string> {
    let figures = await this.watch.now();
    while (!this.isStopped) {
      yield this.textOf(figures);
      figures = await this.watch.following();
    }
  }

  /** Ends all streams with the next snapshot. */
  stop(): void {
    this.isStopped = true;
  }

  /** All clients share the text. */
  private textOf(figures: PipelineResponse): string {
    if (this.latest?.figures !== figures)
      this.latest = {
        figures,
        text: `${this.decisionOf(figures)}event: pipeline\ndata: ${JSON.stringify(figures)}\n\n`,
      };
    return this.latest.text;
  }

  private decisionOf({ autoscaling }: PipelineResponse): string {
    const newest = autoscaling?.newest ?? null;
    if (newest === null || newest.id === this.decisionId) return '';
    this.decisionId = newest.id;
    return `event: decision\ndata: ${JSON.stringify(newest)}\n\n`;
  }
}
